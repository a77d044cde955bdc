"""The examples about golden sets: the helpdesk knows what its plans cost, and asks its model."""

from __future__ import annotations

from typing import Any, Final

_SUBJECT: Final = {"model": "acme-lm", "model_version": "2026-10-01", "prompt_version": "v14"}
RUN_ID: Final = "0198f0d0-3c11-7b2a-9c40-6a1b2c3d4e50"
BEFORE_ID: Final = "0198d2a0-0b7e-7f10-8f21-0c1d2e3f4a60"

SET: Final[dict[str, Any]] = {
    "name": "price-list",
    "description": "What every plan costs, from the price list of October.",
    "owner": "olga",
    "every_days": 30,
    "within_days": 7,
    "version": 2,
    "items": 400,
    "published_at": "2026-11-01T09:00:00.000Z",
    "draft_items": None,
    "retired": False,
}
NEW_SET: Final = {**SET, "version": None, "items": 0, "published_at": None}
DUE: Final[dict[str, Any]] = {
    "golden_set": "price-list",
    "owner": "olga",
    **_SUBJECT,
    "reason": "new_version",
    "first_seen_at": "2026-11-20T08:30:00.000Z",
    "measured_at": None,
    "due_at": "2026-11-27T08:30:00.000Z",
    "late": False,
}
SETS: Final = {"results": [SET], "due": [DUE]}
SET_TERMS: Final = {"name": "price-list", "description": "What every plan costs, from the price list of October."}
ITEM: Final[dict[str, Any]] = {
    "key": "pro-seat-month",
    "input": "What does the Pro plan cost per seat and month?",
    "answer": ["18 EUR", "18 euros"],
    "comparison": "one_of",
    "category": "pricing",
    "segments": {"language": "en"},
    "note": "Price list of October, line 4.",
}
ITEMS: Final[dict[str, Any]] = {"items": [ITEM]}
ITEMS_CSV: Final[dict[str, Any]] = {
    "format": "csv",
    "text": "key,input,answer,comparison,tolerance\nseats-free,How many seats are free?,3,number,0\n",
    "replace": True,
}
PUT: Final = {"version": 3, "added": 1, "replaced": 0, "removed": 0, "items": 401}
PUBLISHED: Final = {
    "version": 3,
    "items": 401,
    "digest": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    "published_at": "2026-11-22T06:00:00.000Z",
}
QUESTIONS: Final[dict[str, Any]] = {
    "version": 2,
    "results": [
        {
            "key": "pro-seat-month",
            "input": "What does the Pro plan cost per seat and month?",
            "comparison": "one_of",
            "category": "pricing",
            "segments": {"language": "en"},
        }
    ],
    "next": None,
}
NEW_RUN: Final = {**_SUBJECT, "elicitation": "verbalized_after"}
RUN: Final[dict[str, Any]] = {
    "id": RUN_ID,
    "golden_set": "price-list",
    "version": 2,
    **_SUBJECT,
    "elicitation": "verbalized_after",
    "state": "open",
    "items": 400,
    "answered": 0,
    "missing": 400,
    "right": None,
    "accuracy": None,
    "low": None,
    "high": None,
    "worse_bands": [],
    "started_at": "2026-11-22T06:00:00.000Z",
    "finished_at": None,
}
FINISHED_RUN: Final[dict[str, Any]] = {
    **RUN,
    "state": "complete",
    "answered": 400,
    "missing": 0,
    "right": 368,
    "accuracy": 0.92,
    "low": 0.8893,
    "high": 0.9427,
    "finished_at": "2026-11-22T06:10:00.000Z",
}
BEFORE: Final = {
    **FINISHED_RUN,
    "id": BEFORE_ID,
    "model_version": "2026-07-01",
    "right": 380,
    "accuracy": 0.95,
    "low": 0.924,
    "high": 0.9674,
}
RUNS: Final = {"results": [FINISHED_RUN, BEFORE], "next": None}
ANSWERS: Final[dict[str, Any]] = {
    "answers": [{"key": "plan-1", "output": "18 EUR", "confidence": 0.94, "signals": {"self_consistency": 0.8}}]
}
ANSWERS_TAKEN: Final = {
    "results": [{"index": 0, "status": 201}],
    "accepted": 1,
    "rejected": 0,
    "run": {**RUN, "answered": 1, "missing": 399},
}
RUN_DETAIL: Final[dict[str, Any]] = {
    **FINISHED_RUN,
    "accuracy_if_missing_wrong": 0.92,
    "accuracy_if_missing_right": 0.92,
    "inputs": 400,
    "intervals": True,
    "measures": {
        "smooth_ece": {"value": 0.031, "low": 0.018, "high": 0.062, "note": None},
        "auroc": {"value": 0.74, "low": 0.66, "high": 0.82, "note": None},
    },
    "reliability": [
        {"low": 0.9, "high": 0.9, "n": 210, "mean_confidence": 0.9, "accuracy": 0.9, "ci_low": 0.852, "ci_high": 0.934}
    ],
    "histogram": [{"low": 0.9, "high": 0.95, "n": 210}],
    "segments": [
        {
            "segment": "category=pricing",
            "n": 400,
            "right": 368,
            "accuracy": 0.92,
            "low": 0.8893,
            "high": 0.9427,
            "mean_confidence": 0.931,
        }
    ],
    "promises": [
        {
            "band": "0.90-1.00",
            "route": "accept",
            "allowed": 0.05,
            "n": 320,
            "errors": 18,
            "error_lower": 0.037,
            "error_upper": 0.0826,
            "worse": False,
        }
    ],
    "policy_version": 3,
}
COMPARISON: Final[dict[str, Any]] = {
    "run": FINISHED_RUN,
    "before": BEFORE,
    "common": 400,
    "accuracy_before": 0.95,
    "accuracy_now": 0.92,
    "lost": 17,
    "gained": 5,
    "p_value": 0.0169,
    "verdict": "worse",
    "log_loss": {"difference": 0.041, "low": 0.006, "high": 0.078, "verdict": "worse"},
    "flips": [{"key": "pro-seat-month", "right_now": False, "confidence_before": 0.97, "confidence_now": 0.95}],
}
