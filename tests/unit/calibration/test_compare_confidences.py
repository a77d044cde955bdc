"""Confidences side by side: figures of one, and the test of one against another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from calibration.core.comparing import Sample, difference, draws_of, group_figures
from calibration.core.report import calibration_report

from .conftest import Row, is_share

Array = npt.NDArray[Any]
Read = Callable[[str], tuple[Row, ...]]


def sample(confidence: Array, right: Array, inputs: Array, weight: Array | None = None) -> Sample:
    return Sample(
        confidence.astype(float),
        right.astype(float),
        np.ones(len(right)) if weight is None else weight,
        np.asarray(inputs).astype(np.str_),
    )


def mmlu(read: Read, model: str, kind: str) -> Sample:
    rows = [row for row in read("mmlu_pro.csv.gz") if row["model"] == model and is_share(row[kind])][:3_000]
    confidence, right = np.array([(float(row[kind]), float(row["correct"])) for row in rows]).T
    return sample(confidence, right, np.array([row["item_id"] for row in rows]))


def coding(read: Read, level: str) -> Sample:
    wanted = {"model": "claude-haiku-4-5", "prompt_level": level}
    rows = [row for row in read("ci_coding.csv.gz") if all(row[key].startswith(value) for key, value in wanted.items())]
    confidence, right = np.array([(float(row["confidence"]), float(row["correct"])) for row in rows]).T
    return sample(confidence, right, np.array([row["claim_id"] for row in rows]))


def test_figures_are_those_of_the_calibration_report_with_intervals_about_as_wide() -> None:
    dice = np.random.default_rng(0)
    confidence = np.round(dice.beta(8, 2, 900), 2)
    right, inputs = dice.random(900) < confidence * 0.9, dice.integers(600, size=900)
    chance = np.where(confidence > 0.9, 0.2, 1.0)
    found = group_figures(sample(confidence, right, inputs, 1 / chance))
    report = calibration_report(
        confidence, right.astype(float), chance=chance, fingerprint=inputs.astype(str), draws=200
    ).measures
    for ours, name in (
        (found.ece, "ece_mass"),
        (found.smooth_ece, "smooth_ece"),
        (found.brier, "brier"),
        (found.auroc, "auroc"),
    ):
        measure = report[name]
        assert ours.value == pytest.approx(measure.value, abs=1e-9)
        assert ours.low is not None
        assert ours.high is not None
        assert measure.lo is not None
        assert measure.hi is not None
        assert (ours.high - ours.low) == pytest.approx(measure.hi - measure.lo, rel=0.35)
    assert found.accuracy.value == pytest.approx(report["accuracy"].value)


def test_below_two_hundred_inputs_there_are_bands_and_no_calibration_figures() -> None:
    dice = np.random.default_rng(1)
    confidence = dice.uniform(0.5, 1, 600)
    found = group_figures(sample(confidence, dice.random(600) < confidence, np.arange(600) % 150))
    assert (found.labels, found.inputs) == (600, 150)
    assert found.ece.value is None
    assert found.auroc.value is None
    assert found.accuracy.value is not None
    assert found.bins
    with pytest.raises(ValueError, match="no labels"):
        group_figures(sample(np.empty(0), np.empty(0), np.empty(0)))


def test_three_kinds_of_confidence_of_the_same_answers_are_paired(real_data: Read) -> None:
    stated, tokens = (
        mmlu(real_data, "gpt-4.1-mini", kind) for kind in ("conf_verbal_numeric", "conf_logit_perplexity")
    )
    found = difference(stated, tokens, comparisons=2)
    assert found.method == "paired"
    assert found.inputs > 2_500
    assert (found.only_one, found.only_other) == (0, 0), "the same answers are right in both"
    assert found.accuracy.value == pytest.approx(0, abs=1e-12)
    assert found.mcnemar == 1.0
    assert found.finding in {"better", "worse"}


def test_five_prompt_levels_with_repeats_are_compared_by_input(real_data: Read) -> None:
    first, last = coding(real_data, "L1"), coding(real_data, "L5")
    found = difference(last, first)
    assert (len(first), found.inputs, found.method) == (1_130, 113, "paired")
    assert found.accuracy.value == pytest.approx(0.7920 - 0.8354, abs=5e-4)
    rows_alone = difference(
        sample(last.confidence, last.right, np.arange(1_130)), sample(first.confidence, first.right, np.arange(1_130))
    )
    assert width(found.accuracy) > 1.5 * width(rows_alone.accuracy), "113 claims say less than 1,130 rows"


def width(figure: Any) -> float:
    return float(figure.high - figure.low)


def test_without_shared_inputs_the_difference_is_unpaired_and_less_sharp() -> None:
    dice = np.random.default_rng(2)
    hard = dice.uniform(0.2, 1, 500)
    one, other = dice.random(500) < hard, dice.random(500) < hard
    confidence = np.full(500, 0.6)
    inputs = np.arange(500)
    paired = difference(sample(confidence, one, inputs), sample(confidence, other, inputs))
    apart = difference(sample(confidence, one, inputs), sample(confidence, other, inputs + 1_000))
    assert (paired.method, apart.method) == ("paired", "unpaired")
    assert paired.accuracy.value == pytest.approx(apart.accuracy.value)
    assert width(paired.accuracy) < width(apart.accuracy)


def test_mcnemar_is_exact_and_left_out_where_labels_had_unequal_chances() -> None:
    one, other = np.array([1] * 40 + [0] * 10 + [1] * 3), np.array([1] * 40 + [1] * 10 + [0] * 3)
    confidence, inputs = np.full(53, 0.8), np.arange(53)
    found = difference(sample(confidence, one, inputs), sample(confidence, other, inputs))
    assert (found.only_one, found.only_other) == (3, 10)
    assert found.mcnemar == pytest.approx(stats.binomtest(3, 13).pvalue)
    weight = np.where(inputs % 2, 5.0, 1.0)
    assert difference(sample(confidence, one, inputs, weight), sample(confidence, other, inputs)).mcnemar is None


def test_a_rare_label_speaks_for_the_claims_it_was_drawn_from() -> None:
    one, other = np.tile([1.0, 0.0], 100), np.tile([0.0, 1.0], 100)
    weight = np.tile([9.0, 1.0], 100)
    found = difference(
        sample(np.full(200, 0.7), one, np.arange(200), weight), sample(np.full(200, 0.7), other, np.arange(200))
    )
    assert found.accuracy.value == pytest.approx(0.8)


def test_too_few_inputs_are_said_to_be_too_few() -> None:
    few = sample(np.full(20, 0.8), np.ones(20), np.arange(20))
    found = difference(few, few)
    assert (found.method, found.inputs, found.finding) == ("too_few", 20, "unclear")


def test_equal_confidences_differ_beyond_doubt_in_at_most_one_comparison_in_twenty() -> None:
    found = []
    for seed in range(100):
        dice = np.random.default_rng(seed)
        inputs = np.repeat(np.arange(60), 3)
        hard = dice.uniform(0.4, 1, 60)[inputs]
        one, other = (sample(np.round(dice.uniform(0.5, 1, 180), 2), dice.random(180) < hard, inputs) for _ in range(2))
        found.append(difference(one, other).finding != "unclear")
    assert np.mean(found) <= 0.05 + 3 * 0.0218


def test_large_samples_are_drawn_fewer_times() -> None:
    assert (draws_of(100), draws_of(10_000), draws_of(10**7)) == (1_000, 500, 250)
