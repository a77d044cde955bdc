"""How calibration, thresholds and drift look in answers."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from reviewqueue.claims.selectors import instant

if TYPE_CHECKING:
    from calibration.certifying import Certificate
    from calibration.selectors import Reliability
    from reviewqueue.policy.models import Breaker

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


def finding_answer(breaker: Breaker) -> dict[str, Any]:
    figures = breaker.figures
    return {
        "model": breaker.model,
        "model_version": breaker.model_version,
        "prompt_version": breaker.prompt_version,
        "found_at": instant(breaker.tripped_at),
        "claims_before": figures["claims_before"],
        "claims_now": figures["claims_now"],
        "psi": figures["psi_thousandths"] / 1_000,
        "distance": figures["distance_ppm"] / 1_000_000,
        "window_from": _moment(figures["window_from_us"]),
        "window_to": _moment(figures["window_to_us"]),
        "breaker": breaker.pk,
        "open": breaker.is_open,
    }


def _moment(microseconds: int) -> str:
    return instant(datetime.fromtimestamp(microseconds / 1_000_000, UTC))
