"""What requests and answers about open tasks look like, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

OPEN_TASKS: Final[dict[str, Any]] = {
    "results": [
        {
            "slot": 4711,
            "purpose": "review",
            "category": "pricing",
            "due_at": "2026-11-22T10:00:00.000Z",
            "hours": 24,
            "opened_at": "2026-11-22T06:00:00.000Z",
            "answer": 1,
            "answers_needed": 1,
            "for_seniors": False,
            "skills": ["german"],
            "state": "held",
            "person": "rita",
            "until": "2026-11-22T06:40:00.000Z",
        }
    ],
    "next": None,
}
SOONER: Final[dict[str, Any]] = {"slots": [4711, 4712], "do": "prioritise", "hours": 24, "preview": True}
RELEASE: Final[dict[str, Any]] = {"slots": [4711], "do": "release"}
TO_RAVI: Final[dict[str, Any]] = {"slots": [4711], "do": "reassign", "to": "ravi", "keep_hours": 8}
TO_ALL: Final[dict[str, Any]] = {"slots": [4711], "do": "reassign"}
CHANGED: Final[dict[str, Any]] = {
    "id": "01935d2e-7a10-7c4e-9c55-0d2f6a1b8e42",
    "undo_until": "2026-11-22T07:10:00.000Z",
    "changed": [4711],
    "unchanged": [{"slot": 4712, "why": "done"}],
}
UNDONE: Final[dict[str, Any]] = {"restored": [4711], "unchanged": [{"slot": 4713, "why": "answered"}]}
RULES: Final[dict[str, Any]] = {
    "rules": {
        "working_time": {
            "zone": "Europe/Berlin",
            "hours": {"mon": [["09:00", "12:00"], ["13:00", "17:00"]], "tue": [["09:00", "17:00"]]},
            "holidays": ["2026-12-25"],
        },
        "due": {"categories": {"refunds": 60}, "bands": {"0.60-0.90": 480}},
        "skills": {"categories": {"refunds": ["law"]}, "segments": {"language": {"de": ["german"]}}},
    },
    "revision": "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    "people": [{"person": "rita", "skills": ["law"]}],
}
NO_SKILLS: Final[dict[str, Any]] = {"person": "rita", "skills": []}
