"""The promises of the design on streams drawn from real model outputs, whose truth the whole file tells."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import expit, logit

from calibration.core.calibrators import predict
from calibration.core.cells import Cells, cells_of
from calibration.core.fitting import fit_platt
from calibration.core.labels import equal_probability_mask
from calibration.core.metrics import risk_coverage
from calibration.core.monitor import BETS, EDetector
from calibration.core.promote import paired_comparison
from calibration.core.select import select_threshold

DRAWS = 400
ALLOWED = 0.05 + 3 * np.sqrt(0.05 * 0.95 / DRAWS)
HORIZON = 1_800
DELTA = 0.05

Data = tuple[str, dict[str, str]]
Pool = Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]

IMAGENET = ("image_imagenet_resnet34.csv.gz", {})
CIFAR10 = ("image_small.csv.gz", {"dataset": "cifar10"})
GPT_MINI = ("mmlu_pro.csv.gz", {"confidence": "conf_verbal_numeric", "model": "gpt-4.1-mini"})
BOOLQ = ("boolq_verbalized.csv.gz", {"model": "gpt-4o"})

# data, alpha, labels, share automated on average where the design gives one
PROMISES = [
    (IMAGENET, 0.05, 1_000, 0.114),
    (IMAGENET, 0.05, 3_000, 0.299),
    (CIFAR10, 0.02, 1_000, 0.706),
    (GPT_MINI, 0.10, 1_000, None),
]


@pytest.mark.parametrize(("data", "alpha", "labels", "share"), PROMISES)
def test_a_certified_threshold_breaks_its_promise_in_at_most_one_draw_of_twenty(
    pool: Pool, data: Data, alpha: float, labels: int, share: float | None
) -> None:
    c, y, _ = pool(data[0], **data[1])
    truth, generator = _Truth(cells_of(c, y)), np.random.default_rng(1)
    broken, automated = [], []
    for _ in range(DRAWS):
        rows = generator.integers(0, len(c), labels)
        threshold = select_threshold(cells_of(c[rows], y[rows]), alpha=alpha).threshold
        risk, coverage = truth.at(threshold)
        broken.append(risk > alpha)
        automated.append(coverage)
    assert np.mean(broken) <= ALLOWED
    if share is not None:
        assert np.mean(automated) == pytest.approx(share, abs=0.03)


def test_taking_the_best_looking_threshold_instead_breaks_it_in_two_draws_of_five(pool: Pool) -> None:
    c, y, _ = pool(IMAGENET[0])
    truth, generator = _Truth(cells_of(c, y)), np.random.default_rng(1)
    grid, broken = np.arange(0, 1, 0.01), 0
    for _ in range(DRAWS):
        rows = generator.integers(0, len(c), 1_000)
        curve = risk_coverage(cells_of(c[rows], y[rows]))
        within = [t for t in grid if curve.risk[np.searchsorted(-curve.threshold, -t, side="right") - 1] <= 0.05]
        broken += truth.at(min(within, default=None))[0] > 0.05
    assert broken / DRAWS == pytest.approx(0.43, abs=0.08)


def test_a_promise_tested_on_the_thinned_sample_of_two_rates_holds(pool: Pool) -> None:
    """Above 0.9 five of a hundred are audited, everything below is reviewed: 10,000 claims of traffic."""
    c, y, _ = pool(CIFAR10[0], **CIFAR10[1])
    truth, generator, broken, automated = _Truth(cells_of(c, y)), np.random.default_rng(2), 0, []
    for _ in range(DRAWS // 4):
        rows = generator.integers(0, len(c), 10_000)
        rate, u = np.where(c[rows] >= 0.9, 0.05, 1.0), generator.random(10_000)
        drawn = rows[equal_probability_mask(u, rate, u < rate)]
        risk, coverage = truth.at(select_threshold(cells_of(c[drawn], y[drawn]), alpha=0.02).threshold)
        broken += risk > 0.02
        automated.append(coverage)
    assert broken / (DRAWS // 4) <= DELTA + 3 * np.sqrt(0.05 * 0.95 / (DRAWS // 4))
    assert np.mean(automated) == pytest.approx(0.189, abs=0.12)


class _Truth:
    """Error rate and share of what a threshold accepts, in the whole file."""

    def __init__(self, cells: Cells) -> None:
        self._curve = risk_coverage(cells)

    def at(self, threshold: float | None) -> tuple[float, float]:
        if threshold is None:
            return 0.0, 0.0
        place = np.searchsorted(-self._curve.threshold, -threshold, side="right") - 1
        return float(self._curve.risk[place]), float(self._curve.coverage[place])


# --- monitors --------------------------------------------------------------------------------------------------


def highest_values(errors: np.ndarray, alpha: float) -> np.ndarray:
    """Highest value so far of the monitor at every label of every stream (rows)."""
    stakes = np.minimum(BETS, 0.99) / alpha
    capital, values = np.zeros((len(errors), len(BETS))), np.empty(errors.shape)
    for label in range(errors.shape[1]):
        capital = np.minimum((capital + 1) * (1 + stakes * (errors[:, label, None] - alpha)), 1e300)
        values[:, label] = capital.mean(axis=1)
    return np.maximum.accumulate(values, axis=1)


def labels_to_alarm(before: np.ndarray, after: np.ndarray, alpha: float) -> np.ndarray:
    """For each stream, how many labels after the change the alarm comes, at the end of a day of 20 labels; infinity if
    it never does."""
    highest = highest_values(np.concatenate([before, after], axis=1), alpha)[:, before.shape[1] :]
    alarm = highest >= HORIZON / DELTA
    days = np.ceil((alarm.argmax(axis=1) + 1) / 20) * 20
    return np.where(alarm.any(axis=1), days, np.inf)


def test_many_streams_at_once_are_watched_as_one_is() -> None:
    errors = np.random.default_rng(3).random((5, 300)) < 0.1
    for stream, highest in zip(errors, highest_values(errors.astype(float), 0.05)[:, -1], strict=True):
        assert EDetector(alpha=0.05).after(stream.tolist()).highest == pytest.approx(highest)


@pytest.mark.parametrize(("rate", "alarms", "warnings"), [(0.03, 0.05, 0.2), (0.02, 0.01, 0.05)])
def test_a_quiet_quarter_raises_a_false_alarm_in_at_most_one_stream_of_twenty(
    rate: float, alarms: float, warnings: float
) -> None:
    errors = (np.random.default_rng(4).random((DRAWS, HORIZON)) < rate).astype(float)
    highest = highest_values(errors, 0.03)[:, -1]
    assert np.mean(highest >= HORIZON / DELTA) <= alarms
    assert np.mean(highest >= HORIZON / DELTA / 4) <= warnings


@pytest.mark.parametrize(("rate", "median"), [(0.05, 1_200), (0.06, 540), (0.08, 240), (0.12, 100), (0.20, 40)])
def test_a_rise_of_the_error_rate_is_found_as_soon_as_the_design_says(rate: float, median: float) -> None:
    generator = np.random.default_rng(5)
    before = (generator.random((200, 600)) < 0.02).astype(float)
    after = (generator.random((200, 3 * int(median))) < rate).astype(float)
    assert median / 1.5 <= np.median(labels_to_alarm(before, after, 0.03)) <= median * 1.5


# model, its successor, limit, error rate of both at a stated confidence of 0.9 or more, median labels to the alarm
SWAPS = [
    ("Meta-Llama-3.1-405B-Instruct-Turbo", "Meta-Llama-3.1-70B-Instruct-Turbo", 0.20, 0.173, 0.304, 240),
    ("claude-3-7-sonnet-20250219", "claude-3-haiku-20240307", 0.15, 0.119, 0.574, 40),
    ("Qwen3-14B", "Qwen3-14B-AWQ", 0.30, 0.257, 0.259, np.inf),
]


@pytest.mark.parametrize(("old", "new", "alpha", "was", "becomes", "median"), SWAPS)
def test_a_real_swap_of_models_is_found_as_soon_as_the_design_says(
    pool: Pool, old: str, new: str, alpha: float, was: float, becomes: float, median: float
) -> None:
    streams, generator = [], np.random.default_rng(6)
    for model, rate, labels in ((old, was, 600), (new, becomes, 900)):
        c, y, _ = pool("mmlu_pro.csv.gz", confidence="conf_verbal_numeric", model=model)
        errors = (y[c >= 0.9] == 0).astype(float)
        assert errors.mean() == pytest.approx(rate, abs=5e-4)
        streams.append(generator.choice(errors, (200, labels)))
    found = np.median(labels_to_alarm(*streams, alpha))
    assert found == median if np.isinf(median) else median / 1.5 <= found + 10 <= median * 1.5


def test_looking_every_day_with_a_plain_test_false_alarms_where_the_monitor_does_not() -> None:
    generator, limit, quarters = np.random.default_rng(7), 0.03, 300
    errors = np.cumsum(generator.random((quarters, HORIZON)) < limit, axis=1)[:, 19::20]
    seen = np.arange(20, HORIZON + 1, 20)
    score = (errors / seen - limit) / np.sqrt(limit * (1 - limit) / seen)
    assert np.mean((score > 1.645).any(axis=1)) > 0.3


# --- promotion -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [200, 500])
def test_a_slightly_worse_map_is_promoted_in_at_most_one_trial_of_twenty(pool: Pool, labels: int) -> None:
    c, y, _ = pool(IMAGENET[0])
    good = predict(fit_platt(cells_of(c, y), eps=1e-6), c)
    flat = expit(logit(np.clip(good, 1e-6, 1 - 1e-6)) / 1.1)
    generator, promoted, looks_better = np.random.default_rng(8), 0, 0
    for trial in range(DRAWS):
        rows = generator.integers(0, len(c), labels)
        comparison = paired_comparison(flat[rows], good[rows], y[rows], draws=200, seed=trial)
        promoted += comparison.better
        looks_better += comparison.mean < 0
    assert promoted / DRAWS <= 0.05
    assert looks_better / DRAWS > 0.2


def test_the_stated_confidence_never_takes_the_place_of_a_good_map(pool: Pool) -> None:
    c, y, _ = pool(GPT_MINI[0], **GPT_MINI[1])
    good, generator = predict(fit_platt(cells_of(c, y), eps=0.02), c), np.random.default_rng(9)
    for trial in range(60):
        rows = generator.integers(0, len(c), 300)
        assert not paired_comparison(c[rows], good[rows], y[rows], draws=200, seed=trial).better


@pytest.mark.parametrize(("labels", "share"), [(200, 0.51), (1_000, 0.98)])
def test_a_good_map_takes_the_place_of_the_stated_confidence_as_often_as_measured(
    pool: Pool, labels: int, share: float
) -> None:
    c, y, _ = pool(IMAGENET[0])
    good, generator, promoted = predict(fit_platt(cells_of(c, y), eps=1e-6), c), np.random.default_rng(10), 0
    for trial in range(120):
        rows = generator.integers(0, len(c), labels)
        promoted += paired_comparison(good[rows], c[rows], y[rows], draws=200, seed=trial).better
    assert promoted / 120 == pytest.approx(share, abs=0.1)
