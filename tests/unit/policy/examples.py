"""One plain policy, and a claim it would accept; tests say what they change."""

from __future__ import annotations

from typing import Any

from reviewqueue.policy.document import Policy
from reviewqueue.policy.facts import Facts
from reviewqueue.policy.parsing import parse_policy
from reviewqueue.policy.routing import Routing, route

REJECT = {"low": 0.0, "high": 0.1, "route": "reject", "audit_rate": 0.2, "required_accuracy": 0.99}
UNCERTAIN = {"low": 0.1, "high": 0.3, "route": "uncertain", "next_step": "retrieve", "audit_rate": 0.1}
ESCALATE = {"low": 0.3, "high": 0.4, "route": "escalate"}
REVIEW = {"low": 0.4, "high": 0.7, "route": "review"}
FLAGGED = {"low": 0.7, "high": 0.9, "route": "accept_flagged", "required_accuracy": 0.95}
ACCEPT = {"low": 0.9, "high": 1.0, "route": "accept", "audit_rate": 0.05, "required_accuracy": 0.98}
ALL_ROUTES = [REJECT, UNCERTAIN, ESCALATE, REVIEW, FLAGGED, ACCEPT]


def document(**changes: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "bands": ALL_ROUTES,
        "mandatory": {"categories": ["health"], "segments": {"workflow": ["refund"]}, "route": "review"},
        "calibrators": [
            {"model": "acme-lm", "model_version": "1", "name": "identity-1", "map": {"kind": "identity"}},
        ],
        "sampling": {"epoch": "2026-1"},
        **changes,
    }


def policy(**changes: Any) -> Policy:
    return parse_policy(document(**changes))


def facts(**changes: Any) -> Facts:
    """A claim at 0.95 of a calibrated model all of whose bands are validated."""
    states = {"0.00-0.10": "validated", "0.70-0.90": "validated", "0.90-1.00": "validated"}
    plain: dict[str, Any] = {
        "model": "acme-lm",
        "model_version": "1",
        "prompt_version": "",
        "category": "pricing",
        "confidence": 0.95,
        "audit_u": 0.5,
        "segments": {"workflow": "qa"},
        "band_states": states,
    }
    return Facts(**{**plain, **changes})


def routed(rules: dict[str, Any] | None = None, **changes: Any) -> Routing:
    """That claim, with changes, under that policy, with other rules."""
    return route(facts(**changes), policy(**(rules or {})))
