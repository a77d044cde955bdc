"""How calibration, thresholds and drift look in answers."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from reviewqueue.claims.selectors import instant

if TYPE_CHECKING:
    from calibration.certifying import Certificate
    from calibration.findings import Found
    from calibration.models import Monitor
    from calibration.selectors import Reliability

FIGURES: Final = ("n", "ece", "ece_debiased", "smooth_ece", "mce", "brier", "log_loss", "auroc", "aurc", "held_out")


def calibration_answer(measured: Reliability) -> dict[str, Any]:
    return {
        **{name: getattr(measured, name) for name in FIGURES},
        "reliability": [asdict(each) for each in measured.bins],
        "histogram": [asdict(each) for each in measured.histogram],
    }


def threshold_answer(certificate: Certificate) -> dict[str, Any]:
    selection = certificate.selection
    return {
        **certificate.subject._asdict(),
        "threshold": selection.threshold,
        "reason": selection.reason,
        "labels_missing": selection.labels_missing,
        "n_labelled": certificate.labels,
        "n_accepted": selection.n,
        "n_errors": selection.errors,
        "error_upper": selection.upper,
        "coverage": selection.coverage,
        "reviewer_load": {"share": certificate.review_share, "claims_per_day": certificate.reviews_a_day},
    }


def finding_answer(found: Found) -> dict[str, Any]:
    figures = found.figures
    return {
        **found.subject._asdict(),
        "kind": found.kind,
        "found_at": instant(found.found_at),
        "band": found.band,
        "calibrator": found.calibrator,
        "claims_before": figures.get("claims_before"),
        "claims_now": figures.get("claims_now"),
        "psi": _divided(figures.get("psi_thousandths"), 1_000),
        "distance": _divided(figures.get("distance_ppm"), 1_000_000),
        "suspected_swap": bool(figures.get("suspected_swap")),
        "labelled": figures.get("labelled"),
        "wrong": figures.get("wrong"),
        "recent_labelled": figures.get("recent_labelled"),
        "recent_wrong": figures.get("recent_wrong"),
        "allowed_error": _divided(figures.get("allowed_ppm"), 1_000_000),
        "direction": figures.get("direction"),
        "window_from": _moment(figures["window_from_us"]),
        "window_to": _moment(figures["window_to_us"]),
        "breaker": found.breaker,
        "open": found.is_open,
    }


def monitor_answer(row: Monitor) -> dict[str, Any]:
    return {
        "model": row.model,
        "model_version": row.model_version,
        "prompt_version": row.prompt_version,
        "kind": row.kind,
        "band": row.band or None,
        "calibrator": row.calibrator,
        "labels": row.labels,
        "wrong": row.wrong,
        "allowed_error": row.rule["allowed"],
        "statistic": row.statistic,
        "threshold": row.threshold,
        "signal": row.signal,
        "direction": row.direction or None,
        "since": _moment(row.rule["since_us"]),
        "newest_label_at": instant(row.newest_at) if row.newest_at else None,
    }


def _divided(count: int | None, by: int) -> float | None:
    return None if count is None else count / by


def _moment(microseconds: int) -> str:
    return instant(datetime.fromtimestamp(microseconds / 1_000_000, UTC))
