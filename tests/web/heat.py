"""Statistics of segments as sweeps would have stored them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from calibration.models import BandStat, SliceSearch
from calibration.slicing import slice_name
from tests.world import MODEL, World

PAIR = [["category", "pricing"], ["segment:language", "de"]]


def measured(world: World, segment: str, band: str, **figures: Any) -> BandStat:
    usual = {
        **{"n_routed": 400, "n_sampled": 200, "n_labelled": 200, "n_right": 190, "mean_confidence": 0.95},
        **{"accuracy": 0.95, "low": 0.91, "high": 0.97, "level": 0.95, "error_upper": 0.08, "gate_labels": 200},
        **{"required": 0.9 if band == "0.90-1.00" else None, "state": "validated", "method": "wilson"},
    }
    return BandStat.objects.create(
        policy_version=world.policy,
        pipeline=world.pipeline,
        segment=segment,
        band=band,
        **MODEL,
        **{**usual, **figures},
    )


def heat_of(world: World) -> None:
    measured(world, "language=en", "0.90-1.00")
    measured(world, "language=en", "")
    measured(world, "language=de", "0.90-1.00", accuracy=0.7, low=0.63, high=0.76, error_upper=0.37, state="failed")
    measured(world, "language=de", "", accuracy=0.7, low=0.63, high=0.76)
    measured(world, "category=pricing & language=fr", "0.90-1.00", n_labelled=9, gate_labels=9, error_upper=0.28)
    measured(world, "language=it", "0.90-1.00", accuracy=0.92, low=0.86, high=0.96, error_upper=0.13)
    measured(world, "language=it", "0.60-0.90", low=0.93, high=0.97)
    SliceSearch.objects.create(
        pipeline=world.pipeline,
        searched_at=timezone.now(),
        next_at=timezone.now() + timedelta(hours=1),
        seen="",
        outcomes=1_400,
        labels=1_400,
        looked_at=120,
        tested=9,
        slices=[
            {
                **{"facts": PAIR, "kind": "errors", "inputs": 80, "confidence": 0.9, "accuracy": 0.59, "value": 0.41},
                **{"low": 0.3, "high": 0.52, "rest": 0.12, "p": 0.0004, "name": slice_name(PAIR)},
            }
        ],
        inversions=[
            {
                **MODEL,
                "kind": "segments",
                "surer": side("language=de", 0.93, 0.71),
                "other": side("language=en", 0.88, 0.84),
                "auroc": None,
                "p": 0.01,
            }
        ],
    )


def side(segment: str, confidence: float, accuracy: float) -> dict[str, Any]:
    return {
        **{"segment": segment, "low": 0.5, "high": 1.0, "inputs": 300},
        **{"confidence": confidence, "accuracy": accuracy},
    }
