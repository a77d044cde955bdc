"""A document with one thing changed: where accepting begins."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.policy.document import to_document
from reviewqueue.policy.parsing import parse_policy
from reviewqueue.policy.redrafting import cut_at
from tests.world import IDENTITY, POLICY

DOCUMENT = to_document(parse_policy({**POLICY, "calibrators": [IDENTITY]}))


def bands(document: dict[str, Any]) -> list[tuple[float, float, str]]:
    return [(band["low"], band["high"], band["route"]) for band in document["bands"]]


def test_accepting_from_further_down_takes_over_what_was_held() -> None:
    changed = cut_at(DOCUMENT, 0.5, required_accuracy=0.95)
    assert bands(changed) == [(0.0, 0.5, "review"), (0.5, 1.0, "accept")]
    assert changed["bands"][-1]["required_accuracy"] == 0.95
    assert changed["bands"][-1]["audit_rate"] == 0.2


def test_accepting_from_higher_up_holds_the_rest() -> None:
    changed = cut_at(DOCUMENT, 0.95, required_accuracy=0.95)
    assert bands(changed)[1:] == [(0.6, 0.9, "review"), (0.9, 0.95, "review"), (0.95, 1.0, "accept")]
    assert changed["bands"][-2]["audit_rate"] == 1.0


def test_bands_that_do_not_accept_stay_as_they_are() -> None:
    steps = [
        {"low": 0.0, "high": 0.3, "route": "uncertain", "next_step": "retry", "audit_rate": 1.0},
        {"low": 0.3, "high": 0.9, "route": "escalate", "audit_rate": 1.0},
        {"low": 0.9, "high": 1.0, "route": "review", "audit_rate": 1.0},
    ]
    start = to_document(parse_policy({**POLICY, "bands": steps}))
    changed = cut_at(start, 0.6, required_accuracy=0.9)
    assert bands(changed) == [(0.0, 0.3, "uncertain"), (0.3, 0.6, "escalate"), (0.6, 1.0, "accept")]
    parse_policy(changed)


@given(edge=st.floats(0.001, 0.999), required=st.floats(0.5, 0.999))
def test_what_comes_out_is_a_policy_that_accepts_nothing_below_its_edge(edge: float, required: float) -> None:
    policy = parse_policy(cut_at(DOCUMENT, edge, required_accuracy=required))
    assert policy.bands[-1].low == pytest.approx(edge, abs=1e-8)
    assert [band.route for band in policy.bands if band.automates] == ["accept"]
    assert policy.mandatory == parse_policy(DOCUMENT).mandatory
