"""Lines over an axis, columns by hour, and the flow picture: from figures to coordinates."""

from __future__ import annotations

import re

import pytest

from reviewqueue.reports.flow import Stream
from reviewqueue.web.curves import (
    Axis,
    Line,
    Mark,
    Value,
    columns,
    count_axis,
    curves,
    nice_step,
    share_axis,
)
from reviewqueue.web.flow_chart import flow_chart

UNIT = Axis(0.0, 1.0, ((0.0, "0"), (1.0, "1")), "x")


def test_a_line_is_broken_where_a_value_is_missing() -> None:
    values = (Value(0, 0.5), Value(0.25, 0.5), Value(0.5, None), Value(0.75, 0.5), Value(1, 0.5))
    (line,) = curves([Line("line-first", "a", values)], x=UNIT, y=UNIT).lines
    assert line.path.count("M") == 2
    assert line.path.count("L") == 2


def test_steps_hold_their_value_until_the_next_one() -> None:
    (line,) = curves([Line("line-first", "a", (Value(0, 0), Value(1, 1)), steps=True)], x=UNIT, y=UNIT).lines
    assert re.fullmatch(r"M[\d. ]+H[\d.]+V[\d.]+", line.path)


def test_intervals_are_a_band_around_a_line_and_whiskers_at_dots() -> None:
    values = (Value(0, 0.5, 0.4, 0.6), Value(1, 0.5, 0.4, 0.6))
    drawn = curves([Line("a", "a", values), Line("b", "b", values, dots=True)], x=UNIT, y=UNIT).lines
    assert len(drawn[0].ranges[0].split()) == 4
    assert drawn[1].whiskers.count("V") == 2
    assert len(drawn[1].dots) == 2


def test_only_dots_that_lead_somewhere_make_the_chart_a_group_of_links() -> None:
    still = Line("a", "a", (Value(0, 0.5),), dots=True)
    leading = Line("a", "a", (Value(0, 0.5, href="#row", words="a row"),), dots=True)
    assert not curves([still], x=UNIT, y=UNIT).has_links
    assert curves([leading], x=UNIT, y=UNIT).has_links


def test_the_labels_of_marks_stay_inside_the_chart() -> None:
    marks = [Mark(0.0, "good", "first", "the first"), Mark(1.0, "bad", "last", "the last")]
    first, last = curves([], x=UNIT, y=UNIT, marks=marks).marks
    assert (first.anchor, last.anchor) == ("start", "end")
    assert first.label_y != last.label_y


@pytest.mark.parametrize(("values", "low", "high"), [([0.9, 0.99], 0.9, 0.98), ([0.1, 0.9], 0.0, 1.0), ([], 0.0, 1.0)])
def test_an_axis_of_shares_leaves_out_what_nothing_lies_in(values: list[float], low: float, high: float) -> None:
    axis = share_axis(values, "")
    assert axis.low <= min(values, default=0.0)
    assert axis.high >= max(values, default=1.0)
    assert (axis.low <= low, axis.high >= high) == (True, True)
    assert len(axis.ticks) == 5


@pytest.mark.parametrize(("least", "step"), [(0, 1), (0.3, 0.5), (1, 1), (3, 5), (21, 25), (260, 500)])
def test_steps_of_an_axis_are_round(least: float, step: float) -> None:
    assert nice_step(least) == pytest.approx(step)


def test_an_axis_of_counts_reaches_the_largest() -> None:
    assert count_axis([None, 7, 90], "").high >= 90
    assert count_axis([], "").high == 4


def test_columns_are_as_high_as_their_numbers() -> None:
    chart = columns([(10, 5), (0, 0)], ["00:00", ""])
    first, empty = chart.columns
    assert float(first.first) == pytest.approx(2 * float(first.second), abs=0.1)
    assert (empty.first, empty.second) == ("0.0", "0.0")
    assert [tick.label for tick in chart.x_ticks] == ["00:00"]


def test_what_flows_in_flows_out() -> None:
    streams = [Stream("accept", "right", 30), Stream("accept", "wrong", 10), Stream("review", "right", 60)]
    chart = flow_chart(streams)
    assert [(node.code, node.claims) for node in chart.routes] == [("accept", 40), ("review", 60)]
    assert [(node.code, node.claims) for node in chart.ends] == [("right", 90), ("wrong", 10)]
    assert sum(float(node.height) for node in chart.routes) == pytest.approx(float(chart.start.height), abs=0.2)
    assert len(chart.ribbons) == 2 + 3


def test_a_single_stream_fills_the_picture() -> None:
    chart = flow_chart([Stream("review", "with_people", 1)])
    assert chart.start.height == chart.routes[0].height == chart.ends[0].height
