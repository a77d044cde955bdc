"""When a calibrator is fitted, on what, and whether it is better beyond doubt. Pure: labels and a policy in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calibration.core.calibrators import CalibratorChoice, fit_calibrator, predict
from calibration.core.cells import cells_of
from calibration.core.labels import in_fit_half
from calibration.core.metrics import auroc, brier, ce2_debiased, ece, log_loss, smooth_ece
from calibration.core.promote import DELTA, Guards, PairedComparison, Verdict, decide, paired_comparison
from calibration.core.segments import Attributes, declared_as, offset_name
from calibration.evidence import LabelledClaim, Labels, Subject
from reviewqueue.policy.document import CalibratorEntry, Policy, thawed

FEWEST_TO_FIT = 30
FEWEST_TO_JUDGE = 100
GROWTH_WHEN_DECIDED = 1.5
GROWTH_WHEN_UNDECIDED = 1.05
"""How many more labels than at the last fit make a new one worth its while. Where the last one was neither proposed
nor rejected, labels are what is missing, so it is tried again soon."""

ACCEPTABLE_ERROR = 0.0005
"""Debiased squared calibration error up to which the stated confidence may be taken as it is."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A calibrator of one subject, and how it did on labels it was not fitted on."""

    subject: Subject
    kind: str
    method: str
    map: dict[str, Any]
    attribute: str | None
    fit_labels: int
    judged_labels: int
    figures: dict[str, Any]
    status: str  # "proposed" or "rejected" or "fitted": undecided, more labels will tell


def proposals(
    policy: Policy,
    rows: Sequence[LabelledClaim],
    *,
    wanted: Mapping[tuple[str, str, str], float],
    attributes: Sequence[Attributes],
) -> list[Proposal]:
    """For every subject that has as many labels as `wanted` for its next fit (none named: the first one)."""
    found = []
    for subject in sorted({row.place.subject for row in rows}):
        own = [row for row in rows if row.place.subject == subject]
        if len(own) < wanted.get(subject, 0):
            continue
        fit = Labels([row for row in own if in_fit_half(row.fingerprint)])
        judge = Labels([row for row in own if not in_fit_half(row.fingerprint)])
        if len(fit) >= FEWEST_TO_FIT and len(judge) >= FEWEST_TO_JUDGE:
            found.append(_proposal(subject, policy.calibrator_of.get(subject), fit, judge, attributes))
    return found


def _proposal(
    subject: Subject, champion: CalibratorEntry | None, fit: Labels, judge: Labels, attributes: Sequence[Attributes]
) -> Proposal:
    choice, attribute = _best_choice(fit, attributes)
    candidate_map: dict[str, Any] = choice.calibrator.params
    champion_map: Any = thawed(champion.map) if champion else {"kind": "identity"}
    new = predict(candidate_map, judge.confidence, segment_names(candidate_map, judge))
    old = predict(champion_map, judge.confidence, segment_names(champion_map, judge))
    comparison = paired_comparison(new, old, judge.right, fingerprint=judge.fingerprint)
    guards = Guards(
        segments=_by_segment(new, old, judge, attributes),
        candidate_error=ce2_debiased(cells_of(new, judge.right)),
        champion_error=ce2_debiased(cells_of(old, judge.right)),
        thresholds_recertified=True,  # bands are measured anew under the draft before it can decide anything
    )
    decision = decide(comparison, guards)
    status = {Verdict.PROMOTE: "proposed", Verdict.REJECT: "rejected", Verdict.KEEP: "fitted"}[decision.verdict]
    reasons = decision.reasons
    if champion is None and choice.name == "identity" and guards.candidate_error <= ACCEPTABLE_ERROR:
        status, reasons = "proposed", ("stated_confidence_holds",)
    return Proposal(
        subject=subject,
        kind=choice.calibrator.kind,
        method=choice.name,
        map=candidate_map,
        attribute=attribute,
        fit_labels=len(fit),
        judged_labels=len(judge),
        figures={
            "champion": {"name": champion.name if champion else "stated confidence", **_figures(old, judge)},
            "candidate": {"name": choice.name, **_figures(new, judge)},
            "comparison": {
                "log_loss_difference": round(comparison.mean, 6),
                "low": round(comparison.lo, 6),
                "high": round(comparison.hi, 6),
                "inputs": comparison.inputs,
            },
            "by_attribute": attribute,
            "verdict": decision.verdict.value if status != "proposed" else "promote",
            "reasons": list(reasons),
            "warnings": list(choice.warnings),
        },
        status=status,
    )


def _best_choice(fit: Labels, attributes: Sequence[Attributes]) -> tuple[CalibratorChoice, str | None]:
    """One choice without segments and one per declaration; the lowest cross-validated log loss on the fit half wins.

    Segment offsets are shrunk towards none, so an attribute that tells nothing costs next to nothing and wins nothing.
    """
    choices: list[tuple[CalibratorChoice, str | None]] = [
        (fit_calibrator(fit.confidence, fit.right, fingerprint=fit.fingerprint), None)
    ]
    for attribute in attributes:
        segment = fit.segment(attribute)
        if len({name for name in segment if name}) < 2:
            continue
        choice = fit_calibrator(fit.confidence, fit.right, segment=segment, fingerprint=fit.fingerprint)
        if "offsets" in choice.calibrator.params:
            choices.append((choice, declared_as(attribute)))
    return min(choices, key=lambda each: _loss(each[0]))


def _loss(choice: CalibratorChoice) -> float:
    return min((score.log_loss for score in choice.scores if score.name == choice.name), default=float("inf"))


def segment_names(params: Mapping[str, object], labels: Labels) -> list[str | None] | None:
    """Each row's segment among those the map treats apart, chosen as routing chooses it; None if it has none."""
    offsets = params.get("offsets")
    if not isinstance(offsets, Mapping):
        return None
    return [offset_name(row.place.category, dict(row.place.segments), offsets) for row in labels.rows]


def _by_segment(new: Any, old: Any, judge: Labels, attributes: Sequence[Attributes]) -> dict[str, PairedComparison]:
    """Segments with enough labels to object. They look together, so they share the chance of a false objection."""
    rows_of: dict[str, list[int]] = {}
    for place, row in enumerate(judge.rows):
        for name in row.place.names_in(attributes):
            rows_of.setdefault(name, []).append(place)
    large = {name: rows for name, rows in sorted(rows_of.items()) if len(rows) >= FEWEST_TO_JUDGE}
    return {
        name: paired_comparison(
            new[rows], old[rows], judge.right[rows], fingerprint=judge.fingerprint[rows], delta=DELTA / len(large)
        )
        for name, rows in large.items()
    }


def _figures(p: Any, judge: Labels) -> dict[str, float | None]:
    cells = cells_of(p, judge.right)
    figures = {
        "log_loss": log_loss(cells),
        "brier": brier(cells),
        "ece": ece(cells),
        "ece_debiased": max(ce2_debiased(cells), 0.0) ** 0.5,
        "smooth_ece": smooth_ece(cells),
        "auroc": auroc(cells),
    }
    return {name: None if value is None else round(value, 6) for name, value in figures.items()}
