"""The estimate of wrong labels rests on the half drawn at random alone."""

import pytest

from calibration.core.intervals import wilson
from reviewqueue.reports.second_looks import Looks, error_rate


def test_the_rate_is_that_of_the_judged_with_wilsons_limits() -> None:
    rate = error_rate(Looks(confirmed=97, overturned=3))
    low, high = wilson(3, 100)
    assert (rate.value, rate.low, rate.high, rate.labels) == (0.03, float(low), float(high), 100)


def test_what_is_open_counts_both_ways_and_what_nobody_could_judge_neither() -> None:
    rate = error_rate(Looks(confirmed=90, overturned=5, undecided=20, open=5))
    assert rate.value == pytest.approx(5 / 95)
    assert rate.low == pytest.approx(float(wilson(5, 100)[0]))
    assert rate.high == pytest.approx(float(wilson(10, 100)[1]))


def test_nothing_judged_is_no_estimate() -> None:
    assert error_rate(Looks(undecided=3, open=4)) is None
    assert Looks().share is None
