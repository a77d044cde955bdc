"""How well the reviewers of a pipeline judge, as far as their newest labels and gold answers tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from statistics import median
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q

from calibration.core.agreement import Agreement, Reliability, agreement, reliability
from calibration.core.intervals import clopper_pearson
from calibration.core.reviewers import Consensus, dawid_skene
from reviewqueue.accounts.models import User
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.reports.slips import Slips, slips_by_overlap, slips_on_gold
from reviewqueue.review.gold import GoldDraw

NEWEST: Final = 500
"""Labels of each person that are looked at."""
WITHIN: Final = timedelta(days=90)
RUN: Final = 5
"""So many quick answers in a row are suspicious; quick is less than a quarter of the pipeline's median."""
QUICK: Final = 0.25
FEWEST_FOR_RUNS: Final = 50
FEWEST_FOR_ESTIMATES: Final = 30
"""Tasks with three labels or more, before estimates from overlap are worth showing."""
DRAWS: Final = 200

_LABELS: Final = """
    SELECT newest.reviewer_id, newest.slot_id, newest.task_id, newest.revision, newest.verdict, newest.blind,
           task.purpose, extract(epoch FROM newest.created_at - lease.granted_at)::float, newest.created_at,
           -- Second looks are chosen by what the model doubts: what seniors settled after them measures nobody.
           CASE WHEN outcome.basis = 'adjudication' AND task.purpose NOT IN ('adjudication', 'escalation')
                 AND NOT EXISTS (SELECT FROM review_relabel AS again WHERE again.claim_id = newest.claim_id)
                THEN outcome.correct END
      FROM unnest(%(people)s::bigint[]) AS person (id)
     CROSS JOIN LATERAL (SELECT * FROM review_label AS label
                          WHERE label.reviewer_id = person.id AND label.id >= %(since)s::uuid
                          ORDER BY label.id DESC LIMIT %(newest)s) AS newest
      JOIN review_reviewtask AS task ON task.id = newest.task_id AND task.pipeline_id = %(pipeline)s
      JOIN review_lease AS lease ON lease.id = newest.lease_id
      LEFT JOIN claims_outcome AS outcome ON outcome.claim_id = newest.claim_id AND outcome.standing
     ORDER BY newest.reviewer_id, newest.id"""


class Answer(NamedTuple):
    """One revision of a label. `adjudicated`: what a senior later settled about its claim, if one did."""

    reviewer: int
    slot: int
    task: UUID
    revision: int
    verdict: str
    blind: str
    purpose: str
    seconds: float
    created_at: datetime
    adjudicated: bool | None


@dataclass(frozen=True, slots=True)
class Share:
    """`right` of `n`, with exact 95 % limits."""

    n: int
    right: int

    @property
    def value(self) -> float | None:
        return self.right / self.n if self.n else None

    @property
    def limits(self) -> tuple[float, float]:
        low, high = clopper_pearson(self.right, self.n)
        return float(low), float(high)

    @property
    def low(self) -> float:
        return self.limits[0]

    @property
    def high(self) -> float:
        return self.limits[1]


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one person in one pipeline. `quick_runs`: None where there are too few answers to say what is quick.

    `estimated`: accuracy as overlapping labels suggest it, without any known answer.
    """

    reviewer: User
    labels: int
    gold: Share
    unsure_on_gold: int
    adjudicated: Share
    seconds: float | None
    quick_runs: int | None
    blind: int
    moved: int
    moved_to_model: int
    estimated: float | None = None

    @property
    def anchoring(self) -> float | None:
        return self.moved_to_model / self.blind if self.blind else None


@dataclass(frozen=True, slots=True)
class Overlap:
    """What tasks with several labels say. `pair`: where exactly two people share tasks; `helps`: see decision 0032."""

    all_people: Reliability
    pair: Agreement | None
    with_three: int
    helps: bool


@dataclass(frozen=True, slots=True)
class Quality:
    """`slips` of everybody together, by each source that has enough to say."""

    people: list[Figures]
    overlap: Overlap
    slips: list[Slips]


def reviewer_quality(pipeline: Pipeline, people: Iterable[User], *, now: datetime) -> Quality:
    """Of these people. Three queries; what is read is bounded by NEWEST labels for each."""
    named = list(people)
    rows = _rows(pipeline, named, now)
    standing = _standing(rows)
    overlap = overlap_of(standing)
    estimated = estimated_accuracy(standing) if overlap.with_three >= FEWEST_FOR_ESTIMATES else {}
    gold = _gold(pipeline, named)
    typical = median(row.seconds for row in standing) if len(standing) >= FEWEST_FOR_RUNS else None
    by_person = {person: list(group) for person, group in groupby(rows, key=lambda row: row.reviewer)}
    return Quality(
        [
            _figures(person, by_person.get(person.pk, []), gold.get(person.pk), typical, estimated.get(person.pk))
            for person in named
        ],
        overlap,
        [each for each in (slips_on_gold(pipeline), _slips(standing) if overlap.helps else None) if each],
    )


def _slips(rows: Sequence[Answer]) -> Slips | None:
    used = _with_others(rows)
    return slips_by_overlap(_consensus(used), [row.reviewer for row in used])


def _rows(pipeline: Pipeline, people: Sequence[User], now: datetime) -> list[Answer]:
    since = UUID(int=int((now - WITHIN).timestamp() * 1000) << 80)
    values: dict[str, Any] = {
        "people": [person.pk for person in people],
        "since": str(since),
        "newest": NEWEST,
        "pipeline": pipeline.pk,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LABELS, values)
        return [Answer(*row) for row in cursor.fetchall()]


def _standing(rows: Iterable[Answer]) -> list[Answer]:
    """Of every slot the last answer."""
    return list({row.slot: row for row in sorted(rows, key=lambda row: row.revision)}.values())


def _gold(pipeline: Pipeline, people: Sequence[User]) -> dict[int, dict[str, Any]]:
    answered = GoldDraw.objects.filter(
        pipeline=pipeline, reviewer__in=people, answered_at__isnull=False, item__void=False
    )
    counted = answered.order_by().values("reviewer_id").annotate(
        judged=Count("id", filter=Q(right__isnull=False)),
        was_right=Count("id", filter=Q(right=True)),
        unsure=Count("id", filter=Q(right__isnull=True)),
    )  # fmt: skip
    return {row["reviewer_id"]: dict(row) for row in counted}


def _figures(
    person: User, rows: list[Answer], gold: dict[str, Any] | None, typical: float | None, estimated: float | None
) -> Figures:
    first = [row for row in rows if row.revision == 0]
    last = {row.slot: row for row in _standing(rows)}
    judged = [row for row in last.values() if row.adjudicated is not None and row.verdict != "cannot_judge"]
    blind = [row for row in first if row.blind != "none" and row.verdict != "cannot_judge"]
    moved = [row for row in blind if last[row.slot].verdict != row.verdict]
    alone = [row for row in first if row.purpose != "flagged"]  # a list is confirmed at once, and quickly
    return Figures(
        reviewer=person,
        labels=len(last),
        gold=Share(gold["judged"], gold["was_right"]) if gold else Share(0, 0),
        unsure_on_gold=gold["unsure"] if gold else 0,
        adjudicated=Share(len(judged), sum((row.verdict == "correct") == row.adjudicated for row in judged)),
        seconds=median(row.seconds for row in alone) if alone else None,
        quick_runs=None if typical is None else quick_runs([row.seconds for row in alone], typical),
        blind=len(blind),
        moved=len(moved),
        moved_to_model=sum(last[row.slot].verdict == "correct" for row in moved),
        estimated=estimated,
    )


def quick_runs(seconds: Sequence[float], typical: float) -> int:
    """How often somebody gave RUN or more answers in a row, each in less than a quarter of the usual time."""
    runs = groupby(seconds, key=lambda taken: taken < QUICK * typical)
    return sum(quick and len(list(run)) >= RUN for quick, run in runs)


def overlap_of(rows: Sequence[Answer]) -> Overlap:
    judged = [row for row in rows if row.verdict != "cannot_judge"]
    units, votes = [str(row.task) for row in judged], [row.verdict == "correct" for row in judged]
    by_task: dict[UUID, list[Answer]] = {}
    for row in judged:
        by_task.setdefault(row.task, []).append(row)
    shared = [group for group in by_task.values() if len(group) >= 2]
    with_three = sum(len(group) >= 3 for group in shared)
    return Overlap(
        all_people=reliability(units, votes, draws=DRAWS),
        pair=_pair(shared),
        with_three=with_three,
        helps=with_three >= FEWEST_FOR_ESTIMATES and 2 * with_three >= len(shared),
    )


def _pair(shared: Sequence[Sequence[Answer]]) -> Agreement | None:
    """Cohen's kappa is about two people: None where more of them share tasks."""
    pairs = [sorted(group, key=lambda row: row.reviewer) for group in shared]
    people = {row.reviewer for group in pairs for row in group}
    if len(people) != 2:
        return None
    return agreement(
        [group[0].verdict == "correct" for group in pairs],
        [group[1].verdict == "correct" for group in pairs],
        draws=DRAWS,
    )


def estimated_accuracy(rows: Sequence[Answer]) -> dict[int, float]:
    """Accuracy of each person by Dawid and Skene's estimate, over tasks that several people judged."""
    found = _consensus(_with_others(rows))
    return {int(person): float(share) for person, share in zip(found.reviewers, found.reviewer_accuracy, strict=True)}


def _with_others(rows: Sequence[Answer]) -> list[Answer]:
    """Of tasks that several people judged."""
    by_task: dict[UUID, int] = {}
    for row in rows:
        by_task[row.task] = by_task.get(row.task, 0) + 1
    return [row for row in rows if by_task[row.task] >= 2 and row.verdict != "cannot_judge"]


def _consensus(used: Sequence[Answer]) -> Consensus:
    return dawid_skene(
        [str(row.task) for row in used], [row.reviewer for row in used], [row.verdict == "correct" for row in used]
    )
