"""The named schemas of the OpenAPI document, made by msgspec from the types that bodies and answers really have."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

import msgspec

from reviewqueue.api.answers import Problem
from reviewqueue.api.contract import Promise
from reviewqueue.api.problems import KINDS, problem_type
from reviewqueue.api.wording import SUBMITTED_FIELDS

Json = dict[str, Any]

SCHEMA_REF: Final = "#/components/schemas/{name}"


def component_schemas(*, promises: Iterable[Promise], codes: Collection[str]) -> Json:
    """By name: every type that the promises mention, and a problem for each code."""
    kinds = [kind for promise in promises for kind in _kinds_of(promise)]
    members = [kind for code in codes for kind in KINDS[code].members.values()]
    _, schemas = msgspec.json.schema_components([Problem, *kinds, *members], ref_template=SCHEMA_REF)
    for name, texts in SUBMITTED_FIELDS.items():
        for field, text in texts.items():
            schemas[name]["properties"][field]["description"] = text
    schemas |= {problem_name(code): _problem_schema(code) for code in codes}
    return {name: schemas[name] for name in sorted(schemas)}


def _kinds_of(promise: Promise) -> Iterator[Any]:
    if promise.body:
        yield promise.body.kind
    for answer in promise.answers.values():
        if answer.kind is not None:
            yield answer.kind


def reference_to(kind: Any) -> Json:
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=SCHEMA_REF)
    return schema


def problem_name(code: str) -> str:
    return f"problem.{code}"


def _problem_schema(code: str) -> Json:
    kind = KINDS[code]
    facts = {"type": problem_type(code), "title": kind.title, "status": kind.status, "code": code}
    return {
        "description": f"{kind.title}.",
        "allOf": [reference_to(Problem)],
        "properties": {
            **{name: {"const": value} for name, value in facts.items()},
            **{name: reference_to(member) for name, member in kind.members.items()},
        },
    }


def problem_example(code: str) -> Json:
    kind = KINDS[code]
    return {
        "type": problem_type(code),
        "title": kind.title,
        "status": kind.status,
        "detail": f"{kind.title}.",
        "code": code,
        "instance": "0198f0c2-7a41-7c3e-9d52-3f1f0a6b7c11",
        **_EXAMPLE_MEMBERS.get(code, {}),
    }


_EXAMPLE_MEMBERS: Final[dict[str, Json]] = {
    "claim_conflict": {"fields": ["confidence", "output"]},
    "lease_lost": {
        "label": {
            "id": "0198f0c3-90aa-7d2c-a1b0-2c3d4e5f6a41",
            "by": "another reviewer",
            "verdict": "incorrect",
            "output": None,
            "error_types": [],
            "note": "",
        }
    },
    "policy_moved_on": {"revision": "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae.approved"},
    "invalid": {
        "errors": [
            {
                "pointer": "/confidence",
                "code": "range",
                "detail": "Expected `float` <= 1.0. A confidence is a share between 0 and 1, not a percentage.",
            }
        ]
    },
    "bad_query": {
        "errors": [
            {"pointer": "/limit", "code": "range", "detail": "This is a whole number from 1 to 500."},
        ]
    },
}
