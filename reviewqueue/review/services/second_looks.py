"""Second, blind looks at claims that have their truth: how they start, what they are compared with, what follows.

Estimates of accuracy go on using the first truth (docs/decisions/0035).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final
from uuid import UUID

from django.db.models import Exists, Max, OuterRef

from reviewqueue.accounts.models import User
from reviewqueue.claims import services as claims
from reviewqueue.claims.models import Claim, Outcome, OutcomeBasis
from reviewqueue.errors import Conflict, FieldProblem, Invalid
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.pipelines.review_form import knows_answer
from reviewqueue.policy.document import ReviewTerms
from reviewqueue.policy.rights import actor_in
from reviewqueue.policy.selectors import active_policy
from reviewqueue.policy.services.held import hold_pipeline
from reviewqueue.review.models import (
    Label,
    LabelReturn,
    Purpose,
    Relabel,
    RelabelResult,
    RelabelRound,
    RelabelSample,
    RelabelWhy,
    ReviewTask,
)
from reviewqueue.review.resolution import Resolution, Step
from reviewqueue.review.services import tasks
from reviewqueue.transactions import joins_transaction, service

MOST_AT_ONCE: Final = 100
"""Of each half."""
MOST_OPEN: Final = 200
"""Second looks of one pipeline that wait at a time, so that they never become the queue."""


class NothingToLookAt(Conflict):
    """No suspect is left, or as many second looks wait as may."""

    code = "nothing_to_look_at"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A truth to look at again. `probability`: that it is right, for whoever doubts it."""

    claim_id: UUID
    outcome_id: UUID
    why: RelabelWhy
    probability: float | None = None

    @property
    def sample(self) -> RelabelSample:
        return RelabelSample.RANDOM if self.why == RelabelWhy.RANDOM else RelabelSample.SUSPECT


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: suspects, worst first, and the other labels in an order drawn with `seed`."""

    labels: int
    suspects: int
    seed: int
    doubted: Sequence[Doubt]
    drawn: Sequence[Doubt]


# --- starting ---------------------------------------------------------------------------------------------------------


@service
def start_round(*, pipeline: Pipeline, by: User, found: Found, wanted: int, now: datetime) -> RelabelRound:
    """Opens a blind task for up to `wanted` suspects and for as many labels drawn at random, in no order that tells.

    What was settled otherwise meanwhile, is being worked on, was erased, or had its second look is passed over.

    Raises:
        Invalid: `wanted` is not between 1 and MOST_AT_ONCE.
        NothingToLookAt.
    """
    if not 1 <= wanted <= MOST_AT_ONCE:
        raise Invalid([FieldProblem("/wanted", "range", f"A whole number from 1 to {MOST_AT_ONCE}.")])
    hold_pipeline(pipeline.pk)
    possible = _possible(pipeline, [*found.doubted, *found.drawn])
    doubted, drawn = ([each for each in half if each in possible] for half in (found.doubted, found.drawn))
    each_half = min(wanted, len(doubted), len(drawn), _room(pipeline) // 2)
    if each_half < 1:
        raise NothingToLookAt("There is nothing to look at again now, or enough of it is waiting already.")
    picked = [*doubted[:each_half], *drawn[:each_half]]
    Random(found.seed).shuffle(picked)  # noqa: S311 - no secret: it keeps the order of the queue from telling the halves
    round_ = _begin(pipeline, by, found, each_half, now)
    _open(round_, pipeline, picked, now)
    return round_


def _possible(pipeline: Pipeline, doubts: Sequence[Doubt]) -> set[Doubt]:
    """Locks the claims that nobody is writing about, and says whose doubted truth still stands unquestioned."""
    ids = [doubt.claim_id for doubt in doubts]
    locked = Claim.objects.select_for_update(no_key=True, skip_locked=True).filter(pk__in=ids, pipeline=pipeline)
    claim = OuterRef("claim")
    standing = Outcome.objects.filter(
        ~Exists(ReviewTask.objects.filter(claim=claim, closed_at__isnull=True)),
        ~Exists(ReviewTask.objects.filter(claim=claim, purpose=Purpose.RELABEL)),
        ~Exists(LabelReturn.objects.filter(label__claim=claim, answered_at__isnull=True)),
        pk__in=[doubt.outcome_id for doubt in doubts],
        claim__in=list(locked.order_by("id").values_list("pk", flat=True)),
        claim__payload__isnull=False,
        standing=True,
        measures=True,
    )
    possible = set(standing.values_list("pk", flat=True))
    return {doubt for doubt in doubts if doubt.outcome_id in possible}


def _room(pipeline: Pipeline) -> int:
    return MOST_OPEN - Relabel.objects.filter(pipeline=pipeline, result="").count()


def _begin(pipeline: Pipeline, by: User, found: Found, each_half: int, now: datetime) -> RelabelRound:
    last = RelabelRound.objects.filter(pipeline=pipeline).aggregate(last=Max("number"))["last"] or 0
    entry = ledger.append(
        event="relabel.started",
        actor=actor_in(pipeline, by),
        pipeline=pipeline.slug,
        round=last + 1,
        seed=found.seed,
        labels=found.labels,
        suspects=found.suspects,
        picked=each_half,
        drawn=each_half,
    )
    return RelabelRound.objects.create(
        pipeline=pipeline,
        number=last + 1,
        seed=found.seed,
        labels=found.labels,
        suspects=found.suspects,
        started_by=by,
        started_at=now,
        event_id=entry.id,
    )


def _open(round_: RelabelRound, pipeline: Pipeline, picked: Sequence[Doubt], now: datetime) -> None:
    terms = _terms(pipeline)
    opened = tasks.open_second_looks([doubt.claim_id for doubt in picked], pipeline=pipeline, terms=terms, now=now)
    Relabel.objects.bulk_create(
        Relabel(
            task_id=opened[doubt.claim_id],
            round=round_,
            pipeline=pipeline,
            claim_id=doubt.claim_id,
            outcome_id=doubt.outcome_id,
            sample=doubt.sample,
            why=doubt.why,
            probability=doubt.probability,
        )
        for doubt in picked
    )


def _terms(pipeline: Pipeline) -> ReviewTerms:
    active = active_policy(pipeline.pk)
    return active.policy.review if active else tasks.WITHOUT_POLICY


# --- following --------------------------------------------------------------------------------------------------------


def behind(task: ReviewTask) -> Relabel | None:
    """The second look that a task is, or follows from: nothing else is open on a claim when a second look begins."""
    if task.purpose not in (Purpose.RELABEL, Purpose.ESCALATION, Purpose.ADJUDICATION):
        return None
    looks = Relabel.objects.select_related("outcome", "pipeline", "task__form").filter(claim=task.claim_id)
    return looks.filter(task__event__lte=task.event_id).first()


def is_under_way(claim: Claim) -> bool:
    return Relabel.objects.filter(claim=claim, result="").exists()


def agrees(again: Relabel, correct: bool | None, output: object) -> bool:
    """Whether what was found now is the truth that was doubted.

    Corrections are compared where answers are exact; two people never correct a free text with the same words.
    """
    before = again.outcome
    if correct != before.correct:
        return False
    if correct or not knows_answer(again.task.form.document) or None in (output, before.output):
        return True
    return bool(output == before.output)


def record(again: Relabel, *, label: Label, found: Resolution, outcome: Outcome | None, actor: Actor) -> None:
    """Keeps what a second look led to so far. Joins the caller's transaction, which holds the claim."""
    joins_transaction()
    again.result, again.corrected = _result(found), outcome
    again.settled_at = label.created_at if again.result else None
    again.save(update_fields=["result", "corrected", "settled_at"])
    if found.step == Step.CLOSE and label.task.purpose == Purpose.ADJUDICATION:
        ledger.append(
            event="adjudication.decided",
            actor=actor,
            claim=label.claim_id,
            task=label.task_id,
            label=label.pk,
            verdict=label.verdict,
            outcome=again.outcome_id,
            correct=again.outcome.correct,
        )


def _result(found: Resolution) -> str:
    if found.step == Step.SETTLE:
        return RelabelResult.OVERTURNED
    if found.step != Step.CLOSE:
        return ""
    return RelabelResult.UNDECIDED if found.correct is None else RelabelResult.CONFIRMED


def restore(again: Relabel, *, task: ReviewTask, claim: Claim, actor: Actor) -> None:
    """The doubted truth stands again when a label of this task had overturned it and no longer does."""
    before, given = again.outcome, Label.objects.filter(task=task).values("pk")
    if claim.outcomes.filter(standing=True, label_id__in=given).exists():
        claims.settle(
            claim=claim,
            correct=before.correct,
            output=before.output,
            basis=OutcomeBasis(before.basis),
            actor=actor,
            label_id=before.label_id,
            may_measure=False,
            reason="restored",
        )
