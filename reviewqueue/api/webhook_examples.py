"""What requests and answers about webhooks look like, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

_ID: Final = "0198f0c9-1c5e-7d5a-9e64-2f3a1b6c7d8e"
_DELIVERY: Final = "0198f0ca-0a4b-7c11-8d22-5e6f7a8b9c0d"
REGISTRATION: Final[dict[str, Any]] = {
    "url": "https://hooks.example.com/review-queue",
    "events": ["outcome.settled", "outcome.superseded"],
}
ENDPOINT: Final[dict[str, Any]] = {
    "id": _ID,
    "url": "https://hooks.example.com/review-queue",
    "events": ["outcome.settled", "outcome.superseded"],
    "payload": "thin",
    "state": "unverified",
    "state_reason": "challenge",
    "verified_at": None,
    "failures": 0,
    "rests_until": None,
    "signatures": [{"scheme": "v1", "public_key": None, "expires_at": None}],
    "created_at": "2026-11-22T06:00:00.000Z",
}
ACTIVE: Final = {**ENDPOINT, "state": "active", "state_reason": None, "verified_at": "2026-11-22T06:00:02.310Z"}
PAUSED: Final = {**ACTIVE, "state": "paused", "state_reason": "asked"}
REGISTERED: Final = {**ENDPOINT, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
ROTATED: Final = {**ACTIVE, "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}
ENDPOINTS: Final = {"results": [ACTIVE]}
CHANGE: Final = {"events": ["outcome.settled", "step.expired"]}
CHANGED: Final = {**ACTIVE, "events": ["outcome.settled", "step.expired"]}
LEAKED: Final = {"overlap_seconds": 0}
REPLAY_ONE: Final = {"delivery": _DELIVERY}
REPLAY_DEAD: Final = {"since": "2026-11-21T00:00:00Z", "until": "2026-11-22T00:00:00Z", "only_dead": True}
SENT: Final = {"sent": 3}
DELIVERIES: Final[dict[str, Any]] = {
    "results": [
        {
            "id": _DELIVERY,
            "endpoint": _ID,
            "claim": "0198f0c2-6d3e-7b4a-8f1c-9a0b1c2d3e4f",
            "outcome": "0198f0c6-2b7d-7e55-b3a4-1c2d3e4f5a6b",
            "type": "outcome.settled",
            "state": "delivered",
            "attempts": 1,
            "next_at": None,
            "last_status": 204,
            "last_error": None,
            "created_at": "2026-11-22T06:04:12.004Z",
            "finished_at": "2026-11-22T06:04:12.310Z",
            "history": [
                {
                    "number": 1,
                    "started_at": "2026-11-22T06:04:12.101Z",
                    "finished_at": "2026-11-22T06:04:12.310Z",
                    "status": 204,
                    "error": None,
                    "seconds": 0.209,
                }
            ],
        }
    ],
    "next": None,
}
