"""The examples of the contract: one story about a helpdesk, from claim to outcome.

tests/api validates each against its schema and sends every request as it stands here.
"""

from __future__ import annotations

from typing import Any, Final

_CLAIM_ID: Final = "0198f0c2-7a41-7c3e-9d52-3f1f0a6b7c10"
_OUTCOME_ID: Final = "0198f0c4-11b0-7e0a-8a3d-5a5e6f7a8b20"
_TASK_ID: Final = "0198f0c2-7a48-7a11-b2c4-9b8a7c6d5e30"
_LEASE_ID: Final = "9f1c2b3a-4d5e-4f60-8a7b-6c5d4e3f2a10"
_LABEL_ID: Final = "0198f0c3-90aa-7d2c-a1b0-2c3d4e5f6a40"
_SUBJECT: Final = {"model": "acme-lm", "model_version": "2026-10-01", "prompt_version": "v14"}
_PASSAGE: Final = {"kind": "document", "title": "Price list", "text": "Pro: 18 EUR per seat and month."}

# --- bodies ---------------------------------------------------------------------------------------------------------
SHORT_SUBMISSION: Final[dict[str, Any]] = {
    "pipeline": "support-answers",
    "external_id": "ticket-8843/answer-1",
    "model": "acme-lm",
    "model_version": "2026-10-01",
    "output": "You can cancel at any time.",
    "confidence": 0.71,
}
SUBMISSION: Final[dict[str, Any]] = {
    "pipeline": "support-answers",
    "external_id": "ticket-8842/answer-1",
    **_SUBJECT,
    "category": "pricing",
    "segments": {"workflow": "qa", "language": "en"},
    "input": "What does the Pro plan cost per seat?",
    "output": "18 EUR per seat and month.",
    "alternatives": [{"output": "15 EUR", "confidence": 0.2}],
    "confidence": 0.94,
    "elicitation": "verbalized_after",
    "signals": {"self_consistency": 0.6, "evidence_coverage": 0.4},
    "context": [{**_PASSAGE, "url": "https://example.com/prices"}],
    "occurred_at": "2026-11-22T06:00:00Z",
}
OUTCOME_REPORT: Final = {
    "correct": False,
    "output": "15 EUR",
    "source": "customer complaint",
    "observed_at": "2026-11-22T06:00:00Z",
}
TAKE: Final = {"pipeline": "support-answers"}
RELEASE: Final = {"reason": "need_context", "note": "Which plan is this about?"}
LABEL: Final[dict[str, Any]] = {"verdict": "correct", "note": "Matches the price list.", "seconds": 12.4}
CORRECTION: Final[dict[str, Any]] = {"verdict": "incorrect", "output": "15 EUR per seat and month.", "seconds": 31.0}
REVISION: Final[dict[str, Any]] = {**CORRECTION, "reason": "slip"}

# --- answers --------------------------------------------------------------------------------------------------------
DECISION: Final[dict[str, Any]] = {
    "route": "review",
    "next_step": None,
    "band": "0.90-1.00",
    "confidence": 0.94,
    "calibrated_confidence": 0.81,
    "reasons": ["band_unvalidated"],
    "policy_version": 3,
    "calibrator": "isotonic-7",
    "audit_sampled": False,
    "inclusion_probability": 1.0,
    "decided_at": "2026-11-22T06:00:00.120Z",
}
OUTCOME: Final[dict[str, Any]] = {
    "id": _OUTCOME_ID,
    "claim": _CLAIM_ID,
    "correct": False,
    "output": "15 EUR",
    "basis": "external",
    "decided_at": "2026-11-22T06:02:11.004Z",
}
CLAIM: Final[dict[str, Any]] = {
    "id": _CLAIM_ID,
    "external_id": "ticket-8842/answer-1",
    "pipeline": "support-answers",
    "status": "in_review",
    "decision": DECISION,
    "outcome": None,
    "received_at": "2026-11-22T06:00:00.118Z",
    "links": {"self": f"/api/v1/claims/{_CLAIM_ID}"},
}
SETTLED_CLAIM: Final = {**CLAIM, "status": "settled", "outcome": OUTCOME}
CLAIM_PAGE: Final = {"results": [CLAIM], "next": None}
PREVIEW: Final = {"decision": DECISION}
OUTCOME_PAGE: Final = {
    "results": [{**OUTCOME, "external_id": "ticket-8842/answer-1", "pipeline": "support-answers"}],
    "next": "WyIwMTk4ZjBjNCIsImE3Il0:1vA2b3:Zx9",
}
LEASE: Final = {"id": _LEASE_ID, "expires_at": "2026-11-22T06:11:40.000Z"}
TASK_IN_HAND: Final[dict[str, Any]] = {
    "task": {
        "id": _TASK_ID,
        "purpose": "review",
        "blind": "score",
        "question": "Is this answer right?",
        "guideline": "Prices are those of the current price list.",
        "claim": {
            "id": _CLAIM_ID,
            "pipeline": "support-answers",
            "category": "pricing",
            "segments": {"workflow": "qa", "language": "en"},
            "input": "What does the Pro plan cost per seat?",
            "output": "18 EUR per seat and month.",
            "alternatives": [{"output": "15 EUR"}],
        },
        "context": [{**_PASSAGE, "url": "https://example.com/prices", "role": None, "id": None}],
        "form": {"kind": "judgement", "error_types": ["wrong price"]},
        "due_at": "2026-11-22T10:00:00.118Z",
    },
    "lease": LEASE,
}
RENEWED: Final = {"lease": LEASE}
HOLD: Final = {"minutes": 60}
RETURN: Final = {"comment": "The price list of March says 15 EUR."}
HAND_OVER: Final = {"to": "ravi", "note": "You know this price list."}
_LABEL_GIVEN: Final[dict[str, Any]] = {
    "id": _LABEL_ID,
    "task": _TASK_ID,
    "claim": _CLAIM_ID,
    "verdict": "correct",
    "output": None,
    "error_types": [],
    "note": "Matches the price list.",
    "answers": {},
    "seconds": 12.4,
    "revision": 0,
    "late": False,
    "created_at": "2026-11-22T06:02:10.900Z",
}
LABELLED: Final[dict[str, Any]] = {
    "label": _LABEL_GIVEN,
    "outcome": {**OUTCOME, "correct": True, "output": None, "basis": "labels"},
    "reveal": {
        **_SUBJECT,
        "confidence": 0.94,
        "calibrated_confidence": 0.81,
        "band": "0.90-1.00",
        "reasons": ["band_unvalidated"],
        "output": "18 EUR per seat and month.",
        "agreed": True,
    },
}
REVISED: Final[dict[str, Any]] = {
    "label": {
        **_LABEL_GIVEN,
        "verdict": "incorrect",
        "output": "15 EUR per seat and month.",
        "note": "",
        "seconds": 31.0,
        "revision": 1,
    },
    "outcome": {**OUTCOME, "output": "15 EUR per seat and month.", "basis": "labels"},
}
PIPELINE: Final[dict[str, Any]] = {
    "slug": "support-answers",
    "name": "Support answers",
    "description": "Answers of the assistant to customers.",
    "owner": "olga",
    "categories": ["general", "pricing", "refunds"],
    "segments": {"workflow": ["qa", "legal"], "language": ["en", "de"]},
    "links": {"self": "/api/v1/pipelines/support-answers"},
}
PIPELINES: Final = {"results": [PIPELINE]}
_HASH: Final = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
PIPELINE_DETAIL: Final[dict[str, Any]] = {
    **PIPELINE,
    "elicitation": "verbalized_after",
    "watched": [["category"], ["language"], ["category", "language"]],
    "signals": {
        "evidence_coverage": {
            "family": "evidence",
            "elicitation": "verifier",
            "higher_is": "better",
            "description": "Share of sentences that a source supports.",
        }
    },
    "costs": {"currency": "EUR", "review": 1.2, "error": 40.0, "steps": {"retry": 0.002}},
    "content_views": {
        "input": "auto",
        "output": "markdown",
        "markdown_context": ["document"],
        "media_origins": ["https://images.example.com"],
        "images": "blurred",
        "audio": "plain",
    },
    "one_person_approval": False,
    "stopped": False,
    "active_policy": {"number": 3, "document_hash": _HASH},
    "calibrators": [{**_SUBJECT, "name": "isotonic-7"}],
    "bands": [
        {**_SUBJECT, "band": "0.90-1.00", "route": "accept", "state": "unvalidated", "measured": "provisional"},
    ],
}
BANDS: Final[dict[str, Any]] = {
    "results": [
        {
            **_SUBJECT,
            "calibrator": "isotonic-7",
            "bands": [
                {
                    "band": "0.90-1.00",
                    "route": "accept",
                    "n_routed": 1840,
                    "n_sampled": 371,
                    "n_labelled": 355,
                    "n_apart": 24,
                    "apart_labelled": 24,
                    "apart_right": 22,
                    "mean_confidence": 0.953,
                    "accuracy": 0.968,
                    "low": 0.944,
                    "high": 0.982,
                    "level": 0.95,
                    "n_pending": 16,
                    "pending_low": 0.926,
                    "pending_high": 0.969,
                    "required": 0.95,
                    "labels_missing": 61,
                    "state": "unvalidated",
                    "measured": "provisional",
                }
            ],
        }
    ]
}
METRICS: Final = """\
# HELP reviewqueue_ledger_unsealed_entries Entries that wait to be sealed.
# TYPE reviewqueue_ledger_unsealed_entries gauge
reviewqueue_ledger_unsealed_entries 4
# HELP reviewqueue_queue_open Labels that could be given now.
# TYPE reviewqueue_queue_open gauge
reviewqueue_queue_open{pipeline="support-answers"} 12
"""
