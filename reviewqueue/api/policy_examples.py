"""What requests and answers about policy versions and breakers look like, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

_HASH: Final = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
DOCUMENT: Final[dict[str, Any]] = {
    "schema": 1,
    "bands": [
        {"low": 0.0, "high": 0.9, "route": "review", "audit_rate": 1.0},
        {"low": 0.9, "high": 1.0, "route": "accept", "audit_rate": 0.2, "required_accuracy": 0.95},
    ],
    "mandatory": {"categories": ["refunds"]},
    "sampling": {"epoch": "2026-1"},
}
PROPOSAL: Final[dict[str, Any]] = {"document": DOCUMENT, "note": "Pricing is answered by the assistant again."}
POLICY: Final[dict[str, Any]] = {
    "number": 3,
    "status": "active",
    "revision": f"{_HASH}.active",
    "note": "Pricing is answered by the assistant again.",
    "document_hash": _HASH,
    "based_on": 2,
    "loosens_mandatory": False,
    "one_person": False,
    "in_shadow": False,
    "proposed_at": "2026-11-20T14:00:00.000Z",
    "proposed_by": "olga",
    "approvals": [{"by": "otto", "at": "2026-11-20T15:30:00.000Z"}],
    "approvals_missing": 0,
    "approved_at": "2026-11-20T15:30:00.000Z",
    "approved_by": "otto",
    "activated_at": "2026-11-20T15:30:00.000Z",
    "retired_at": None,
}
POLICIES: Final = {"results": [POLICY]}
POLICY_DETAIL: Final[dict[str, Any]] = {**POLICY, "document": DOCUMENT, "evidence": {}}
DRAFT: Final[dict[str, Any]] = {
    **POLICY_DETAIL,
    "status": "draft",
    "revision": f"{_HASH}.draft",
    "approvals": [],
    "approvals_missing": 1,
    "approved_at": None,
    "approved_by": None,
    "activated_at": None,
}
REJECTED: Final[dict[str, Any]] = {
    **DRAFT,
    "status": "rejected",
    "revision": f"{_HASH}.rejected",
    "approvals_missing": 0,
}
IN_SHADOW: Final[dict[str, Any]] = {**DRAFT, "in_shadow": True}
APPROVED: Final[dict[str, Any]] = {
    **POLICY_DETAIL,
    "status": "approved",
    "revision": f"{_HASH}.approved",
    "activated_at": None,
}
RETIRED: Final[dict[str, Any]] = {
    **APPROVED,
    "status": "retired",
    "revision": f"{_HASH}.retired",
    "retired_at": "2026-11-21T08:00:00.000Z",
}
STOP: Final = {"reason": "incident"}
STOP_ONE: Final = {**STOP, "model": "acme-lm", "model_version": "2026-10-01", "prompt_version": "v14"}
RESET: Final = {"reason": "examined"}
BREAKER: Final[dict[str, Any]] = {
    "id": 7,
    "model": "acme-lm",
    "model_version": "2026-10-01",
    "prompt_version": "v14",
    "cause": "drift",
    "reason": None,
    "figures": {"claims_before": 4000, "claims_now": 600, "psi_thousandths": 412, "distance_ppm": 61000},
    "open": True,
    "tripped_at": "2026-11-21T09:00:00.000Z",
    "tripped_by": None,
    "reset_at": None,
    "reset_by": None,
    "reset_reason": None,
}
BREAKERS: Final = {"results": [BREAKER]}
BREAKER_RESET: Final[dict[str, Any]] = {
    **BREAKER,
    "open": False,
    "reset_at": "2026-11-21T11:30:00.000Z",
    "reset_by": "olga",
    "reset_reason": "examined",
}
