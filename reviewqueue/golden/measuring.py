"""The figures of a golden run: a function of its answers, of its items, and of the policy that was active at its end.

Golden inputs are chosen, and the claims of a pipeline are not like them: nothing here gives a band its state.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np

from calibration.core.intervals import FloatArray, cp_lower, cp_upper, wilson
from calibration.core.report import DRAWS, calibration_report
from calibration.core.segments import single_names
from reviewqueue.golden.models import GoldenAnswer, GoldenRun
from reviewqueue.policy.document import Band
from reviewqueue.policy.facts import Facts
from reviewqueue.policy.routing import place
from reviewqueue.policy.selectors import ActivePolicy

DELTA: Final = 0.05
"""The chance that any band of a run is called worse than promised although it is not."""

SEED: Final = 0
MOST_SEGMENTS: Final = 200


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer with what its item says of where it belongs."""

    key: str
    item_id: int
    confidence: float
    right: bool
    signals: Mapping[str, float]
    fingerprint: bytes
    category: str
    segments: Mapping[str, str]


@dataclass(frozen=True)
class Answers:
    """The answers of a run in the order of the items."""

    rows: Sequence[Answered] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def confidence(self) -> FloatArray:
        return np.array([row.confidence for row in self.rows], dtype=float)

    @cached_property
    def right(self) -> FloatArray:
        return np.array([row.right for row in self.rows], dtype=float)

    @cached_property
    def fingerprint(self) -> list[str]:
        return [row.fingerprint.hex() for row in self.rows]


def answers_of(run: GoldenRun) -> Answers:
    rows = (
        GoldenAnswer.objects.filter(run=run)
        .order_by("item__place", "item_id")
        .values_list(
            *("item__key", "item_id", "confidence", "right", "signals"),
            *("item__fingerprint", "item__category", "item__segments"),
        )
    )
    return Answers([_answered(*row) for row in rows])


def _answered(key: str, item_id: int, confidence: float, right: bool, signals: Any, *item: Any) -> Answered:
    fingerprint, category, segments = item
    return Answered(key, item_id, confidence, right, signals, bytes(fingerprint), category, segments)


def measured(answers: Answers, *, draws: int) -> dict[str, Any]:
    """Metrics, reliability, histogram and segments, as they are stored. `draws=0` leaves the intervals out."""
    report = calibration_report(
        answers.confidence, answers.right, fingerprint=answers.fingerprint, draws=draws, seed=SEED
    )
    return {
        "draws": draws,
        "seed": SEED,
        "inputs": report.inputs,
        "measures": {name: asdict(measure) for name, measure in report.measures.items()},
        "reliability": [asdict(each) for each in report.reliability],
        "histogram": list(report.histogram),
        "most_common_share": report.most_common_share,
        "segments": list(_segments(answers)),
    }


def with_intervals(answers: Answers) -> dict[str, Any]:
    """`measured` with bootstrap intervals: seconds of work, for a sweep."""
    return measured(answers, draws=DRAWS if len(answers) else 0)


def _segments(answers: Answers) -> Iterator[dict[str, Any]]:
    """Each with its answers, the largest first."""
    found: dict[str, list[Answered]] = defaultdict(list)
    for row in answers.rows:
        for name in single_names(row.category or None, row.segments):
            found[name].append(row)
    for name, rows in sorted(found.items(), key=lambda each: (-len(each[1]), each[0]))[:MOST_SEGMENTS]:
        n, right = len(rows), sum(row.right for row in rows)
        low, high = wilson(right, n)
        mean = sum(row.confidence for row in rows) / n
        yield {
            "segment": name,
            "n": n,
            "right": right,
            "accuracy": right / n,
            "low": float(low),
            "high": float(high),
            "mean_confidence": mean,
        }


def promises(answers: Answers, run: GoldenRun, active: ActivePolicy | None) -> list[dict[str, Any]]:
    """What each band that promises an accuracy would have let through of these inputs, with exact limits.

    A band is worse than promised when even the lower limit of its error rate, exact and shared out among the bands, is
    above what the policy allows. In a band that rejects, the right outputs are the errors.
    """
    if active is None:
        return []
    promising = {band.key: band for band in active.policy.bands if band.required_accuracy is not None}
    counts: dict[str, list[int]] = {key: [0, 0] for key in promising}
    for row in answers.rows:
        band = place(_facts(row, run), active.policy).band
        if band is not None and band.key in counts:
            counts[band.key][0] += 1
            counts[band.key][1] += row.right if band.route == "reject" else not row.right
    return [_promise(band, *counts[key], delta=DELTA / len(promising)) for key, band in promising.items()]


def _promise(band: Band, n: int, errors: int, *, delta: float) -> dict[str, Any]:
    allowed = 1 - float(band.required_accuracy or 0.0)
    lower, upper = float(cp_lower(errors, n, delta=delta)), float(cp_upper(errors, n, delta=delta))
    return {
        "band": band.key,
        "route": band.route,
        "allowed": allowed,
        "n": n,
        "errors": errors,
        "error_lower": lower,
        "error_upper": upper,
        "worse": n > 0 and lower > allowed,
    }


def _facts(row: Answered, run: GoldenRun) -> Facts:
    """As if it had been claimed, for the calibration map and the band alone."""
    return Facts(
        model=run.model,
        model_version=run.model_version,
        prompt_version=run.prompt_version,
        category=row.category or None,
        confidence=row.confidence,
        audit_u=0.0,
        segments=row.segments,
        signals=row.signals,
    )
