"""When a calibrator is fitted, on what, and whether it is better beyond doubt. Pure: labels and a policy in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from calibration.core.calibrators import CalibratorChoice, fit_calibrator, predict
from calibration.core.cells import cells_of
from calibration.core.labels import in_fit_half
from calibration.core.maps import reads_signals
from calibration.core.metrics import auroc, brier, ce2_debiased, ece, log_loss, smooth_ece
from calibration.core.promote import (
    DELTA,
    LABEL_LIMIT,
    Guards,
    PairedComparison,
    Verdict,
    decide,
    paired_comparison,
)
from calibration.core.segments import Attributes, declared_as
from calibration.evidence import LabelledClaim, Labels, Subject, segment_names
from calibration.explaining import figures_of_signals
from reviewqueue.policy.document import CalibratorEntry, Policy, thawed

FEWEST_TO_FIT = 30
FEWEST_TO_JUDGE = 100
GROWTH = 1.5
GROWTH_WHEN_UNDECIDED = 1.3
"""How many times the labels of the last fit there have to be before the next one is worth its while. Where that one was
judged and left undecided, labels are what is missing."""

FIRST_LOOKS = 8
"""Fits until the label limit while nothing decides, each growth step one: they share the chance of a false "better"."""

LOOKS = (100, 200, 400, 800, 1_600, LABEL_LIMIT)
"""At how many labels a candidate in shadow is judged: one look each, and all share the chance of a mistake."""

ACCEPTABLE_ERROR = 0.0005
"""Debiased squared calibration error up to which the stated confidence may be taken as it is."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A calibrator of one subject. While no band of it decides, it is judged on the other half of the inputs; later
    ones go into shadow, and nothing is known of them yet."""

    subject: Subject
    kind: str
    method: str
    map: dict[str, Any]
    attribute: str | None
    fit_labels: int
    judged_labels: int
    figures: dict[str, Any]
    status: str  # "proposed" or "rejected" or "fitted": undecided, more labels will tell; or "shadow"
    champion: str = ""
    looks: int = 0


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a candidate did against the calibrator in use, on labels that neither was fitted on."""

    status: str
    figures: dict[str, Any]


def proposals(
    policy: Policy,
    rows: Sequence[LabelledClaim],
    *,
    wanted: Mapping[tuple[str, str, str], float],
    attributes: Sequence[Attributes],
    higher_is: Mapping[str, str] | None = None,
    looks: Mapping[tuple[str, str, str], int] | None = None,
    deciding: Collection[tuple[str, str, str]] = (),
) -> list[Proposal]:
    """For every subject that has as many labels as `wanted` for its next fit (none named: the first one).

    `higher_is` says which way each signal points that a map may look at: "better" or "riskier"; `deciding` names the
    subjects of which a band decides by itself; `looks` says how often a candidate was judged at once before.
    """
    found = []
    for subject in sorted({row.place.subject for row in rows}):
        own = [row for row in rows if row.place.subject == subject]
        if len(own) < wanted.get(subject, 0):
            continue
        fit = Labels([row for row in own if in_fit_half(row.fingerprint)])
        judge = Labels([row for row in own if not in_fit_half(row.fingerprint)])
        if len(fit) >= FEWEST_TO_FIT and len(judge) >= FEWEST_TO_JUDGE:
            champion = policy.calibrator_of.get(subject)
            looked = None if champion and subject in deciding else (looks or {}).get(subject, 0)
            found.append(_proposal(subject, champion, fit, judge, attributes, higher_is or {}, looked))
    return found


def _proposal(
    subject: Subject,
    champion: CalibratorEntry | None,
    fit: Labels,
    judge: Labels,
    attributes: Sequence[Attributes],
    higher_is: Mapping[str, str],
    looked: int | None,
) -> Proposal:
    """Judged at once, after so many looks before; with None it goes into shadow."""
    if champion is not None and looked is None:
        choice, attribute = _best_choice(fit, attributes, higher_is)
        named = {"champion": {"name": champion.name}, "candidate": {"name": choice.name}}
        judged, looks = Judgement("shadow", named), 0
    else:
        choice, attribute, judged = _chosen_at_once(champion, fit, judge, attributes, higher_is)
        looks = (looked or 0) + 1
    fitted = {
        "by_attribute": attribute,
        "warnings": list(choice.warnings),
        **figures_of_signals(choice, fit, higher_is, segment_names(choice.calibrator.params, fit.places)),
    }
    return Proposal(
        subject=subject,
        kind=choice.calibrator.kind,
        method=choice.name,
        map=choice.calibrator.params,
        attribute=attribute,
        fit_labels=len(fit),
        judged_labels=len(judge) if looks else 0,
        figures={**judged.figures, **fitted},
        status=judged.status,
        champion=champion.name if champion else "",
        looks=looks,
    )


def _chosen_at_once(
    champion: CalibratorEntry | None,
    fit: Labels,
    judge: Labels,
    attributes: Sequence[Attributes],
    higher_is: Mapping[str, str],
) -> tuple[CalibratorChoice, str | None, Judgement]:
    """The choice and how it was judged; where one of signals is not proposed, the best of the confidence alone is tried
    in its place. The two share the chance of a mistake."""
    delta = DELTA / FIRST_LOOKS
    choice, attribute = _best_choice(fit, attributes, higher_is)
    if not reads_signals(choice.calibrator.params):
        return choice, attribute, _at_once(choice, champion, judge, attributes, delta)
    judged = _at_once(choice, champion, judge, attributes, delta / 2)
    if judged.status != "proposed":
        plain, by = _best_choice(fit, attributes, {})
        second = _at_once(plain, champion, judge, attributes, delta / 2)
        if second.status == "proposed":
            return plain, by, second
    return choice, attribute, judged


def _at_once(
    choice: CalibratorChoice,
    champion: CalibratorEntry | None,
    judge: Labels,
    attributes: Sequence[Attributes],
    delta: float,
) -> Judgement:
    judged = judgement(choice.calibrator.params, choice.name, champion, judge, attributes, delta=delta)
    error = judged.figures["candidate"]["ece_debiased"]
    if champion is None and choice.name == "identity" and error**2 <= ACCEPTABLE_ERROR:
        return Judgement("proposed", {**judged.figures, "verdict": "promote", "reasons": ["stated_confidence_holds"]})
    return Judgement("fitted" if judged.status == "shadow" else judged.status, judged.figures)


def judgement(
    candidate: Mapping[str, Any],
    method: str,
    champion: CalibratorEntry | None,
    judge: Labels,
    attributes: Sequence[Attributes],
    *,
    delta: float,
    regions: Sequence[str] | None = None,
    recertified: Callable[[], bool] = lambda: True,
) -> Judgement:
    """Proposed, rejected, or left in shadow. `regions` names the band of each label where its accuracy counts apart.

    `recertified` tells whether every band that decides now would decide under the candidate: asked only if it matters.
    """
    champion_map: Any = thawed(champion.map) if champion else {"kind": "identity"}
    new, old = predicted(candidate, judge), predicted(champion_map, judge)
    comparison = paired_comparison(new, old, judge.right, fingerprint=judge.fingerprint, delta=delta)
    guards = Guards(
        segments=_by_segment(new, old, judge, attributes, regions, delta),
        candidate_error=ce2_debiased(cells_of(new, judge.right)),
        champion_error=ce2_debiased(cells_of(old, judge.right)),
        thresholds_recertified=True,
    )
    decision = decide(comparison, guards)
    if decision.verdict == Verdict.PROMOTE and not recertified():
        decision = decide(comparison, replace(guards, thresholds_recertified=False))
    figures = {
        "champion": {"name": champion.name if champion else "stated confidence", **_figures(old, judge)},
        "candidate": {"name": method, **_figures(new, judge)},
        "comparison": _compared(comparison),
        "verdict": decision.verdict.value,
        "reasons": list(decision.reasons),
    }
    status = {Verdict.PROMOTE: "proposed", Verdict.REJECT: "rejected", Verdict.KEEP: "shadow"}[decision.verdict]
    return Judgement(status, figures)


def judging_labels(rows: Sequence[LabelledClaim], subject: Subject, fitted_at: datetime) -> Labels:
    """Labels that may judge a candidate in shadow: of the half that certifies, and given after the fit."""
    return Labels(
        [
            row
            for row in rows
            if row.place.subject == subject and row.settled_at > fitted_at and not in_fit_half(row.fingerprint)
        ]
    )


def looks_due(labels: int) -> int:
    """How many looks this many labels allow."""
    return sum(labels >= look for look in LOOKS)


def reversal(old: CalibratorEntry, new: CalibratorEntry, judge: Labels) -> PairedComparison:
    """The calibrator that was replaced against the one that replaced it: `better` says that it would do better."""
    maps: list[Any] = [thawed(old.map), thawed(new.map)]
    p, q = (predicted(each, judge) for each in maps)
    return paired_comparison(p, q, judge.right, fingerprint=judge.fingerprint, delta=DELTA / len(LOOKS))


def _compared(comparison: PairedComparison) -> dict[str, Any]:
    return {
        "log_loss_difference": round(comparison.mean, 6),
        "low": round(comparison.lo, 6),
        "high": round(comparison.hi, 6),
        "inputs": comparison.inputs,
    }


def predicted(params: Mapping[str, object], labels: Labels) -> Any:
    """What a map makes of labelled claims, as routing would have."""
    return predict(params, labels.confidence, segment_names(params, labels.places), labels.signals_of(params))


def _best_choice(
    fit: Labels, attributes: Sequence[Attributes], higher_is: Mapping[str, str]
) -> tuple[CalibratorChoice, str | None]:
    """One choice without segments and one per declaration; the lowest cross-validated log loss on the fit half wins.

    Segment offsets are shrunk towards none, so an attribute that tells nothing costs next to nothing and wins nothing.
    Each of them may look at signals.
    """
    signals = fit.signals(higher_is)
    choices: list[tuple[CalibratorChoice, str | None]] = [
        (fit_calibrator(fit.confidence, fit.right, fingerprint=fit.fingerprint, signals=signals), None)
    ]
    for attribute in attributes:
        segment = fit.segment(attribute)
        if len({name for name in segment if name}) < 2:
            continue
        choice = fit_calibrator(
            fit.confidence, fit.right, segment=segment, fingerprint=fit.fingerprint, signals=signals
        )
        if "offsets" in choice.calibrator.params:
            choices.append((choice, declared_as(attribute)))
    return min(choices, key=lambda each: _loss(each[0]))


def _loss(choice: CalibratorChoice) -> float:
    return min((score.log_loss for score in choice.scores if score.name == choice.name), default=float("inf"))


def _by_segment(
    new: Any, old: Any, judge: Labels, attributes: Sequence[Attributes], regions: Sequence[str] | None, delta: float
) -> dict[str, PairedComparison]:
    """Segments (and bands that decide) with enough labels to object. They share the chance of a false objection, which
    is that of this look: over many looks chance would find a segment to object sooner or later."""
    rows_of: dict[str, list[int]] = {}
    for place, row in enumerate(judge.rows):
        band = [f"band {regions[place]}"] if regions and regions[place] else []
        for name in (*row.place.names_in(attributes), *band):
            rows_of.setdefault(name, []).append(place)
    large = {name: rows for name, rows in sorted(rows_of.items()) if len(rows) >= FEWEST_TO_JUDGE}
    return {
        name: paired_comparison(
            new[rows], old[rows], judge.right[rows], fingerprint=judge.fingerprint[rows], delta=delta / len(large)
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
