"""From counts by day to what a page shows of them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from calibration.evidence import Subject
from reviewqueue.policy.parsing import parse_policy
from reviewqueue.reports.drift_series import Count, Height, Stretch, stretches_of
from tests.world import IDENTITY, MODEL, POLICY

SUBJECT = Subject(**MODEL)
DAYS = [date(2026, 11, 1) + timedelta(days=place) for place in range(3)]
SHRUNK = {
    **IDENTITY,
    "map": {"kind": "platt", "slope": 1.0, "intercept": 0.0, "eps": 0.02, "offsets": {"a=b": [0, -9]}},
}


def counts(day: date, claims: int, *, labelled: int = 0, right: int = 0, rate: float = 1.0) -> Count:
    return Count(day, SUBJECT, rate, claims, labelled, labelled, right, claims * 0.9)


def heights(day: date, *pairs: tuple[int, float], names: tuple[str, ...] = ()) -> list[Height]:
    return [Height(day, SUBJECT, names, claims, confidence) for claims, confidence in pairs]


def stretches(found: list[Count], drawn: list[Height], document: dict[str, object] = POLICY) -> tuple[Stretch, ...]:
    return stretches_of(DAYS, found, drawn, {DAYS[0]: (60, 4)}, parse_policy(document))[0]


def test_a_day_without_claims_is_empty() -> None:
    empty = stretches([], [])[1]
    assert (empty.claims, empty.mean_confidence, empty.accuracy, empty.psi, empty.expected) == (
        0,
        None,
        None,
        None,
        None,
    )


def test_accuracy_weighs_every_rate_by_its_claims() -> None:
    first = stretches([counts(DAYS[0], 90, labelled=9, right=9, rate=0.1), counts(DAYS[0], 10, labelled=10)], [])[0]
    assert (first.claims, first.labels) == (100, 19)
    assert first.accuracy == pytest.approx(0.9)
    assert first.low < 0.9 < first.high
    assert first.mean_confidence == pytest.approx(0.9)
    assert (first.most_common_share, first.distinct) == (0.6, 4)


def test_a_rate_without_labels_leaves_the_accuracy_open() -> None:
    first = stretches([counts(DAYS[0], 90, rate=0.1), counts(DAYS[0], 10, labelled=10, right=10)], [])[0]
    assert first.accuracy is None


def test_the_reference_is_not_compared_with_itself_and_a_moved_day_is_named() -> None:
    same = [(120, 0.95), (120, 0.7)]
    drawn = [*heights(DAYS[0], *same), *heights(DAYS[1], *same), *heights(DAYS[2], (240, 0.99))]
    first, second, third = stretches([], drawn)
    assert first.psi is None
    assert (second.psi, second.moved) == (pytest.approx(0, abs=1e-6), False)
    assert third.moved
    assert third.psi is not None
    assert third.psi > 0.1


def test_too_few_claims_are_no_reference() -> None:
    drawn = [*heights(DAYS[0], (50, 0.9)), *heights(DAYS[1], (50, 0.5))]
    assert [each.psi for each in stretches([], drawn)] == [None, None, None]


def test_expected_accuracy_is_what_the_calibrator_makes_of_the_claims() -> None:
    drawn = heights(DAYS[0], (10, 0.9), (30, 0.5))
    assert stretches([], drawn)[0].expected is None, "there is no calibrator"
    assert stretches([], drawn, {**POLICY, "calibrators": [IDENTITY]})[0].expected == pytest.approx(0.6)


def test_segments_that_a_calibrator_treats_apart_count_apart() -> None:
    plain, apart = heights(DAYS[0], (10, 0.9)), heights(DAYS[0], (10, 0.9), names=("a=b",))
    document = {**POLICY, "calibrators": [SHRUNK]}
    assert stretches([], plain, document)[0].expected == pytest.approx(0.9)
    expected = stretches([], apart, document)[0].expected
    assert expected is not None
    assert expected < 0.01
