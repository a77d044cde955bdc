"""Slices of a pipeline's labels as the statistics want them: weighted for display, thinned for a promise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple, cast

import numpy as np

from calibration.core.calibrators import predict
from calibration.core.cells import Cells, cells_of_counts
from calibration.core.intervals import FloatArray
from calibration.evidence import Atom, Subject, atoms, fitting_times, segment_names
from calibration.measuring import BY_CONFIDENCE, Places, certification_window, may_certify, strata_of
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.document import CalibratorEntry, Policy, thawed
from reviewqueue.policy.selectors import active_policy


@dataclass(frozen=True, slots=True)
class Slice:
    """Which claims: of one subject (None: of every one), in one segment ("language=en"), of one way of asking for the
    confidence, received from one day to another, both included (UTC)."""

    subject: Subject | None = None
    segment: str = ""
    elicitation: str = ""
    since: date | None = None
    until: date | None = None


class Weighted(NamedTuple):
    """Cells in which every label stands for the claims it was drawn from, with the labels and inputs behind them."""

    cells: Cells
    labels: int
    inputs: int


class Gate(NamedTuple):
    """What a threshold is tested on: an equal-probability sample, and the traffic its grid is taken from."""

    sample: Cells
    traffic: Cells


def display_cells(
    pipeline: Pipeline, slice: Slice, *, calibrated_by: CalibratorEntry | None = None, held_out: bool = True
) -> Cells:
    """Labels by confidence, each weighing one over its chance of having been drawn, for metrics and diagrams.

    Together they weigh as many equal labels as they are worth (Kish). The confidence is the stated one, or what the
    entry makes of it, for the entry's own subject. `held_out` leaves out what the entry was fitted on; without one,
    what the calibrator that the active policy has for the subject was fitted on, so that both can be compared.
    """
    return weighted_cells(pipeline, slice, calibrated_by=calibrated_by, held_out=held_out).cells


def weighted_cells(
    pipeline: Pipeline,
    slice: Slice,
    *,
    calibrated_by: CalibratorEntry | None = None,
    held_out: bool = True,
    held_out_of: CalibratorEntry | None = None,
) -> Weighted:
    """`display_cells`, and how many labels there are. `held_out_of` names whose fit it is that labels must not know."""
    scored_by = calibrated_by.name if calibrated_by and is_scored(calibrated_by) else ""
    chosen = [atom for atom in sliced(pipeline, slice) if atom.labelled and atom.scored_by == scored_by]
    if calibrated_by is not None:
        chosen = [atom for atom in chosen if atom.place.subject == calibrated_by.subject]
    if held_out:
        chosen = _held_out(pipeline, chosen, held_out_of or calibrated_by)
    confidence = np.array([atom.place.confidence for atom in chosen], dtype=float)
    if calibrated_by is not None and not scored_by:
        params = cast("dict[str, Any]", thawed(calibrated_by.map))
        confidence = predict(params, confidence, segment_names(params, (atom.place for atom in chosen)))
    cells = cells_of_counts(confidence, *_weights(chosen))
    return Weighted(cells, sum(each.labelled for each in chosen), sum(each.labelled for each in chosen if each.fresh))


def gate_of(chosen: Sequence[Atom], fitted_at: datetime | None) -> Gate:
    """What certifies a threshold over claims of one subject; `fitted_at` is when its calibrator was fitted.

    The sample is thinned to one audit rate, has one label per input and none that fitted the calibrator, and is that of
    the window that also certifies bands.
    """
    usable = [atom for atom in chosen if may_certify(atom, fitted_at)]
    window = certification_window(usable, chosen, strata_of(chosen), alpha=None, delta=0.05)
    traffic = _confidences(chosen), [atom.claims for atom in chosen], np.zeros(len(chosen))
    labelled, right = [atom.labelled for atom in window.atoms], [atom.right for atom in window.atoms]
    return Gate(cells_of_counts(_confidences(window.atoms), labelled, right), cells_of_counts(*traffic))


def decidable(policy: Policy | None, found: Sequence[Atom]) -> list[Atom]:
    """The claims that a policy could decide by their confidence alone, at the confidence it would look at."""
    places = Places(policy)
    return [atom for atom in found if places.counts(atom) and not places.is_apart(atom)]


def sliced(pipeline: Pipeline, slice: Slice) -> list[Atom]:
    """Every atom of the slice; the same claims come once as stated and once for every calibrator that scored them."""
    found = atoms(
        pipeline.pk, subject=slice.subject, elicitation=slice.elicitation, since=slice.since, until=slice.until
    )
    return [atom for atom in found if not slice.segment or atom.place.is_in(slice.segment)]


def active_of(pipeline: Pipeline) -> Policy | None:
    active = active_policy(pipeline.pk)
    return active.policy if active else None


def is_scored(entry: CalibratorEntry) -> bool:
    """Whether the map needs more than the stated confidence, so that its probabilities are in `Score`."""
    return entry.map.get("kind") not in BY_CONFIDENCE


def _held_out(pipeline: Pipeline, chosen: Sequence[Atom], entry: CalibratorEntry | None) -> list[Atom]:
    fitted = fitting_times(pipeline)
    active = active_of(pipeline)
    entries = {entry.subject: entry} if entry else dict(active.calibrator_of) if active else {}
    fitted_at = {subject: fitted.get(each.name) for subject, each in entries.items()}
    return [atom for atom in chosen if may_certify(atom, fitted_at.get(atom.place.subject))]


def _confidences(chosen: Sequence[Atom]) -> FloatArray:
    return np.array([atom.place.confidence for atom in chosen], dtype=float)


def _weights(chosen: Sequence[Atom]) -> tuple[FloatArray, FloatArray]:
    """Labels and right labels of each atom, weighed by one over the chance and scaled to what they are worth."""
    labelled = np.array([atom.labelled for atom in chosen], dtype=float)
    right = np.array([atom.right for atom in chosen], dtype=float)
    weight = 1 / np.array([atom.audit_rate for atom in chosen], dtype=float)
    worth = float(labelled @ weight / (labelled @ weight**2)) if len(chosen) else 1.0
    return labelled * weight * worth, right * weight * worth
