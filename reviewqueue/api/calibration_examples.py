"""What answers about calibration, thresholds and drift look like, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

_SUBJECT: Final = {"model": "acme-lm", "model_version": "2026-10-01", "prompt_version": "v14"}
CALIBRATION: Final[dict[str, Any]] = {
    "results": [
        {
            **_SUBJECT,
            "confidence": "stated",
            "calibrator": None,
            "n": 640,
            "ece": 0.1183,
            "ece_debiased": 0.0152,
            "smooth_ece": 0.119,
            "mce": 0.214,
            "brier": 0.1639,
            "log_loss": 0.61,
            "auroc": 0.7554,
            "aurc": 0.121,
            "reliability": [
                {
                    "low": 0.9,
                    "high": 0.95,
                    "n": 310,
                    "mean_confidence": 0.941,
                    "accuracy": 0.832,
                    "ci_low": 0.786,
                    "ci_high": 0.87,
                }
            ],
            "histogram": [{"low": 0.9, "high": 0.95, "n": 310}],
            "held_out": True,
        }
    ]
}
THRESHOLDS: Final[dict[str, Any]] = {
    "max_error": 0.05,
    "confidence": 0.95,
    "results": [
        {
            **_SUBJECT,
            "threshold": 0.92,
            "reason": None,
            "labels_missing": 0,
            "n_labelled": 640,
            "n_accepted": 371,
            "n_errors": 8,
            "error_upper": 0.0436,
            "coverage": 0.575,
            "reviewer_load": {"share": 0.425, "claims_per_day": 170.0},
        }
    ],
}
_NOTHING_COUNTED: Final[dict[str, Any]] = {
    "band": None,
    "calibrator": None,
    "claims_before": None,
    "claims_now": None,
    "psi": None,
    "distance": None,
    "suspected_swap": False,
    "labelled": None,
    "wrong": None,
    "recent_labelled": None,
    "recent_wrong": None,
    "allowed_error": None,
    "direction": None,
}
DRIFT: Final[dict[str, Any]] = {
    "results": [
        {
            **_SUBJECT,
            **_NOTHING_COUNTED,
            "kind": "outcome",
            "found_at": "2026-11-20T16:20:00.000Z",
            "band": "0.90-1.00",
            "calibrator": "isotonic-3",
            "labelled": 410,
            "wrong": 31,
            "recent_labelled": 100,
            "recent_wrong": 17,
            "allowed_error": 0.03,
            "window_from": "2026-11-02T09:00:00.000Z",
            "window_to": "2026-11-20T16:19:00.000Z",
            "breaker": 8,
            "open": True,
        },
        {
            **_SUBJECT,
            **_NOTHING_COUNTED,
            "kind": "confidence",
            "found_at": "2026-11-20T14:10:00.000Z",
            "claims_before": 5210,
            "claims_now": 402,
            "psi": 0.44,
            "distance": 0.061,
            "window_from": "2026-11-19T14:10:00.000Z",
            "window_to": "2026-11-20T14:10:00.000Z",
            "breaker": 7,
            "open": False,
        },
    ],
    "monitors": [
        {
            **_SUBJECT,
            "kind": "outcome",
            "band": "0.90-1.00",
            "calibrator": "isotonic-3",
            "labels": 410,
            "wrong": 31,
            "allowed_error": 0.03,
            "statistic": 104_233.0,
            "threshold": 36_000.0,
            "signal": "alarm",
            "direction": None,
            "since": "2026-11-02T09:00:00.000Z",
            "newest_label_at": "2026-11-20T16:19:00.000Z",
        }
    ],
}
