from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

from calibration.core.bands import State
from calibration.core.calibrators import Candidate, Sample, default_candidates, fit_calibrator, fit_segmented, predict
from calibration.core.cells import Cells, cells_of
from calibration.core.fitting import PRIOR_LABELS, fit_beta, fit_histogram, fit_isotonic, fit_platt
from calibration.core.maps import map_problems


def overconfident(rows: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Confidences whose logit is twice the true one."""
    generator = np.random.default_rng(seed)
    truth = generator.normal(1.0, 1.2, rows)
    return 1 / (1 + np.exp(-2 * truth)), (generator.random(rows) < 1 / (1 + np.exp(-truth))).astype(float)


def test_thirty_right_labels_shrink_towards_the_stated_confidence() -> None:
    cells = cells_of(np.repeat([0.9, 0.95, 0.99], 10), np.ones(30))
    params = fit_platt(cells, eps=1e-6, prior_labels=PRIOR_LABELS)
    assert (params["slope"], params["intercept"]) == pytest.approx((1.323, 0.131), abs=5e-4)
    assert predict(params, [0.9, 0.95, 0.99]) == pytest.approx([0.954, 0.982, 0.998], abs=5e-4)


def test_a_shrunk_fit_can_be_centred_on_an_earlier_version() -> None:
    nothing = cells_of([0.5], [1])
    params = fit_platt(nothing, eps=0.02, prior_labels=1e6, prior=(0.7, -0.2))
    assert (params["slope"], params["intercept"]) == pytest.approx((0.7, -0.2), abs=1e-4)


def test_platt_equals_an_unpenalised_logistic_regression() -> None:
    c, y = overconfident(3_000)
    theirs = LogisticRegression(C=np.inf, tol=1e-10).fit(logit(c)[:, None], y)
    ours = fit_platt(cells_of(c, y), eps=1e-12)
    assert (ours["slope"], ours["intercept"]) == pytest.approx((theirs.coef_[0, 0], theirs.intercept_[0]), abs=1e-5)


def test_separable_labels_still_give_a_finite_map() -> None:
    cells = cells_of(np.linspace(0.01, 0.99, 50), np.arange(50) >= 25)
    for params in (fit_platt(cells, eps=1e-6), fit_beta(cells, eps=1e-6)):
        assert map_problems(params) == []


def test_confidence_against_the_truth_becomes_a_constant_map_with_a_warning() -> None:
    c, y = overconfident(400)
    choice = fit_calibrator(1 - c, y)
    assert "score_inverted_or_useless" in choice.warnings
    assert np.ptp(predict(fit_platt(cells_of(1 - c, y), eps=1e-6), [0.1, 0.9])) == 0


def test_no_isotonic_block_ever_says_one() -> None:
    cells = cells_of([0.2] * 10 + [0.9] * 20, [0] * 5 + [1] * 25)
    assert fit_isotonic(cells)["y"] == pytest.approx([(5 + 25 / 30) / 11, (20 + 25 / 30) / 21])
    assert fit_isotonic(cells)["x"] == pytest.approx([0.2, 0.9])


def test_histogram_bins_start_at_a_confidence_that_occurs() -> None:
    c = np.repeat([0.3, 0.5, 0.7, 0.9], 25)
    params = fit_histogram(cells_of(c, np.tile([1, 1, 1, 0, 1], 20)), bins=4)
    assert params["edges"] == [0.5, 0.7, 0.9]


def test_every_fitted_map_is_sound_and_survives_json() -> None:
    c, y = overconfident(500)
    names = np.where(np.arange(500) % 3 == 0, "language=en", "language=fr")
    for candidate in default_candidates(segmented=True):
        choice = fit_calibrator(c, y, segment=names, candidates=[candidate])
        params = json.loads(json.dumps(choice.calibrator.params))
        assert map_problems(params) == [], candidate.name
        assert choice.name == candidate.name


def test_no_labels_leave_the_confidence_as_it_is_and_unmeasured() -> None:
    choice = fit_calibrator([], [])
    assert (choice.calibrator.kind, choice.state, choice.reason) == ("identity", State.UNMEASURED, "no_labels")


def test_fewer_than_thirty_labels_leave_the_confidence_as_it_is() -> None:
    choice = fit_calibrator(*overconfident(29))
    assert (choice.calibrator.kind, choice.state, choice.reason) == ("identity", State.PROVISIONAL, "too_few_labels")


def test_repeats_of_few_inputs_are_still_few_labels() -> None:
    c, y = overconfident(29)
    choice = fit_calibrator(np.repeat(c, 10), np.repeat(y, 10), fingerprint=np.repeat(np.arange(29), 10))
    assert choice.reason == "too_few_labels"


def test_one_class_only_leaves_the_confidence_as_it_is() -> None:
    choice = fit_calibrator(np.linspace(0.5, 0.9, 80), np.ones(80))
    assert (choice.calibrator.kind, choice.state, choice.reason) == ("identity", State.PROVISIONAL, "one_class")


def test_a_constant_confidence_is_calibrated_to_the_base_rate() -> None:
    choice = fit_calibrator(np.full(50, 0.9), np.arange(50) < 35)
    assert choice.reason == "constant_score"
    assert choice.calibrator.predict([0.0, 0.9, 1.0]) == pytest.approx([0.7, 0.7, 0.7])


def test_labels_that_are_not_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="label"):
        fit_calibrator([0.5] * 30, [float("nan")] * 30)
    with pytest.raises(ValueError, match="same length"):
        fit_calibrator([0.5] * 30, [1] * 29)


def test_the_gates_keep_hungry_candidates_away_from_few_labels() -> None:
    def tried(rows: int) -> set[str]:
        return {score.name.split("_")[0] for score in fit_calibrator(*overconfident(rows)).scores}

    assert tried(119) == {"identity", "shrunk"}
    assert tried(249) == {"identity", "shrunk", "platt"}
    assert tried(399) == {"identity", "shrunk", "platt", "beta"}
    assert tried(400) == {"identity", "shrunk", "platt", "beta", "isotonic", "histogram"}


def test_candidates_that_need_more_labels_than_there_are_cannot_be_chosen_from() -> None:
    hungry = [candidate for candidate in default_candidates(segmented=False) if candidate.name == "histogram"]
    with pytest.raises(ValueError, match="so few labels"):
        fit_calibrator(*overconfident(100), candidates=hungry)


def test_isotonic_needs_thirty_labels_of_each_class() -> None:
    c, _ = overconfident(600)
    choice = fit_calibrator(c, np.arange(600) >= 29)
    assert "isotonic" not in {score.name for score in choice.scores}


def test_the_simplest_candidate_within_one_standard_error_is_taken() -> None:
    choice = fit_calibrator(*overconfident(1_000))
    within = [score for score in choice.scores if score.worse_by <= score.standard_error]
    taken = next(score for score in choice.scores if score.name == choice.name)
    assert taken.complexity == min(score.complexity for score in within)
    assert taken.log_loss == min(score.log_loss for score in within if score.complexity == taken.complexity)


def test_a_good_confidence_is_left_alone() -> None:
    generator = np.random.default_rng(8)
    c = generator.random(800)
    assert fit_calibrator(c, generator.random(800) < c).name == "identity"


def test_an_overconfident_one_is_corrected() -> None:
    choice = fit_calibrator(*overconfident(1_000))
    assert choice.name != "identity"
    c, y = overconfident(5_000, seed=9)
    assert abs(choice.calibrator.predict(c).mean() - y.mean()) < 0.02


def test_repeats_of_an_input_are_never_split_between_fitting_and_judging() -> None:
    c, y = overconfident(40)
    fitted: list[np.ndarray] = []

    def remember(sample: Sample) -> dict[str, object]:
        fitted.append(sample.cluster)
        return {"kind": "identity"}

    inputs = np.repeat(np.arange(40), 3)
    candidates = [Candidate("remembering", remember)]
    fit_calibrator(np.repeat(c, 3), np.repeat(y, 3), fingerprint=inputs, candidates=candidates)
    assert len(fitted) == 6
    for rows in fitted:
        assert set(np.bincount(rows, minlength=40)) <= {0, 3}


@pytest.mark.parametrize("fit", [fit_isotonic, fit_histogram])
def test_nothing_is_fitted_to_no_labels(fit: Callable[[Cells], dict[str, object]]) -> None:
    with pytest.raises(ValueError, match="no labels"):
        fit(cells_of([], []))


def test_the_choice_depends_on_the_seed_alone() -> None:
    c, y = overconfident(300)
    assert fit_calibrator(c, y, seed=4) == fit_calibrator(c, y, seed=4)


def test_a_segment_that_differs_gets_its_own_offset_and_a_strange_one_none() -> None:
    c, y = overconfident(2_000)
    names = np.where(np.arange(2_000) % 2 == 0, "workflow=easy", "workflow=hard")
    y = np.where((names == "workflow=hard") & (np.arange(2_000) % 4 == 1), 0.0, y)
    calibrator = fit_segmented(c, y, names)
    easy, hard, strange = (calibrator.predict([0.9], name)[0] for name in ("workflow=easy", "workflow=hard", "x"))
    assert hard < strange < easy
    assert fit_calibrator(c, y, segment=names).name.startswith("segmented_platt")


def test_a_segment_with_a_single_label_hardly_moves() -> None:
    c, y = overconfident(1_000)
    names = ["workflow=rare" if row == 0 else "workflow=usual" for row in range(1_000)]
    calibrator = fit_segmented(c, np.where(np.arange(1_000) == 0, 0.0, y), names)
    rare, usual = (calibrator.predict([0.9], name)[0] for name in ("workflow=rare", "workflow=usual"))
    assert 0 < usual - rare < 0.1


def test_rows_without_a_segment_have_no_offset_of_their_own() -> None:
    c, y = overconfident(200)
    calibrator = fit_segmented(c, y, [None if row % 2 else "language=en" for row in range(200)])
    assert list(calibrator.params["offsets"]) == ["language=en"]
