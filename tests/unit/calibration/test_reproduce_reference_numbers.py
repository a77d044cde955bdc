"""Numbers published with the real data, and those of the design, from real model outputs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import logit

from calibration.core.agreement import agreement
from calibration.core.calibrators import predict
from calibration.core.cells import Cells, cells_of
from calibration.core.costs import Costs, capacity_plan, cost_per_claim, cost_threshold, residual_error
from calibration.core.drift import psi
from calibration.core.fitting import fit_isotonic, fit_platt
from calibration.core.labels import cluster_standard_error, design_effect
from calibration.core.metrics import auroc, brier, ce2_debiased, corp, ece, row_log_loss, smooth_ece
from calibration.core.report import calibration_report
from calibration.core.reviewers import dawid_skene, majority
from calibration.core.select import select_threshold

IMAGENET = ("image_imagenet_resnet34.csv.gz", {})
VGG = ("image_cifar10_vgg_probs.csv.gz", {})
CIFAR10 = ("image_small.csv.gz", {"dataset": "cifar10"})
CIFAR100 = ("image_small.csv.gz", {"dataset": "cifar100"})
BOOLQ = ("boolq_verbalized.csv.gz", {"model": "gpt-4o"})
GPT_MINI = ("mmlu_pro.csv.gz", {"confidence": "conf_verbal_numeric", "model": "gpt-4.1-mini"})
SONNET = ("mmlu_pro.csv.gz", {"confidence": "conf_verbal_numeric", "model": "claude-3-7-sonnet-20250219"})

BOTH_SCORES = ("verbal_numeric", "verbal_linguistic")

Data = tuple[str, dict[str, str]]
Pool = Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]
Rows = Callable[[str], tuple[dict[str, str], ...]]

# data, labels, accuracy, ECE by width and by mass, smooth, Brier, AUROC
METRICS = [
    (IMAGENET, 50_000, 0.7511, 0.0780, 0.0779, 0.0779, 0.1360, 0.8498),
    (VGG, 10_000, 0.9359, 0.0398, 0.0397, 0.0398, 0.0498, 0.9341),
    (CIFAR10, 10_000, 0.9356, 0.0475, 0.0475, 0.0475, 0.0527, 0.9188),
    (CIFAR100, 10_000, 0.7000, 0.2116, 0.2116, 0.2116, 0.2117, 0.8535),
    (BOOLQ, 3_268, 0.8268, 0.0962, 0.0956, 0.0957, 0.1456, 0.6537),
    (GPT_MINI, 11_861, 0.7601, 0.1686, 0.1683, 0.1684, 0.1942, 0.7651),
    (SONNET, 12_030, 0.7815, 0.1196, 0.1183, 0.1190, 0.1639, 0.7554),
]

# data, threshold certified on even ids, share and error rate it gives on odd ids
THRESHOLDS = [
    (IMAGENET, 0.7973, 0.4464, 0.0446),
    (VGG, 0.8970, 0.9342, 0.0319),
    (CIFAR10, 0.9599, 0.9278, 0.0317),
    (CIFAR100, 0.9999, 0.3774, 0.0307),
    (BOOLQ, None, 0.0, None),
    (GPT_MINI, None, 0.0, None),
    (SONNET, None, 0.0, None),
]

# data, slope of a logit map without intercept on even ids (temperature)
TEMPERATURES = [
    (IMAGENET, 0.8400),
    (VGG, 2.0494),
    (CIFAR10, 3.0002),
    (CIFAR100, 4.5910),
    (BOOLQ, 1.6111),
    (GPT_MINI, 2.4535),
    (SONNET, 1.7729),
]


def named(data: Data | float | None) -> str:
    return f"{data[0].split('.')[0]} {' '.join(data[1].values())}" if isinstance(data, tuple) else ""


@pytest.mark.parametrize(("data", "n", "accuracy", "width", "mass", "smooth", "square", "rank"), METRICS, ids=named)
def test_the_metrics_of_real_models(
    pool: Pool,
    data: Data,
    n: int,
    accuracy: float,
    width: float,
    mass: float,
    smooth: float,
    square: float,
    rank: float,
) -> None:
    c, y, _ = pool(data[0], **data[1])
    cells = cells_of(c, y)
    measured = (cells.base_rate, ece(cells, width=True), ece(cells), smooth_ece(cells), brier(cells), auroc(cells))
    assert len(c) == n
    assert measured == pytest.approx((accuracy, width, mass, smooth, square, rank), abs=5.1e-5)
    split = corp(cells)
    assert split.mcb - split.dsc + split.unc == pytest.approx(brier(cells), abs=1e-12)


@pytest.mark.parametrize(("data", "threshold", "share", "risk"), THRESHOLDS, ids=named)
def test_the_thresholds_certified_on_even_ids(
    pool: Pool, data: Data, threshold: float | None, share: float, risk: float | None
) -> None:
    c, y, even = pool(data[0], **data[1])
    selection = select_threshold(cells_of(c[even], y[even]), alpha=0.05)
    if threshold is None:
        assert (selection.threshold, selection.reason) == (None, "no_threshold_meets_target")
        return
    accepted = c[~even] >= selection.threshold
    measured = (selection.threshold, accepted.mean(), 1 - y[~even][accepted].mean())
    assert measured == pytest.approx((threshold, share, risk), abs=5.1e-5)


@pytest.mark.parametrize(("data", "temperature"), TEMPERATURES, ids=named)
def test_at_the_published_temperature_the_log_loss_is_least(pool: Pool, data: Data, temperature: float) -> None:
    c, y, even = pool(data[0], **data[1])
    z, label = logit(np.clip(c[even], 1e-6, 1 - 1e-6)), y[even]

    def loss(t: float) -> float:
        return float(row_log_loss(1 / (1 + np.exp(-z / t)), label, clip=1e-15).sum())

    assert loss(temperature) <= min(loss(temperature - 1e-3), loss(temperature + 1e-3))


def test_the_debiased_error_of_resnet_34(pool: Pool) -> None:
    c, y, _ = pool(*IMAGENET[:1])
    assert ce2_debiased(cells_of(c, y)) ** 0.5 == pytest.approx(0.08434, abs=5e-6)


def test_platt_and_isotonic_on_the_odd_half_of_resnet_34(pool: Pool) -> None:
    c, y, even = pool(*IMAGENET[:1])
    train = cells_of(c[even], y[even])
    platt, isotonic = fit_platt(train, eps=1e-6), fit_isotonic(train)
    assert (platt["slope"], platt["intercept"]) == pytest.approx((1.08218, 0.50585), abs=5e-6)
    held_out: list[Cells] = [cells_of(predict(params, c[~even]), y[~even]) for params in (platt, isotonic)]
    assert [brier(cells) for cells in held_out] == pytest.approx([0.1288, 0.1286], abs=5e-5)
    assert ece(held_out[0], width=True) == pytest.approx(0.0116, abs=1e-4)
    assert ece(held_out[1], width=True) < 0.0105


def test_what_reviewing_costs_on_resnet_34(pool: Pool) -> None:
    c, y, even = pool(*IMAGENET[:1])
    p, right, costs = predict(fit_platt(cells_of(c[even], y[even]), eps=1e-6), c[~even]), y[~even], Costs(10, 1)
    at = cost_threshold(costs)
    assert np.mean(p < at) == pytest.approx(0.59, abs=5e-3)
    calibrated, raw = cost_per_claim(p, right, at, costs), cost_per_claim(c[~even], right, at, costs)
    assert (calibrated, raw) == pytest.approx((0.754, 0.809), abs=5e-4)
    assert cost_per_claim(p, right, 0.0, costs) == pytest.approx(2.451, abs=5e-4)
    assert cost_per_claim(p, right, 1.1, costs) == 1
    for share, errors in ((0.0, 0.245), (0.1, 0.173), (0.2, 0.117), (0.4, 0.045)):
        plan = capacity_plan(p, 1.0, minutes=share * len(p))
        assert residual_error(right, plan.reviewed).rate == pytest.approx(errors, abs=5.1e-4)


# --- coding of claims: repeats, human coders -------------------------------------------------------------------


def coded(real_data: Rows, model: str, level: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    rows = [row for row in real_data("ci_coding.csv.gz") if model in row["model"] and row["prompt_level"] == level]
    values = np.array([(float(row["confidence"]), float(row["correct"])) for row in rows])
    return values[:, 0], values[:, 1], [row["claim_id"] for row in rows]


def test_the_accuracy_of_claim_coding_at_every_prompt_level(real_data: Rows) -> None:
    for model, expected in (
        ("haiku", (0.8354, 0.8035, 0.7991, 0.8000, 0.7920)),
        ("deepseek", (0.7788, 0.7699, 0.7717, 0.7434, 0.7602)),
    ):
        levels = [coded(real_data, model, f"L{level}")[1].mean() for level in range(1, 6)]
        assert levels == pytest.approx(expected, abs=5e-5)


def test_what_accepting_at_080_automates(real_data: Rows) -> None:
    c, y, _ = coded(real_data, "haiku", "L1")
    accepted = c >= 0.80
    overall = (accepted & (y == 1)).mean() + (~accepted).mean()
    assert (accepted.mean(), y[accepted].mean(), overall) == pytest.approx((0.568, 0.906, 0.947), abs=7e-4)


def test_right_closed_bins_of_a_lumpy_confidence(real_data: Rows) -> None:
    c, y, _ = coded(real_data, "haiku", "L3")
    assert ece(cells_of(c, y), bins=5, width=True) == pytest.approx(0.0235, abs=5e-5)


def test_ten_runs_of_a_claim_are_one_piece_of_evidence(real_data: Rows) -> None:
    c, y, claims = coded(real_data, "haiku", "L1")
    assert design_effect(y, claims) == pytest.approx(9.9, abs=0.05)
    assert cluster_standard_error(y, claims) == pytest.approx(0.0348, abs=5e-5)
    report = calibration_report(c, y, fingerprint=claims, draws=200)
    assert (report.n, report.inputs) == (1_130, 113)
    assert report.measures["accuracy"].hi - report.measures["accuracy"].lo == pytest.approx(4 * 0.0348, rel=0.2)
    cells = cells_of(c, y)
    measured = (ece(cells, width=True), ece(cells), smooth_ece(cells), brier(cells), auroc(cells))
    assert measured == pytest.approx((0.0614, 0.0571, 0.0453, 0.1334, 0.6759), abs=5.1e-5)


def test_two_human_coders_agree(real_data: Rows) -> None:
    rows = real_data("ci_coding_human.csv")
    first, second, gold = ([row[key] for row in rows] for key in ("reviewer_1", "reviewer_2", "gold"))
    for one, other, share, kappa in (
        (first, second, 0.947, 0.944),
        (gold, first, 0.912, 0.907),
        (gold, second, 0.938, 0.935),
    ):
        measured = agreement(one, other, draws=20)
        assert (measured.share, measured.kappa) == pytest.approx((share, kappa), abs=5.1e-4)


def test_dawid_skene_beats_the_majority_on_bluebirds(real_data: Rows) -> None:
    rows = real_data("reviewers_bluebirds.csv.gz")
    tasks, reviewers, labels = ([row[key] for row in rows] for key in ("item_id", "reviewer", "label"))
    gold = {row["item_id"]: row["gold"] for row in rows}
    voted = majority(tasks, labels)
    consensus = dawid_skene(tasks, reviewers, labels)
    right = np.mean([gold[str(task)] == label for task, label in zip(consensus.tasks, consensus.labels, strict=True)])
    assert np.mean([voted[task] == answer for task, answer in gold.items()]) == pytest.approx(0.759, abs=5e-4)
    assert right == pytest.approx(0.898, abs=5e-4)
    own = [[row["label"] == row["gold"] for row in rows if row["reviewer"] == name] for name in consensus.reviewers]
    true_accuracy = [np.mean(hits) for hits in own]
    assert np.corrcoef(true_accuracy, consensus.reviewer_accuracy)[0, 1] == pytest.approx(0.975, abs=5e-4)


# --- stated confidence of chat models --------------------------------------------------------------------------


def test_ranking_by_domain_of_deepseek(real_data: Rows) -> None:
    rows = [row for row in real_data("mmlu_verbalized.csv.gz") if row["model"] == "deepseek-ai/deepseek-v3.2"]
    for domain, expected in (
        ("applied_professional", 0.7133),
        ("factual_recall", 0.7693),
        ("formal_reasoning", 0.7691),
        ("humanities", 0.6982),
    ):
        values = [(float(row["confidence"]), float(row["correct"])) for row in rows if row["segment"] == domain]
        assert auroc(cells_of(*zip(*values, strict=True))) == pytest.approx(expected, abs=5e-5)


def test_biology_of_sonnet(real_data: Rows) -> None:
    rows = [row for row in real_data(SONNET[0]) if row["model"] == SONNET[1]["model"] and row["segment"] == "biology"]
    stated, token = (np.array([float(row[f"conf_{kind}"] or "nan") for row in rows]) for kind in BOTH_SCORES)
    usable = (stated >= 0) & (stated <= 1) & (token >= 0) & (token <= 1)
    cells = cells_of(stated[usable], np.array([float(row["correct"]) for row in rows])[usable])
    assert cells.labels == 716
    measured = (cells.base_rate, ece(cells, bins=10, width=True), auroc(cells))
    assert measured == pytest.approx((0.8966, 0.0354, 0.7126), abs=5e-5)


SWAPS = [
    ("gpt-4.1-nano", "gpt-4.1-mini", 1.22, 0.821, 0.812),
    ("claude-3-haiku-20240307", "claude-3-7-sonnet-20250219", 0.11, 0.426, 0.881),
    ("Qwen3-14B", "Qwen3-14B-AWQ", 0.03, 0.743, 0.741),
    ("Meta-Llama-3.1-70B-Instruct-Turbo", "Meta-Llama-3.1-405B-Instruct-Turbo", 0.02, 0.696, 0.827),
]


@pytest.mark.parametrize(("old", "new", "expected", "before", "after"), SWAPS, ids=lambda value: str(value))
def test_what_the_confidences_show_of_a_real_swap(
    pool: Pool, old: str, new: str, expected: float, before: float, after: float
) -> None:
    (c, y, _), (d, z, _) = (pool("mmlu_pro.csv.gz", confidence="conf_verbal_numeric", model=m) for m in (old, new))
    generator = np.random.default_rng(0)
    thousands = [[generator.choice(side, 1_000, replace=False) for side in (c, d)] for _ in range(20)]
    assert np.mean([psi(*pair).value for pair in thousands]) == pytest.approx(expected, rel=0.1, abs=0.01)
    assert (y[c >= 0.9].mean(), z[d >= 0.9].mean()) == pytest.approx((before, after), abs=5e-4)
