"""What the design measured of calibration maps and of small samples, from the same real model outputs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression

from calibration.core.calibrators import fit_calibrator, fit_segmented, predict
from calibration.core.cells import cells_of
from calibration.core.fitting import FAINT_PRIOR, fit_isotonic, fit_platt
from calibration.core.metrics import brier, ece, log_loss, row_log_loss
from tests.unit.calibration.conftest import is_share

IMAGENET = ("image_imagenet_resnet34.csv.gz", {})
CIFAR100 = ("image_small.csv.gz", {"dataset": "cifar100"})
BOOLQ = ("boolq_verbalized.csv.gz", {"model": "gpt-4o"})
GPT_MINI = ("mmlu_pro.csv.gz", {"confidence": "conf_verbal_numeric", "model": "gpt-4.1-mini"})

Data = tuple[str, dict[str, str]]
Pool = Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]
Rows = Callable[[str], tuple[dict[str, str], ...]]

# labels, binned error that a perfectly calibrated confidence shows all the same (15 bins of equal mass)
PLUG_IN = [(50, 0.146), (100, 0.102), (200, 0.073), (500, 0.045), (1_000, 0.032), (5_000, 0.014)]

# data, labels, log loss and ECE of the chosen calibrator on all other claims
CHOICES = [
    (IMAGENET, 300, 0.407, 0.035),
    (CIFAR100, 80, 0.443, 0.056),
    (CIFAR100, 300, 0.430, 0.031),
    (BOOLQ, 80, 0.465, 0.069),
    (BOOLQ, 300, 0.439, 0.033),
    (GPT_MINI, 80, 0.501, 0.100),
    (GPT_MINI, 300, 0.465, 0.034),
]

# data, clip, log loss or ECE of a Platt map on the other half
CLIPS = [(CIFAR100, 1e-6, 0.427, None), (CIFAR100, 0.02, 0.478, None), (GPT_MINI, 0.02, None, 0.020)]


def halves(size: int, seed: int, first: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(seed).permutation(size)
    cut = size // 2 if first is None else first
    return order[:cut], order[cut:]


@pytest.mark.parametrize(("labels", "expected"), PLUG_IN)
def test_few_labels_show_an_error_where_there_is_none(pool: Pool, labels: int, expected: float) -> None:
    c, y, _ = pool(IMAGENET[0])
    truth, generator = predict(fit_platt(cells_of(c, y), eps=1e-6), c), np.random.default_rng(labels)
    errors = []
    for _ in range(100):
        p = generator.choice(truth, labels)
        errors.append(ece(cells_of(p, generator.random(labels) < p)))
    assert np.mean(errors) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize(("data", "labels", "loss", "error"), CHOICES)
def test_the_chosen_calibrator_does_as_well_as_measured(
    pool: Pool, data: Data, labels: int, loss: float, error: float
) -> None:
    c, y, _ = pool(data[0], **data[1])
    measured = []
    for seed in range(8):
        fit, rest = halves(len(c), seed, labels)
        cells = cells_of(fit_calibrator(c[fit], y[fit], seed=seed).calibrator.predict(c[rest]), y[rest])
        measured.append((log_loss(cells, clip=1e-3), ece(cells, width=True)))
    assert np.mean(measured, axis=0) == pytest.approx((loss, error), rel=0.04, abs=0.015)


def test_the_choice_is_hardly_ever_worse_than_the_stated_confidence(pool: Pool) -> None:
    worse = tried = 0
    for data in (BOOLQ, GPT_MINI, CIFAR100):
        c, y, _ = pool(data[0], **data[1])
        for labels in (40, 80, 150):
            for seed in range(8):
                fit, rest = halves(len(c), seed, labels)
                p = fit_calibrator(c[fit], y[fit], seed=seed).calibrator.predict(c[rest])
                of_choice, of_score = (log_loss(cells_of(each, y[rest]), clip=1e-3) for each in (p, c[rest]))
                worse, tried = worse + (of_choice > of_score), tried + 1
    assert worse / tried <= 0.02


@pytest.mark.parametrize(("data", "eps", "loss", "error"), CLIPS)
def test_the_clip_is_a_parameter_that_matters(
    pool: Pool, data: Data, eps: float, loss: float | None, error: float | None
) -> None:
    c, y, _ = pool(data[0], **data[1])
    fit, rest = halves(len(c), 0)
    cells = cells_of(predict(fit_platt(cells_of(c[fit], y[fit]), eps=eps), c[rest]), y[rest])
    if loss is not None:
        assert log_loss(cells) == pytest.approx(loss, rel=0.03)
    if error is not None:
        assert ece(cells) == pytest.approx(error, abs=0.005)


def test_stated_certainty_is_a_lever_where_the_clip_is_small(pool: Pool) -> None:
    c, y, _ = pool(GPT_MINI[0], **GPT_MINI[1])
    fit, rest = halves(len(c), 0)
    cells = cells_of(predict(fit_platt(cells_of(c[fit], y[fit]), eps=1e-6), c[rest]), y[rest])
    assert ece(cells) == pytest.approx(0.094, abs=0.02)


def test_plain_isotonic_says_certainty_where_there_is_none_and_ours_does_not(pool: Pool) -> None:
    c, y, _ = pool(IMAGENET[0])
    certain, right, ours = [], [], []
    for seed in range(20):
        fit, rest = halves(len(c), seed, 100)
        plain = IsotonicRegression(out_of_bounds="clip").fit(c[fit], y[fit]).predict(c[rest])
        certain.append((plain == 1).mean())
        right.append(y[rest][plain == 1].mean())
        ours.append(predict(fit_isotonic(cells_of(c[fit], y[fit])), c[rest]).max())
    assert np.mean(certain) > 0.2
    assert np.mean(right) < 0.98
    assert np.mean(ours) < 0.99


def test_temperature_alone_leaves_a_bias_that_platt_takes_away(pool: Pool) -> None:
    c, y, even = pool(IMAGENET[0])
    z, temperature = logit(np.clip(c[~even], 1e-6, 1 - 1e-6)), 0.8400
    cooled = cells_of(expit(z / temperature), y[~even])
    assert (ece(cooled, width=True), brier(cooled)) == pytest.approx((0.0689, 0.1358), abs=5.1e-5)


def test_the_temperature_of_claim_coding(real_data: Rows) -> None:
    rows = [row for row in real_data("ci_coding.csv.gz") if "haiku" in row["model"] and row["prompt_level"] == "L1"]
    even = [row for row in rows if int(row["claim_id"].removeprefix("C")) % 2 == 0]
    c, y = np.array([(float(row["confidence"]), float(row["correct"])) for row in even]).T
    z = logit(np.clip(c, 1e-6, 1 - 1e-6))

    def loss(t: float) -> float:
        return float(row_log_loss(expit(z / t), y, clip=1e-15).sum())

    assert loss(0.9478) <= min(loss(0.9468), loss(0.9488))


def test_a_map_of_one_class_runs_off_unless_it_is_shrunk() -> None:
    cells = cells_of(np.repeat([0.9, 0.95, 0.99], 10), np.ones(30))
    slopes = [fit_platt(cells, eps=1e-6, prior_labels=FAINT_PRIOR / 10**power)["slope"] for power in range(3)]
    assert slopes[0] > 2
    assert slopes == sorted(slopes)


def test_pooling_segments_beats_one_map_for_all_and_one_map_each(real_data: Rows, pool: Pool) -> None:
    """Fourteen subjects, 3,000 labels: log loss .4596 with one map and .4533 pooled, worst gap .165 and .065."""
    c, y, _ = pool(GPT_MINI[0], **GPT_MINI[1])
    answers = [row for row in real_data(GPT_MINI[0]) if row["model"] == "gpt-4.1-mini"]
    subject = np.array([row["segment"] for row in answers if is_share(row["conf_verbal_numeric"])])
    losses, gaps = [], []
    for seed in range(2):
        fit, rest = halves(len(c), seed, 3_000)
        whole = fit_calibrator(c[fit], y[fit]).calibrator.predict(c[rest])
        pooled = fit_segmented(c[fit], y[fit], subject[fit], eps=0.02).predict(c[rest], subject[rest])
        separate = np.empty(len(rest))
        for name in np.unique(subject):
            own, asked = fit[subject[fit] == name], subject[rest] == name
            separate[asked] = fit_calibrator(c[own], y[own]).calibrator.predict(c[rest][asked])
        losses.append([row_log_loss(p, y[rest], clip=1e-3).mean() for p in (whole, separate, pooled)])
        asked = [subject[rest] == name for name in np.unique(subject)]
        gaps.append([max(abs((p - y[rest])[rows].mean()) for rows in asked) for p in (whole, pooled)])
    of_whole, of_separate, of_pooled = np.mean(losses, axis=0)
    assert (of_whole, of_pooled) == pytest.approx((0.4596, 0.4533), abs=0.005)
    assert of_pooled < min(of_whole, of_separate)
    assert np.mean(gaps, axis=0) == pytest.approx((0.165, 0.065), abs=0.02)
