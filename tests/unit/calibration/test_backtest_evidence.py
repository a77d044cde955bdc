"""What a past claim may say of a policy: by the chance of its label, and not by labels it was fitted on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from calibration.backtesting import _evidence, _fate, _Past
from calibration.core.labels import in_fit_half
from reviewqueue.policy.routing import route
from tests.unit.policy.examples import facts, policy

FITTED = datetime(2026, 11, 1, tzinfo=UTC)
FIT_HALF, OTHER_HALF = (
    next(name for number in range(100) if in_fit_half(name := bytes([number]) * 32) is wanted)
    for wanted in (True, False)
)


def past(**changes: Any) -> _Past:
    plain: dict[str, Any] = {
        "facts": facts(), "content": None, "drawn": True, "chance": 0.2, "judged": True, "correct": True,
        "received_at": FITTED - timedelta(days=1), "fingerprint": OTHER_HALF,
    }  # fmt: skip
    return _Past(**{**plain, **changes})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (0.2, "right")),
        ({"correct": False}, (0.2, "wrong")),
        ({"correct": None}, (0.2, "unjudged")),
        ({"judged": False}, (0.2, "pending")),
        ({"drawn": False, "judged": False}, (0.2, "not_drawn")),
        ({"drawn": False}, (0.2, "not_drawn")),
        ({"chance": 0.0, "drawn": False}, (0.0, "not_drawn")),
    ],
)
def test_a_label_counts_when_its_claim_was_drawn(changes: dict[str, Any], expected: tuple[float, str]) -> None:
    assert _evidence(past(**changes), None) == expected


def test_what_a_calibrator_was_fitted_on_does_not_praise_it() -> None:
    """Half of the inputs were kept from the fit, so the other half stands for all: with half the chance."""
    assert _evidence(past(), FITTED) == (0.1, "right")
    assert _evidence(past(fingerprint=FIT_HALF), FITTED) == (0.1, "not_drawn")
    later = FITTED + timedelta(seconds=1)
    assert _evidence(past(received_at=later), FITTED) == (0.2, "right")
    assert _evidence(past(received_at=later, fingerprint=FIT_HALF), FITTED) == (0.2, "right")


@pytest.mark.parametrize(
    ("confidence", "promise", "allowed", "purpose", "labels"),
    [
        (0.95, "right", 0.02, "audit", 0.05),
        (0.8, "right", 0.05, "flagged", 1.0),
        (0.5, "", None, "review", 1.0),
        (0.35, "", None, "escalate", 1.0),
        (0.2, "", None, "", 0.0),
        (0.05, "wrong", 0.01, "audit", 0.2),
    ],
)
def test_each_route_promises_and_costs_what_the_policy_says(
    confidence: float, promise: str, allowed: float | None, purpose: str, labels: float
) -> None:
    rules = policy()
    known = facts(confidence=confidence)
    fate = _fate(route(known, rules), rules, past(facts=known), None)
    assert (fate.promise, fate.purpose) == (promise, purpose)
    assert fate.labels == pytest.approx(labels)
    assert fate.allowed == (None if allowed is None else pytest.approx(allowed))
