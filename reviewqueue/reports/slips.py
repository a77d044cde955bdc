"""What reviewers' slips do to the accuracy of bands: beside what their labels say, what they would say without slips.

Shown and never used: gates take the accuracy as observed, the safe side (calibration.core.reviewers.rogan_gladen).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Q

from calibration.core.reviewers import Consensus, rogan_gladen
from calibration.selectors import ModelBands
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.review.gold import GoldDraw

FEWEST_KEYS: Final = 30
"""Judged gold tasks with a right output, and as many with a wrong one."""


@dataclass(frozen=True, slots=True)
class Slips:
    """How often all reviewers of a pipeline together call a right output right, and a wrong one wrong.

    `source` is "gold", or "overlap": estimated by Dawid and Skene, without any known answer.
    """

    source: str
    sensitivity: float
    specificity: float


@dataclass(frozen=True, slots=True)
class Corrected:
    """One band: its accuracy as labelled, and what is behind it by each of the slips; None where that says nothing."""

    model: str
    model_version: str
    prompt_version: str
    band: str
    n: int
    observed: float
    behind: tuple[float | None, ...]


def slips_on_gold(pipeline: Pipeline) -> Slips | None:
    """None with too few answers of either kind."""
    judged = GoldDraw.objects.filter(pipeline=pipeline, right__isnull=False, item__void=False)
    counted = judged.order_by().values_list("item__correct").annotate(n=Count("id"), right=Count("id", Q(right=True)))
    found = {correct: (n, right) for correct, n, right in counted}
    (n_right, caught_right), (n_wrong, caught_wrong) = (found.get(correct, (0, 0)) for correct in (True, False))
    if min(n_right, n_wrong) < FEWEST_KEYS:
        return None
    return Slips("gold", caught_right / n_right, caught_wrong / n_wrong)


def slips_by_overlap(found: Consensus, labels: Sequence[int]) -> Slips | None:
    """`labels` names the reviewer of each label that the estimate rests on. None when only one verdict was given."""
    classes = [bool(each) for each in found.classes]
    if sorted(classes) != [False, True]:
        return None
    wrong, right = classes.index(False), classes.index(True)
    weights = [labels.count(int(reviewer)) / len(labels) for reviewer in found.reviewers]
    kept = {true: sum(w * float(each[true, true]) for w, each in zip(weights, found.confusion, strict=True))
            for true in (wrong, right)}  # fmt: skip
    return Slips("overlap", kept[right], kept[wrong])


def corrected(tables: Iterable[ModelBands], slips: Sequence[Slips]) -> list[Corrected]:
    """Of every band that has labels."""
    return [
        Corrected(
            model=table.model,
            model_version=table.model_version,
            prompt_version=table.prompt_version,
            band=row.band,
            n=row.n_labelled,
            observed=row.accuracy,
            behind=tuple(
                rogan_gladen(row.accuracy, sensitivity=each.sensitivity, specificity=each.specificity) for each in slips
            ),
        )
        for table in tables
        for row in table.rows
        if row.accuracy is not None
    ]
