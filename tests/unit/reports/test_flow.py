"""What became of claims: coverage, and how often the accepted ones are wrong."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from calibration.core.intervals import wilson
from reviewqueue.policy.parsing import parse_policy
from reviewqueue.reports.flow import Flow, Stream, Way, flow_of
from tests.world import POLICY

SINCE = datetime(2026, 11, 27, tzinfo=UTC)
TOP = "0.90-1.00"


def accepted(claims: int, *, rate: float = 0.2, drawn: bool = False, measured: bool | None = None) -> Way:
    end = "not_looked_at" if measured is None else "right" if measured else "wrong"
    return Way("accept", TOP, end, rate, drawn, measured, False, claims)


def flow(*ways: Way) -> Flow:
    return flow_of(ways, parse_policy(POLICY), since=SINCE)


def test_nothing_has_no_coverage_and_no_error() -> None:
    found = flow()
    assert (found.claims, found.coverage, found.streams) == (0, None, ())
    assert (found.risk.error, found.risk.low, found.risk.high) == (None, 0.0, 1.0)


def test_streams_stand_in_the_order_of_routes_and_ends() -> None:
    held = Way("review", "0.60-0.90", "wrong", 1.0, True, False, False, 3)
    waiting = held._replace(end="with_people", measured=None, claims=2)
    found = flow(waiting, held, accepted(5))
    assert found.streams == (
        Stream("accept", "not_looked_at", 5),
        Stream("review", "wrong", 3),
        Stream("review", "with_people", 2),
    )
    assert found.coverage == 0.5
    assert (found.of_route("review"), found.of_end("wrong")) == (5, 3)


def test_the_error_of_one_rate_has_wilsons_interval() -> None:
    found = flow(accepted(80), accepted(18, drawn=True, measured=True), accepted(2, drawn=True, measured=False))
    low, high = wilson(18, 20)
    assert found.risk.error == pytest.approx(0.1)
    assert (found.risk.low, found.risk.high) == (pytest.approx(1 - high), pytest.approx(1 - low))
    assert (found.risk.accepted, found.risk.labelled) == (100, 20)


def test_two_rates_weigh_as_many_claims_as_they_hold() -> None:
    """A tenth wrong of 900 claims, all wrong of 100: 0.19, though as many labels are right as wrong."""
    found = flow(
        accepted(890, rate=0.01),
        accepted(9, rate=0.01, drawn=True, measured=True),
        accepted(1, rate=0.01, drawn=True, measured=False),
        accepted(92, rate=0.08),
        accepted(8, rate=0.08, drawn=True, measured=False),
    )
    assert found.risk.error == pytest.approx(0.19)


def test_a_rate_without_a_label_leaves_the_error_unmeasured() -> None:
    found = flow(accepted(10, rate=0.5), accepted(10, drawn=True, measured=True))
    assert (found.risk.error, found.risk.low, found.risk.high) == (None, 0.0, 1.0)


def test_a_label_that_chance_did_not_draw_measures_nothing() -> None:
    found = flow(accepted(80), accepted(5, measured=False), accepted(10, drawn=True, measured=True))
    assert found.risk.error == 0


def test_what_nobody_could_judge_is_left_out() -> None:
    undecided = Way("accept", TOP, "not_judged", 0.2, True, None, True, 4)
    found = flow(undecided, accepted(10, drawn=True, measured=True))
    assert (found.risk.error, found.risk.accepted) == (0, 14)


def test_the_target_is_what_the_bands_promise() -> None:
    assert flow(accepted(1)).risk.target == pytest.approx(0.1)
    assert flow().risk.target == pytest.approx(0.1)
    assert flow_of([accepted(1)], None, since=SINCE).risk.target is None


def test_an_error_is_over_its_target_only_beyond_doubt() -> None:
    few = flow(accepted(8, drawn=True, measured=True), accepted(2, drawn=True, measured=False))
    many = flow(accepted(80, drawn=True, measured=True), accepted(40, drawn=True, measured=False))
    assert (few.risk.is_over, many.risk.is_over) == (False, True)


def test_the_sampler_is_expected_to_draw_what_the_rates_say() -> None:
    flagged = Way("accept_flagged", TOP, "with_people", 1.0, True, None, False, 50)
    found = flow(accepted(40, rate=0.25), accepted(3, drawn=True), flagged)
    assert found.expected_draws == pytest.approx(40 * 0.25 + 3 * 0.2)
    assert found.draws == 3
