"""What the answer about signals looks like, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

_RANKING: Final = {"auroc": 0.74, "low": 0.69, "high": 0.79, "finding": "ranks"}
_INPUT: Final = {
    "name": "token_probability",
    "carried": 0.99,
    "odds": 1.1,
    "low": 0.98,
    "high": 0.9999,
    "usual_odds": 1.9,
    "missing_odds": 0.28,
    "loss": 0.0216,
    "standard_error": 0.0055,
    "share": 0.45,
}
SIGNALS: Final[dict[str, Any]] = {
    "claims": 5200,
    "labels": 1480,
    "confidence": {"auroc": 0.65, "low": 0.61, "high": 0.69, "finding": "ranks"},
    "signals": [
        {
            "name": "token_probability",
            "declared": {
                "family": "internal",
                "elicitation": "logprob",
                "higher_is": "better",
                "description": "Of the answer's first token.",
            },
            "derived": False,
            "carried": 0.99,
            "labels": 1465,
            "ranking": _RANKING,
            "histogram": [{"low": 0.9, "high": 1.0, "right": 1150, "wrong": 190}],
            "rules": [{"rule": "unsure-of-itself", "decisive": 14}],
        }
    ],
    "not_shown": 0,
    "models": [
        {
            "model": "acme-lm",
            "model_version": "2026-10-01",
            "prompt_version": "v14",
            "calibrator": "combined-7",
            "kind": "combined",
            "standing": "in_use",
            "policy_version": 5,
            "labels": 740,
            "log_loss": 0.4152,
            "without": "platt_1e-06",
            "log_loss_without": 0.4376,
            "inputs": [_INPUT],
        }
    ],
}
