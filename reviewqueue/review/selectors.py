"""Questions about the review queue. Fetching is authorising: these return the thing or raise NotFound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from reviewqueue.accounts.models import User
from reviewqueue.claims.services import PayloadErased
from reviewqueue.errors import NotFound
from reviewqueue.payloads.words import with_keys
from reviewqueue.pipelines.models import Pipeline, Role
from reviewqueue.pipelines.review_form import confirms_without_words
from reviewqueue.pipelines.selectors import (
    FIGURES_ROLES,
    WORKING_ROLES,
    has_role,
    people_of,
    pipelines_for,
    skills_within,
)
from reviewqueue.review.clock import database_now
from reviewqueue.review.counting import COUNTED, Count, counts, own_work
from reviewqueue.review.models import Blind, HandOver, Label, LabelReturn, Lease, Purpose, Reservation, ReviewSlot, Skip
from reviewqueue.review.nothing import Nothing, kept_for_others, nothing_reason
from reviewqueue.review.resolution import BY_SENIORS
from reviewqueue.review.showing import label_answer, reveal_of, standing_answer, task_view, why_here

ESCALATED: Final = "escalate"  # a release with this reason
COLLEAGUES_SHOWN: Final = 200
RETURNS_SHOWN: Final = 20

__all__ = [
    "Nothing",
    "QueueRow",
    "colleagues",
    "escalation_notes",
    "flagged_batch",
    "handed_with",
    "kept_for",
    "label_answer",
    "label_for",
    "label_of_another",
    "last_draft",
    "lease_for",
    "lease_to_be",
    "leases_in_work",
    "live_leases",
    "nothing_reason",
    "pipelines_with_flagged",
    "queue_counts",
    "queue_pulse",
    "recent_labels",
    "return_of",
    "returned_to",
    "returns_of_claim",
    "reveal_of",
    "standing_answer",
    "task_view",
    "why_here",
]


# --- leases and labels of one person --------------------------------------------------------------------------------


def lease_for(reviewer: User, lease_id: UUID) -> Lease:
    """This person's lease, over or not, with its slot, task, pipeline, claim and payload.

    Raises NotFound, also for a lease of somebody else, and for one in a pipeline this person does not work in any more.
    Raises PayloadErased when there is nothing left to show.
    """
    lease = (
        Lease.objects.select_related(
            "slot__task", "task__pipeline", "task__form", "task__claim__payload__key", "task__claim__pipeline"
        )
        .filter(pk=lease_id, reviewer=reviewer)
        .first()
    )
    if lease is None or not _works_in(reviewer, lease.task.pipeline_id):
        raise NotFound("There is no such lease.")
    if not hasattr(lease.task.claim, "payload"):
        raise PayloadErased("What was said in this claim was erased, so there is nothing left to judge.")
    return lease


def last_draft(reviewer: User, task_id: UUID) -> dict[str, Any]:
    """What this person had written about the task before their last lease of it ran out."""
    earlier = Lease.objects.filter(task_id=task_id, reviewer=reviewer).order_by("-granted_at")
    last = earlier.only("task_id", "words").first()
    draft: dict[str, Any] = last.draft if last and last.has_draft else {}
    return draft


def lease_to_be(reservation: Reservation) -> Lease:
    """The lease that a reservation would turn into, as `lease_for` returns leases; not stored."""
    slot = ReviewSlot.objects.select_related(
        "task__pipeline", "task__form", "task__claim__payload__key", "task__claim__pipeline"
    ).get(pk=reservation.slot_id)
    lease = Lease(
        id=reservation.pk,
        slot=slot,
        task=slot.task,
        reviewer=reservation.reviewer,
        expires_at=reservation.expires_at,
    )
    lease.draft = last_draft(reservation.reviewer, slot.task_id)
    return lease


def lease_or_reserved(reviewer: User, lease_id: UUID) -> Lease:
    """`lease_for`, also for the task that is kept for this person and shown before it is theirs. Raises NotFound."""
    reservation = Reservation.objects.select_related("reviewer").filter(pk=lease_id, reviewer=reviewer).first()
    reserved = lease_to_be(reservation) if reservation else None
    if reserved is None or not _works_in(reviewer, reserved.task.pipeline_id):
        return lease_for(reviewer, lease_id)
    return reserved


FLAGGED_AT_ONCE: Final = 25


def flagged_batch(reviewer: User, pipeline: Pipeline) -> list[ReviewSlot]:
    """Flagged claims that this person may confirm together, most urgent first, with their tasks and texts.

    What has to be answered before the output is seen comes one by one, and so does what needs more than a verdict.
    """
    task = OuterRef("task")
    slots = ReviewSlot.objects.filter(
        ~kept_for_others(reviewer),
        pipeline=pipeline,
        purpose=Purpose.FLAGGED,
        done=False,
        free_at__lte=Now(),
        needs__contained_by=skills_within(reviewer),
    )
    slots = slots.filter(
        task__form__in=[form.pk for form in pipeline.forms.all() if confirms_without_words(form.document)]
    )
    if not has_role(reviewer, [Role.SENIOR], pipeline_id=pipeline.pk):
        slots = slots.filter(seniors_only=False)
    mine = {"reviewer": reviewer}
    open_to_me = slots.exclude(task__blind=Blind.ANSWER).exclude(
        Exists(Label.objects.filter(task=task, **mine))
        | Exists(Skip.objects.filter(task=task, **mine))
        | Exists(Lease.objects.filter(task=task, ended_at__isnull=True, **mine))
    )
    found = open_to_me.select_related("task__claim__payload__key")
    return list(found.order_by("turn", "id")[:FLAGGED_AT_ONCE])


def pipelines_with_flagged(reviewer: User) -> set[int]:
    """Where flagged claims wait that this person may look at as a list. One query, whatever waits."""
    flagged = ReviewSlot.objects.filter(
        ~kept_for_others(reviewer),
        pipeline=OuterRef("pk"),
        purpose=Purpose.FLAGGED,
        done=False,
        seniors_only=False,
        free_at__lte=Now(),
        needs__contained_by=skills_within(reviewer),
    )
    found = pipelines_for(reviewer, WORKING_ROLES).filter(Exists(flagged))
    return set(found.values_list("pk", flat=True))


def escalation_notes(lease: Lease) -> list[str]:
    """Why people passed this task to the seniors, oldest first. Nothing where the next person judges blind: a note may
    say what its writer thought."""
    if lease.task.blind != Blind.NONE or not lease.slot.seniors_only:
        return []
    skips = with_keys(Skip.objects.filter(task_id=lease.task_id, reason=ESCALATED))
    return [skip.note for skip in skips.order_by("pk")]


def handed_with(lease: Lease) -> HandOver | None:
    """By whom this lease's slot was handed to its holder, with what words. Nothing where they judge blind: the note may
    say what its writer thought."""
    if lease.task.blind != Blind.NONE or lease.slot.for_reviewer_id != lease.reviewer_id:
        return None
    handed = with_keys(
        HandOver.objects.filter(slot=lease.slot_id, to=lease.reviewer_id).select_related("lease__reviewer")
    )
    return handed.order_by("pk").last()


def kept_for(user: User) -> int:
    """How many tasks wait for this very person. One short walk of an index."""
    kept = ReviewSlot.objects.filter(for_reviewer=user, done=False, for_until__gt=Now(), free_at__lte=Now())
    return kept.exclude(purpose=Purpose.GOLD).count()  # nobody handed those over


def colleagues(lease: Lease) -> list[User]:
    """Who might be handed the task of a lease, by name; the service has the last word."""
    for_seniors = lease.slot.seniors_only or lease.task.purpose in BY_SENIORS
    people = people_of(lease.task.pipeline, {Role.SENIOR} if for_seniors else WORKING_ROLES)
    return list(people.exclude(pk=lease.reviewer_id)[:COLLEAGUES_SHOWN])


def claim_of_lease(reviewer: User, lease_id: UUID) -> UUID:
    """Which claim to lock before looking at the lease. Raises NotFound for what is not this person's."""
    claims = Lease.objects.filter(pk=lease_id, reviewer=reviewer).values_list("task__claim_id", flat=True)
    return _first_or_not_found(claims, "There is no such lease.")


def claim_of_label(reviewer: User, label_id: UUID) -> UUID:
    """Which claim to lock before looking at the label. Raises NotFound for what is not this person's."""
    claims = Label.objects.filter(pk=label_id, reviewer=reviewer).values_list("claim_id", flat=True)
    return _first_or_not_found(claims, "There is no such label.")


def _first_or_not_found(ids: QuerySet[Any, UUID], detail: str) -> UUID:
    found = ids.first()
    if found is None:
        raise NotFound(detail)
    return found


def label_for(reviewer: User, label_id: UUID) -> Label:
    """This person's label, any revision. Raises NotFound."""
    label = (
        Label.objects.select_related("task__pipeline", "task__form", "claim__payload__key", "lease", "slot")
        .filter(pk=label_id, reviewer=reviewer)
        .first()
    )
    if label is None or not _works_in(reviewer, label.task.pipeline_id):
        raise NotFound("There is no such label.")
    return label


def label_of_another(senior: User, label_id: UUID) -> Label:
    """A label, any revision, in a pipeline where this person is a senior. Raises NotFound.

    Not while the task is open: they may still be the one to judge it.
    """
    label = Label.objects.select_related("task").filter(pk=label_id, task__closed_at__isnull=False).first()
    if label is None or not has_role(senior, [Role.SENIOR], pipeline_id=label.task.pipeline_id):
        raise NotFound("There is no such label.")
    return label


def returned_to(user: User) -> list[LabelReturn]:
    """What seniors gave back to this person, oldest first; one short walk of an index."""
    found = LabelReturn.objects.filter(reviewer=user, answered_at__isnull=True)
    return list(with_keys(found.select_related("label__task__pipeline", "by")).order_by("pk")[:RETURNS_SHOWN])


def returns_of_claim(claim_id: UUID) -> dict[int, LabelReturn]:
    """What is out of a claim's labels, by slot."""
    out = LabelReturn.objects.filter(label__claim=claim_id, answered_at__isnull=True)
    return {returned.slot_id: returned for returned in with_keys(out.select_related("by"))}


def return_of(label: Label) -> LabelReturn | None:
    found = LabelReturn.objects.filter(slot=label.slot_id, answered_at__isnull=True)
    return with_keys(found.select_related("by")).first()


def _works_in(reviewer: User, pipeline_id: int) -> bool:
    return has_role(reviewer, WORKING_ROLES, pipeline_id=pipeline_id)


def live_leases(user: User) -> list[Lease]:
    """What this person holds now, oldest first: five at most."""
    leases = Lease.objects.filter(reviewer=user, ended_at__isnull=True, expires_at__gt=Now())
    return list(leases.select_related("slot", "task__pipeline", "task__claim").order_by("granted_at"))


def leases_in_work(user: User) -> list[Lease]:
    """What this person holds now and has not put on hold, oldest first."""
    now = database_now()
    return [lease for lease in live_leases(user) if not lease.is_on_hold(now)]


def recent_labels(user: User, limit: int = 10, *, with_texts: bool = False) -> list[Label]:
    """This person's last answers, newest first, each as it stands; `with_texts` loads what they were about."""
    later = Label.objects.filter(slot=OuterRef("slot"), revision__gt=OuterRef("revision"))
    labels = Label.objects.filter(~Exists(later), reviewer=user)
    texts = ["claim__payload__key"] if with_texts else []
    return list(labels.select_related("task__pipeline", "claim", "lease", *texts).order_by("-id")[:limit])


# --- the queue ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One pipeline's queue, as far as this person may work or watch it. Counts are slots: labels still needed.

    With `has_more` they are of the most urgent ones only, and there may be more.
    """

    pipeline: Pipeline
    open: int
    leased: int
    mine: int
    overdue: int
    next_due_at: datetime | None
    by_purpose: Mapping[str, int] = field(default_factory=dict)
    has_more: bool = False


def queue_counts(user: User, *, most: int | None = COUNTED) -> list[QueueRow]:
    """A row for every pipeline this person has a role in, by name; three queries, whatever the queue's length.

    Counted are the most urgent `most` slots that are open to everybody, and as many for seniors; None counts all.
    Slots for seniors count for those who may take them or see the figures.
    """
    pipelines = list(pipelines_for(user, list(Role)).order_by("name"))
    found: dict[int, list[Count]] = {pipeline.pk: [] for pipeline in pipelines}
    for count in _counts(user, list(found), most):
        found[count.pipeline_id].append(count)
    mine = Counter(lease.task.pipeline_id for lease in live_leases(user))
    return [_queue_row(pipeline, found[pipeline.pk], mine[pipeline.pk], most) for pipeline in pipelines]


def _counts(user: User, pipelines: list[int], most: int | None) -> list[Count]:
    sees_all = [where for where in pipelines if has_role(user, FIGURES_ROLES, pipeline_id=where)]
    return counts(user, pipelines=pipelines, seniors_in=sees_all, most=most)


def queue_pulse(user: User) -> list[Any]:
    """All that a person's queue page depends on, in plain values: as long as it is the same, so is the page.

    Three queries, and a few more while there is nothing to do. Two hundred open pages ask for it all day.
    """
    names = dict(pipelines_for(user, list(Role)).order_by("name").values_list("pk", "name"))
    found, own = _counts(user, list(names), COUNTED), own_work(user)
    works_in = [where for where in names if has_role(user, WORKING_ROLES, pipeline_id=where)]
    idle = not own[0] and not any(count.open for count in found if count.pipeline_id in works_in)
    return [names, works_in, found, own, nothing_reason(user) if idle else None]


def _queue_row(pipeline: Pipeline, found: list[Count], mine: int, most: int | None) -> QueueRow:
    return QueueRow(
        pipeline=pipeline,
        open=sum(count.open for count in found),
        leased=sum(count.leased for count in found),
        mine=mine,
        overdue=sum(count.overdue for count in found),
        next_due_at=min((count.next_free_due_at for count in found if count.next_free_due_at), default=None),
        by_purpose={count.shown: count.open for count in found if count.open},
        has_more=most is not None and sum(count.seen for count in found) >= most,
    )
