"""How golden sets and their runs look in answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from calibration.core.intervals import wilson
from calibration.core.report import HISTOGRAM_BINS
from reviewqueue.claims.selectors import instant

if TYPE_CHECKING:
    from reviewqueue.golden.comparison import Comparison
    from reviewqueue.golden.due import Due
    from reviewqueue.golden.items import Item
    from reviewqueue.golden.models import GoldenRun, GoldenSet, GoldenVersion
    from reviewqueue.golden.services.drafts import Put

MOST_FLIPS: Final = 1_000
_PROMISE: Final = ("band", "route", "allowed", "n", "errors", "error_lower", "error_upper", "worse")


def set_answer(golden_set: Any) -> dict[str, Any]:
    """Of a row of `selectors.sets_of`."""
    return {
        "name": golden_set.name,
        "description": golden_set.description,
        "owner": golden_set.owner.username,
        "every_days": golden_set.every_days,
        "within_days": golden_set.within_days,
        "version": golden_set.in_use,
        "items": golden_set.items or 0,
        "published_at": instant(golden_set.published_at) if golden_set.published_at else None,
        "draft_items": None if golden_set.drafted is None else golden_set.drafted_items or 0,
        "retired": golden_set.retired_at is not None,
    }


def new_set_answer(golden_set: GoldenSet) -> dict[str, Any]:
    return {
        "name": golden_set.name,
        "description": golden_set.description,
        "owner": golden_set.owner.username,
        "every_days": golden_set.every_days,
        "within_days": golden_set.within_days,
        "version": None,
        "items": 0,
        "published_at": None,
        "draft_items": None,
        "retired": False,
    }


def due_answer(due: Due) -> dict[str, Any]:
    return {
        "golden_set": due.golden_set.name,
        "owner": due.owner.username,
        "model": due.model,
        "model_version": due.model_version,
        "prompt_version": due.prompt_version,
        "reason": due.reason,
        "first_seen_at": instant(due.first_seen_at),
        "measured_at": instant(due.measured_at) if due.measured_at else None,
        "due_at": instant(due.due_at),
        "late": due.late,
    }


def put_answer(put: Put) -> dict[str, Any]:
    return {
        "version": put.version.number,
        "added": put.added,
        "replaced": put.replaced,
        "removed": put.removed,
        "items": put.size,
    }


def published_answer(version: GoldenVersion) -> dict[str, Any]:
    return {
        "version": version.number,
        "items": version.size,
        "digest": bytes(version.digest or b"").hex(),
        "published_at": instant(version.published_at) if version.published_at else None,
    }


def question_answer(item: Item) -> dict[str, Any]:
    return {
        "key": item.key,
        "input": item.input,
        "comparison": item.comparison,
        "category": item.category,
        "segments": item.segments,
    }


def run_answer(run: GoldenRun) -> dict[str, Any]:
    over = run.finished_at is not None
    figures = over and run.answered > 0
    low, high = (float(limit) for limit in wilson(run.right, run.answered)) if figures else (None, None)
    return {
        "id": str(run.pk),
        "golden_set": run.golden_set.name,
        "version": run.version.number,
        "model": run.model,
        "model_version": run.model_version,
        "prompt_version": run.prompt_version,
        "elicitation": run.elicitation,
        "state": run.state,
        "items": run.size,
        "answered": run.answered,
        "missing": run.missing,
        "right": run.right if over else None,
        "accuracy": run.right / run.answered if figures else None,
        "low": low,
        "high": high,
        "worse_bands": [promise["band"] for promise in (run.report or {}).get("promises", ()) if promise["worse"]],
        "started_at": instant(run.started_at),
        "finished_at": instant(run.finished_at) if run.finished_at else None,
    }


def run_detail(run: GoldenRun) -> dict[str, Any]:
    report: dict[str, Any] = run.report or {}
    width = 1 / HISTOGRAM_BINS
    return {
        **run_answer(run),
        "accuracy_if_missing_wrong": run.right / run.size if report else None,
        "accuracy_if_missing_right": (run.right + run.missing) / run.size if report else None,
        "inputs": report.get("inputs", 0),
        "intervals": run.exact_report and bool(report.get("draws")),
        "measures": {
            name: {"value": measure["value"], "low": measure["lo"], "high": measure["hi"], "note": measure["note"]}
            for name, measure in report.get("measures", {}).items()
        },
        "reliability": [
            {
                "low": each["low"],
                "high": each["high"],
                "n": round(each["n"]),
                "mean_confidence": each["mean_confidence"],
                "accuracy": each["accuracy"],
                "ci_low": each["lo"],
                "ci_high": each["hi"],
            }
            for each in report.get("reliability", ())
        ],
        "histogram": [
            {"low": round(place * width, 4), "high": round((place + 1) * width, 4), "n": round(n)}
            for place, n in enumerate(report.get("histogram", ()))
        ],
        "segments": report.get("segments", []),
        "promises": [{name: promise[name] for name in _PROMISE} for promise in report.get("promises", ())],
        "policy_version": report.get("policy_version"),
    }


def comparison_answer(found: Comparison) -> dict[str, Any]:
    return {
        "run": run_answer(found.run),
        "before": run_answer(found.before),
        "common": found.common,
        "accuracy_before": found.accuracy_before,
        "accuracy_now": found.accuracy_now,
        "lost": found.lost,
        "gained": found.gained,
        "p_value": found.p_value,
        "verdict": found.answers_verdict,
        "log_loss": found.log_loss
        and {
            "difference": found.log_loss.mean,
            "low": found.log_loss.lo,
            "high": found.log_loss.hi,
            "verdict": found.confidence_verdict,
        },
        "flips": [
            {
                "key": flip.key,
                "right_now": flip.right_now,
                "confidence_before": flip.confidence_before,
                "confidence_now": flip.confidence_now,
            }
            for flip in found.flips[:MOST_FLIPS]
        ],
    }
