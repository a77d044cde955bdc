from __future__ import annotations

import json

import numpy as np
import pytest

from calibration.core.monitor import BETS, CAP, CalibrationEDetector, EDetector, Signal


def test_the_recursion_is_that_of_the_design() -> None:
    detector = EDetector(alpha=0.1).after([True, False])
    stakes = [bet / 0.1 for bet in BETS]
    expected = [((0 + 1) * (1 + stake * 0.9) + 1) * (1 - stake * 0.1) for stake in stakes]
    assert detector.capital == pytest.approx(expected)
    assert detector.value == pytest.approx(sum(expected) / 5)
    assert detector.seen == 2


def test_replaying_labels_in_any_portions_gives_the_same_state() -> None:
    errors = (np.random.default_rng(1).random(200) < 0.1).tolist()
    at_once = EDetector(alpha=0.05).after(errors)
    in_portions = EDetector(alpha=0.05)
    for start in range(0, 200, 7):
        in_portions = in_portions.after(errors[start : start + 7])
    assert in_portions == at_once


def test_a_state_survives_json() -> None:
    detector = EDetector(alpha=0.05).after([False, True, False])
    assert EDetector.from_json(json.loads(json.dumps(detector.as_json()))) == detector
    other = CalibrationEDetector().after([(True, 0.9), (False, 0.8)])
    assert CalibrationEDetector.from_json(json.loads(json.dumps(other.as_json()))) == other


def test_a_state_at_the_cap_survives_a_database_that_writes_it_as_an_integer() -> None:
    detector = EDetector(alpha=0.01).after([True] * 400)
    state = {**detector.as_json(), "capital": [int(held) for held in detector.capital]}
    assert EDetector.from_json(state).after([False]) == detector.after([False])


def test_a_stream_of_errors_warns_and_then_alarms() -> None:
    detector, signals = EDetector(alpha=0.03), []
    for _ in range(60):
        detector = detector.after([True, False, False])
        signals.append(detector.signal(horizon=1_800))
    assert signals[0] is Signal.QUIET
    assert signals.index(Signal.WARNING) < signals.index(Signal.ALARM)
    assert signals[-1] is Signal.ALARM


def test_an_alarm_stays_after_the_errors_stop() -> None:
    detector = EDetector(alpha=0.03).after([True] * 20).after([False] * 500)
    assert detector.value < detector.highest
    assert detector.signal(horizon=1_800) is Signal.ALARM


def test_no_errors_never_alarm() -> None:
    assert EDetector(alpha=0.05).after([False] * 5_000).signal(horizon=5_000) is Signal.QUIET


def test_many_streams_share_the_chance_of_a_false_alarm() -> None:
    detector = EDetector(alpha=0.03, highest=40_000.0)
    assert detector.signal(horizon=1_800) is Signal.ALARM
    assert detector.signal(horizon=1_800, streams=2) is Signal.WARNING


def test_endless_errors_do_not_overflow() -> None:
    detector = EDetector(alpha=0.01).after([True] * 400)
    assert detector.highest == pytest.approx(CAP)


@pytest.mark.parametrize("alpha", [0.0, 1.0, float("nan")])
def test_an_impossible_limit_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha"):
        EDetector(alpha=alpha)


def test_confidence_above_the_truth_and_below_it_are_told_apart() -> None:
    generator = np.random.default_rng(2)
    for truth, expected in ((0.6, (Signal.ALARM, Signal.QUIET)), (0.99, (Signal.QUIET, Signal.ALARM))):
        labels = [(bool(right), 0.85) for right in generator.random(600) < truth]
        assert CalibrationEDetector().after(labels).signals(horizon=600) == expected


def test_a_calibrated_stream_stays_quiet() -> None:
    generator = np.random.default_rng(3)
    p = generator.beta(8, 2, 800)
    labels = zip((generator.random(800) < p).tolist(), p.tolist(), strict=True)
    assert CalibrationEDetector().after(labels).signals(horizon=800) == (Signal.QUIET, Signal.QUIET)
