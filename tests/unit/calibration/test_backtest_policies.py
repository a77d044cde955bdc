"""What a tally of past claims says about a policy, against numbers computed by hand."""

from __future__ import annotations

import pytest

from calibration.core.backtest import Evidence, Expected, Fate, backtest_report, error_share
from calibration.core.intervals import wilson


def reviewed(evidence: Evidence, *, chance: float = 1.0, labels: float = 1.0) -> Fate:
    return Fate("review", "0.00-0.90", "", None, "review", labels, chance, evidence)


def accepted(evidence: Evidence, *, chance: float = 1.0, rate: float = 0.2, band: str = "0.90-1.00") -> Fate:
    return Fate("accept", band, "right", 0.1, "audit", rate, chance, evidence)


def rejected(evidence: Evidence) -> Fate:
    return Fate("reject", "0.00-0.10", "wrong", 0.3, "audit", 0.5, 1.0, evidence)


def handed_back(evidence: Evidence = "not_drawn") -> Fate:
    return Fate("uncertain", "0.00-0.90", "", None, "", 0.0, 0.0, evidence)


def error_of(*counted: tuple[Fate, int]) -> Expected:
    return error_share(counted)


def test_moves_coverage_and_load_of_a_small_population() -> None:
    tally = {
        (reviewed("right"), accepted("right")): 18,
        (reviewed("wrong"), accepted("wrong")): 2,
        (reviewed("right", labels=2), reviewed("right", labels=2)): 10,
        (accepted("not_drawn", chance=0.2), accepted("not_drawn", chance=0.2)): 8,
        (accepted("right", chance=0.2), accepted("right", chance=0.2)): 2,
    }
    report = backtest_report(tally, days=10)
    assert (report.claims, report.labelled, report.moved) == (40, 32, 20)
    assert [(move.before, move.after, move.claims, move.share) for move in report.moves] == [
        ("accept", "accept", 10, 0.25),
        ("review", "accept", 20, 0.5),
        ("review", "review", 10, 0.25),
    ]
    assert report.moves[1].accuracy.value == 0.9
    assert (report.before.coverage, report.after.coverage) == (0.25, 0.75)
    assert report.before.error.value == 0.0
    assert report.after.error.value == pytest.approx(20 / 30 * 2 / 20)
    loads = {load.purpose: load.labels for load in report.before.loads}
    assert loads == {"review": 40.0, "escalate": 0.0, "flagged": 0.0, "audit": 2.0}
    assert report.after.labels_per_day == pytest.approx((20 + 30 * 0.2) / 10)


def test_one_stratum_has_the_limits_of_wilson() -> None:
    error = error_of((accepted("right"), 95), (accepted("wrong"), 5))
    low, high = wilson(5, 100)
    assert (error.value, error.labels) == (0.05, 100)
    assert (error.low, error.high) == (pytest.approx(float(low)), pytest.approx(float(high)))


def test_labels_of_a_small_sample_speak_for_all_the_claims_they_were_drawn_from() -> None:
    error = error_of(
        (accepted("right"), 80),
        (accepted("wrong"), 20),
        (accepted("not_drawn", chance=0.1), 810),
        (accepted("right", chance=0.1), 90),
    )
    assert error.value == pytest.approx(100 / 1000 * 0.2)


def test_claims_that_could_not_be_labelled_make_the_error_unknown_and_stretch_its_limits() -> None:
    error = error_of((accepted("right"), 50), (accepted("wrong"), 25), (accepted("not_drawn", chance=0), 25))
    low, high = wilson(25, 75)
    assert error.value is None
    assert error.unknown_share == 0.25
    assert error.low == pytest.approx(0.75 * float(low))
    assert error.high == pytest.approx(0.75 * float(high) + 0.25)


def test_a_sample_of_which_no_label_is_in_yet_is_unknown_too() -> None:
    error = error_of(
        (accepted("right"), 90), (accepted("pending", chance=0.1), 1), (accepted("not_drawn", chance=0.1), 9)
    )
    assert (error.value, error.unknown_share, error.pending) == (None, 0.1, 1)


@pytest.mark.parametrize("fates", [[], [(accepted("unjudged"), 5)], [(accepted("not_drawn", chance=0.1), 5)]])
def test_without_a_label_anything_is_possible(fates: list[tuple[Fate, int]]) -> None:
    error = error_share(fates)
    assert (error.value, error.low, error.high, error.unknown_share) == (None, 0.0, 1.0, 1.0)


def test_what_people_could_not_judge_counts_neither_way() -> None:
    assert error_of((accepted("right"), 9), (accepted("wrong"), 1), (accepted("unjudged"), 90)).value == 0.1


def test_refusing_a_right_output_is_the_error_of_a_rejection() -> None:
    assert error_of((rejected("right"), 1), (rejected("wrong"), 3)).value == 0.25


def test_what_is_allowed_is_the_mean_over_the_claims() -> None:
    assert error_of((accepted("right"), 30), (rejected("wrong"), 10)).allowed == pytest.approx(
        (30 * 0.1 + 10 * 0.3) / 40
    )
    unpromised = accepted("right")._replace(allowed=None)
    assert error_of((accepted("right"), 30), (unpromised, 10)).allowed is None


@pytest.mark.parametrize(("right", "wrong", "verdict"), [(1000, 0, "within"), (50, 50, "above"), (9, 1, "open")])
def test_a_verdict_needs_the_whole_interval_on_one_side(right: int, wrong: int, verdict: str) -> None:
    assert error_of((accepted("right"), right), (accepted("wrong"), wrong)).verdict == verdict


def test_flagged_claims_are_decided_at_once_and_still_need_people() -> None:
    flagged = Fate("accept_flagged", "0.80-1.00", "right", 0.1, "flagged", 1.0, 1.0, "right")
    side = backtest_report({(flagged, flagged): 4}, days=1).after
    assert (side.decided, side.coverage, side.labels_per_day) == (4, 0.0, 4.0)


def test_claims_that_are_handed_back_are_counted_apart() -> None:
    side = backtest_report({(reviewed("right"), handed_back()): 3}, days=1).after
    assert (side.handed_back, side.decided, side.labels_per_day) == (3, 0, 0.0)


def test_each_band_answers_for_itself() -> None:
    low, high = accepted("wrong", band="0.80-0.90"), accepted("right", band="0.90-1.00")
    bands = backtest_report({(low, low): 1, (high, high): 3}, days=1).after.bands
    assert [(band.band, band.claims, band.share, band.error.value) for band in bands] == [
        ("0.80-0.90", 1, 0.25, 1.0),
        ("0.90-1.00", 3, 0.75, 0.0),
    ]


def test_a_sample_of_the_claims_is_scaled_to_the_period() -> None:
    report = backtest_report({(reviewed("right"), reviewed("right")): 10}, days=5, sample_rate=0.25)
    assert (report.claims, report.after.labels_per_day) == (10, 8.0)


def test_no_claim_at_all_is_an_answer() -> None:
    report = backtest_report({}, days=1)
    assert (report.claims, report.moves, report.after.coverage, report.after.error.value) == (0, (), None, None)


@pytest.mark.parametrize(("days", "sample_rate"), [(0, 1), (-1, 1), (float("nan"), 1), (1, 0), (1, 1.1)])
def test_nonsense_is_refused(days: float, sample_rate: float) -> None:
    with pytest.raises(ValueError, match="days must be above 0"):
        backtest_report({}, days=days, sample_rate=sample_rate)
