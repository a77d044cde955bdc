"""The history of a golden set as a chart: one mark a run, in its order."""

from __future__ import annotations

from dataclasses import dataclass

from reviewqueue.web.golden_charts import MOST_LABELS, PLOT, trend_chart


@dataclass(frozen=True)
class Run:
    number: int
    accuracy: float = 0.9
    low: float = 0.8
    high: float = 0.95
    worse: bool = False
    new_version: bool = False


def test_marks_stand_side_by_side_within_the_plot_and_name_their_run() -> None:
    chart = trend_chart([Run(1), Run(2, worse=True), Run(3)])
    assert [mark.number for mark in chart.marks] == [1, 2, 3]
    assert [tick.label for tick in chart.x_ticks] == ["1", "2", "3"]
    places = [float(mark.x) for mark in chart.marks]
    assert PLOT.left < places[0] < places[1] < places[2] < PLOT.right
    assert [mark.worse for mark in chart.marks] == [False, True, False]


def test_an_interval_stands_around_its_accuracy() -> None:
    [mark] = trend_chart([Run(1)]).marks
    assert float(mark.high_y) < float(mark.y) < float(mark.low_y)


def test_the_axis_begins_at_half_where_everything_lies_above() -> None:
    assert [tick.label for tick in trend_chart([Run(1)]).y_ticks] == ["50%", "75%", "100%"]
    assert [tick.label for tick in trend_chart([Run(1), Run(2, low=0.4)]).y_ticks] == ["0%", "50%", "100%"]


def test_where_another_version_of_the_set_begins_a_line_stands_between_two_marks() -> None:
    chart = trend_chart([Run(1), Run(2, new_version=True)])
    [step] = chart.steps
    assert float(chart.marks[0].x) < float(step) < float(chart.marks[1].x)


def test_many_runs_are_not_all_numbered() -> None:
    chart = trend_chart([Run(number) for number in range(1, 61)])
    assert len(chart.marks) == 60
    assert len(chart.x_ticks) <= MOST_LABELS
