"""From figures to coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.web.charts import (
    COUNTS,
    MIRROR_HEIGHT,
    PLOT,
    bar_pairs,
    divided_bar,
    fit_of,
    interval_bar,
    mirror,
    reliability_chart,
    track_start,
)


@dataclass(frozen=True)
class Bin:
    low: float
    high: float
    n: int
    mean_confidence: float | None = None
    accuracy: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None


def measured(confidence: float, accuracy: float, low: float, high: float, n: int = 40) -> Bin:
    return Bin(0.0, 1.0, n, confidence, accuracy, low, high)


def test_shares_run_from_the_lower_left_to_the_upper_right() -> None:
    assert (PLOT.x(0), PLOT.y(0)) == ("46.0", "290.0")
    assert (PLOT.x(1), PLOT.y(1)) == ("396.0", "10.0")
    assert (PLOT.x(0.5), PLOT.y(0.5)) == ("221.0", "150.0")


def test_a_perfectly_calibrated_bin_lies_on_the_diagonal() -> None:
    [point] = reliability_chart([measured(0.5, 0.5, 0.4, 0.6)], []).points
    assert (point.x, point.y) == ("221.0", "150.0")
    assert (point.low_y, point.high_y) == ("178.0", "122.0")
    assert point.fit == "fits"


def test_the_histogram_stands_on_the_same_axis() -> None:
    chart = reliability_chart([], [Bin(0.0, 0.5, 2), Bin(0.5, 1.0, 8)])
    assert (COUNTS.left, COUNTS.right) == (PLOT.left, PLOT.right)
    small, large = chart.bars
    assert float(large.height) == COUNTS.bottom - COUNTS.top
    assert float(small.height) == float(large.height) / 4
    assert float(large.x) == float(PLOT.x(0.5)) + 0.5
    assert chart.most == 8


def test_empty_and_unmeasured_bins_are_not_drawn() -> None:
    chart = reliability_chart([Bin(0.0, 0.5, 0), Bin(0.5, 1.0, 3)], [Bin(0.0, 1.0, 0)])
    assert (chart.points, chart.bars, chart.most) == ((), (), 0)


@pytest.mark.parametrize(
    ("confidence", "low", "high", "fit"),
    [(0.9, 0.5, 0.8, "over"), (0.9, 0.92, 0.99, "under"), (0.9, 0.8, 0.95, "fits"), (0.9, 0.9, 0.9, "fits")],
)
def test_a_bin_is_over_or_under_only_when_its_whole_interval_is(
    confidence: float, low: float, high: float, fit: str
) -> None:
    assert fit_of(confidence, low, high) == fit
    [point] = reliability_chart([measured(confidence, (low + high) / 2, low, high)], []).points
    assert point.fit == fit


@given(st.floats(-0.5, 1.5), st.floats(-0.5, 1.5))
def test_nothing_is_ever_drawn_outside_the_plot(confidence: float, accuracy: float) -> None:
    [point] = reliability_chart([measured(confidence, accuracy, accuracy - 0.1, accuracy + 0.1)], []).points
    assert PLOT.left <= float(point.x) <= PLOT.right
    assert PLOT.top <= float(point.high_y) <= float(point.y) <= float(point.low_y) <= PLOT.bottom


def test_a_share_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="must be a number"):
        PLOT.x(float("nan"))


def test_an_interval_is_drawn_between_its_limits_with_the_requirement() -> None:
    bar = interval_bar(0.5, 1.0, accuracy=0.75, required=0.9)
    assert (bar.low_x, bar.length, bar.accuracy_x) == ("70.0", "66.0", "103.0")
    assert bar.required_x == "122.8"


def test_tracks_start_at_half_when_nothing_lies_below() -> None:
    assert track_start([0.6, None, 0.9]) == 0.5
    assert track_start([0.6, 0.4]) == 0.0
    assert interval_bar(0.75, 1.0, accuracy=None, required=None, start=0.5).low_x == "70.0"


@given(st.lists(st.integers(0, 50), max_size=6))
def test_the_pieces_of_a_whole_fill_it_without_gap(counts: list[int]) -> None:
    parts = divided_bar([(str(place), n) for place, n in enumerate(counts)])
    assert [part.n for part in parts] == [n for n in counts if n]
    if parts:
        assert sum(part.share for part in parts) == pytest.approx(1)
        assert float(parts[-1].x) + float(parts[-1].width) == pytest.approx(600, abs=0.2)


def test_two_distributions_are_drawn_to_one_scale_on_both_sides_of_the_middle() -> None:
    chart = mirror([(0.5, 0.25), (0.0, 1.0)])
    first, second = chart.bars
    assert (first.up, first.down, second.up, second.down) == ("11.5", "5.8", "0.0", "23.0")
    assert float(first.up_y) + float(first.up) == float(chart.middle) == MIRROR_HEIGHT / 2
    assert mirror([]).bars == ()
    assert {bar.up for bar in mirror([(0.0, 0.0)]).bars} == {"0.0"}


def test_pairs_of_bars_stand_below_each_other_and_what_is_not_known_is_not_drawn() -> None:
    known, unknown = bar_pairs([("Accepted", 0.75, 0.5), ("Reviewed", 0.25, None)])
    assert (known.first, known.second) == ("312.0", "208.0")
    assert unknown.second is None
    assert float(unknown.name_y) > float(known.second_y)
