"""Calibration maps for people."""

from __future__ import annotations

from reviewqueue.web.map_shown import map_curve, map_parameters, shown_parameters

PLATT = {"kind": "platt", "slope": 1.25, "intercept": -0.5, "eps": 0.02, "offsets": {"language=de": [0.1, -0.25]}}
STEPS = {"kind": "histogram", "edges": [0.5], "y": [0.2, 0.9]}

COMBINED = {
    "kind": "combined",
    "slope": 0.6,
    "eps": 0.02,
    "intercept": 0.2,
    "signals": {"risk": {"slope": -0.8, "eps": 0.02, "centre": -1.4, "missing": 0.1, "higher_is": "riskier"}},
}
BOOSTED = {
    "kind": "boosted",
    "slope": 0.8,
    "intercept": 0.1,
    "baseline": 1.0,
    "signals": [{"name": "risk"}],
    "trees": [[[1, 0.5, 1, 2, 1], [0.4], [-0.4]]],
}


def test_parameters_are_named() -> None:
    assert map_parameters(PLATT) == [
        ("Slope", "1.25"),
        ("Intercept", "-0.5"),
        ("Confidence is clipped to this far from 0 and 1", "0.02"),
        ("language=de: slope and intercept change by", "+0.100 and -0.250"),
    ]


def test_steps_and_knots_stand_one_a_row() -> None:
    assert map_parameters(STEPS) == [("0 to 0.5", "0.2"), ("0.5 to 1", "0.9")]
    assert map_parameters({"kind": "isotonic", "x": [0.1, 0.9], "y": [0.3, 0.8]}) == [
        ("at 0.1", "0.3"),
        ("at 0.9", "0.8"),
    ]


def test_of_many_knots_a_page_shows_some() -> None:
    x = [place / 100 for place in range(60)]
    rows, more = shown_parameters({"kind": "isotonic", "x": x, "y": [0.5] * 60})
    assert (len(rows), more) == (40, 20)


def test_the_curve_lies_beside_what_was_stated() -> None:
    curve = map_curve(PLATT)
    assert curve is not None
    assert [line.name for line in curve.lines] == ["as stated", "calibrated"]
    assert curve.lines[1].path.count("L") == 100


def test_a_map_with_steps_is_drawn_with_steps() -> None:
    curve = map_curve(STEPS)
    assert curve is not None
    assert "H" in curve.lines[1].path


def test_a_map_that_takes_more_than_a_confidence_has_no_curve() -> None:
    assert map_curve(COMBINED) is None
    assert map_curve(BOOSTED) is None


def test_what_signals_weigh_stands_one_a_row() -> None:
    assert map_parameters(COMBINED)[-3:] == [
        ("risk: slope", "-0.8"),
        ("risk: centre of its logit", "-1.4"),
        ("risk: where it is missing", "0.1"),
    ]


def test_trees_are_counted() -> None:
    assert map_parameters(BOOSTED)[-2:] == [("looks at", "the confidence, risk"), ("trees", "1")]
