"""The figures of signals as JSON values: what the REST edge answers with, and what the page gives away as a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from calibration.core.ranking import Ranking
    from reviewqueue.reports.signal_models import SignalModel
    from reviewqueue.reports.signals import SignalReport, SignalRow


def signal_figures(report: SignalReport, models: Sequence[SignalModel]) -> dict[str, Any]:
    return {
        "claims": report.claims,
        "labels": report.labels,
        "confidence": _ranking(report.confidence.ranking),
        "signals": [_signal(row) for row in report.signals],
        "not_shown": report.not_shown,
        "models": [asdict(model) for model in models],
    }


def _signal(row: SignalRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "declared": dict(row.declared) if row.declared else None,
        "derived": row.is_derived,
        "carried": row.carried,
        "labels": row.labels,
        "ranking": _ranking(row.ranking),
        "histogram": [
            {"low": each.low, "high": each.high, "right": each.right, "wrong": each.wrong} for each in row.histogram
        ],
        "rules": [{"rule": use.rule.name, "decisive": use.decisive} for use in row.uses],
    }


def _ranking(found: Ranking | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"auroc": found.value, "low": found.low, "high": found.high, "finding": found.finding}
