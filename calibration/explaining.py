"""What signals added when a calibrator was fitted, as the figures kept with it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from calibration.core.calibrators import CalibratorChoice
from calibration.core.contributions import contributions
from calibration.core.resampling import cluster_numbers
from calibration.evidence import Labels

LOOK_AT_SIGNALS: Final = frozenset({"combined", "segmented_combined", "boosted"})


def figures_of_signals(
    choice: CalibratorChoice, fit: Labels, higher_is: Mapping[str, str], segment: Sequence[str | None] | None = None
) -> dict[str, Any]:
    """Nothing where no signal was tried; else how the best map with signals did beside the best without, and what each
    input adds to the chosen map if it is one of several."""
    with_signals = [score for score in choice.scores if score.name in LOOK_AT_SIGNALS]
    if not with_signals:
        return {}
    best = min(with_signals, key=lambda score: score.log_loss)
    plain = min((score for score in choice.scores if score not in with_signals), key=lambda score: score.log_loss)
    found: dict[str, Any] = {
        "with_signals": {
            "name": best.name,
            "log_loss": round(best.log_loss, 6),
            "without": plain.name,
            "log_loss_without": round(plain.log_loss, 6),
        }
    }
    if choice.name in LOOK_AT_SIGNALS:
        cluster = cluster_numbers(fit.fingerprint, len(fit))
        names = np.array(["" if name is None else name for name in segment]) if segment else None
        params, signals = choice.calibrator.params, fit.signals(higher_is)
        each = contributions(params, fit.confidence, fit.right, signals, cluster, segment=names)
        found["contributions"] = [
            {key: round(value, 6) if isinstance(value, float) else value for key, value in asdict(one).items()}
            for one in each
        ]
    return found
