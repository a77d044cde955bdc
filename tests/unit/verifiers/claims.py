"""How the tests make a check and run it over a claim."""

from __future__ import annotations

import json
from typing import Any

from reviewqueue.policy.parsing import parse_policy
from reviewqueue.verifiers.finding import Claim, Finding
from reviewqueue.verifiers.running import findings

PRICES = {
    "id": "p1",
    "title": "Price list",
    "text": "The Pro plan costs 18 EUR per seat.\n\nThe Team plan costs 9 EUR.",
}
INVOICE = {"lines": [{"quantity": 2, "price": 9.5}, {"quantity": 1, "price": 0.1}], "total": 19.1, "currency": "EUR"}


def verified(check: dict[str, Any], output: Any, **claim: Any) -> Finding:
    """What the check, declared as in a policy, finds of a claim with this output."""
    size = len(json.dumps([output, claim], default=str))
    (finding,) = findings(policy_with(check).checks, Claim(output=output, size=size, **claim)).values()
    return finding


def policy_with(*checks: dict[str, Any], **document: Any) -> Any:
    return parse_policy(
        {
            "schema": 1,
            "bands": [{"low": 0, "high": 1, "route": "review"}],
            "mandatory": {},
            "sampling": {"epoch": "1"},
            "verifiers": [{"name": f"check {place}", "route": "review", **check} for place, check in enumerate(checks)],
            **document,
        }
    )
