from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Final

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Func, Q
from django.utils import timezone

from reviewqueue.claims.models import Claim, new_id
from reviewqueue.payloads.words import Words, word
from reviewqueue.pipelines.models import Pipeline, ReviewForm
from reviewqueue.review.gold import GoldDraw as GoldDraw
from reviewqueue.review.gold import GoldItem as GoldItem
from reviewqueue.review.gold import GoldOrigin as GoldOrigin
from reviewqueue.review.gold import GoldTerms as GoldTerms
from reviewqueue.review.gold import ReviewerPause as ReviewerPause
from reviewqueue.review.relabels import Relabel as Relabel
from reviewqueue.review.relabels import RelabelResult as RelabelResult
from reviewqueue.review.relabels import RelabelRound as RelabelRound
from reviewqueue.review.relabels import RelabelSample as RelabelSample
from reviewqueue.review.relabels import RelabelWhy as RelabelWhy


class Purpose(models.TextChoices):
    REVIEW = "review"
    AUDIT = "audit"
    FLAGGED = "flagged"
    ESCALATION = "escalation"
    ADJUDICATION = "adjudication"
    GOLD = "gold"
    RELABEL = "relabel"


class Blind(models.TextChoices):
    """What the reviewer does not get to see before answering (and the server does not send)."""

    NONE = "none"
    SCORE = "score"
    ANSWER = "answer"


class ReviewTask(models.Model):
    """One piece of human work a claim needs."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="tasks")
    # Asked for among the open ones alone, by an index below.
    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="+", db_index=False)
    purpose = models.CharField(max_length=12, choices=Purpose.choices)
    # What is asked, for every label of the task, whatever the pipeline asks from later ones.
    form = models.ForeignKey(ReviewForm, on_delete=models.PROTECT, related_name="+", db_index=False)
    blind = models.CharField(max_length=6, choices=Blind.choices)
    labels_needed = models.PositiveSmallIntegerField(default=1)
    lease_seconds = models.PositiveIntegerField()
    undo_seconds = models.PositiveIntegerField(default=10)
    due_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True)
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            # A claim has one open task per purpose; a gold task is one person's, and several may be at the same one.
            models.UniqueConstraint(
                name="task_one_open_per_purpose",
                fields=["claim", "purpose"],
                condition=Q(closed_at__isnull=True) & ~Q(purpose="gold"),
            ),
            models.CheckConstraint(name="task_needs_a_label", condition=Q(labels_needed__gte=1)),
        ]
        # Ids come in the order of time: the first is the oldest.
        indexes = [
            models.Index(name="task_open_of_pipeline", fields=["pipeline", "id"], condition=Q(closed_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.id}"


HIGHEST_PRIORITY: Final = 168


class ReviewSlot(models.Model):
    """One label that a task still needs: the narrow row that `take` locks, in queue order.

    The order is its turn, then age. The turn is the due time, an hour earlier for each step of priority: a time that
    never moves by itself, so what waits is overtaken by so much at most. What is kept for one person comes before
    everything else, to them.
    """

    task = models.ForeignKey(ReviewTask, on_delete=models.CASCADE, related_name="slots")
    # Asked for among the open ones alone, by an index below.
    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="+", db_index=False)
    purpose = models.CharField(max_length=12, choices=Purpose.choices)
    number = models.PositiveSmallIntegerField()
    seniors_only = models.BooleanField(default=False)
    due_at = models.DateTimeField()
    priority = models.SmallIntegerField(default=0)  # hours
    turn = models.GeneratedField(
        # By way of UTC, where an hour is always an hour: only that never changes, so only that can be stored.
        expression=Func(
            "due_at",
            "priority",
            template="timezone('UTC', timezone('UTC', %(expressions)s * interval '1 hour')",
            arg_joiner=") - ",
        ),
        output_field=models.DateTimeField(),
        db_persist=True,
    )
    free_at = models.DateTimeField(default=timezone.now)  # when it may next be taken: lease, reservation, undo over
    lease_no = models.PositiveIntegerField(default=0)
    expiries = models.PositiveSmallIntegerField(default=0)
    done = models.BooleanField(default=False)
    needs = ArrayField(models.CharField(max_length=40), default=list)  # skills, all of them
    # Nobody else is given it until then.
    for_reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    for_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="slot_number_once", fields=["task", "number"]),
            # No priority overtakes more than a week.
            models.CheckConstraint(
                name="slot_priority_within_a_week",
                condition=Q(priority__gte=-HIGHEST_PRIORITY, priority__lte=HIGHEST_PRIORITY),
            ),
            # Who keeps a slot for somebody says until when.
            models.CheckConstraint(
                name="slot_for_somebody_until_some_time",
                condition=Q(for_reviewer__isnull=True, for_until__isnull=True)
                | Q(for_reviewer__isnull=False, for_until__isnull=False),
            ),
        ]
        indexes = [
            models.Index(name="slot_turn", fields=["turn", "id"], condition=Q(done=False)),
            # What waits in one pipeline, for everybody and for seniors.
            models.Index(
                name="slot_turn_in_pipeline",
                fields=["pipeline", "seniors_only", "turn", "id"],
                condition=Q(done=False),
            ),
            # The list of flagged claims of one pipeline.
            models.Index(
                name="slot_turn_when_flagged",
                fields=["pipeline", "turn", "id"],
                condition=Q(done=False, purpose="flagged"),
            ),
            models.Index(
                name="slot_for_one_person",
                fields=["for_reviewer"],
                condition=Q(for_reviewer__isnull=False, done=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task_id} #{self.number}"


# For updates: the slot is kept for nobody in particular any more.
FOR_ANYBODY: Final[Mapping[str, None]] = {"for_reviewer": None, "for_until": None}


class LeaseEnd(models.TextChoices):
    LABELLED = "labelled"
    RELEASED = "released"
    SKIPPED = "skipped"
    EXPIRED = "expired"
    HANDED = "handed"
    FORCED = "forced"  # ended by a senior: nobody's any more, but the answer still counts as long as nobody took over


STILL_ANSWERABLE: Final = ("", LeaseEnd.EXPIRED, LeaseEnd.FORCED)
MAX_LEASES_IN_HAND = 5


class Lease(Words):
    """A reviewer's time-limited hold on one slot. The id is random and known to its holder alone."""

    WORDS: ClassVar[Mapping[str, Any]] = {"draft": {}}
    KIND = "draft"
    CLAIM = "task__claim"
    draft = word("draft")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slot = models.ForeignKey(ReviewSlot, on_delete=models.CASCADE, related_name="leases")
    task = models.ForeignKey(ReviewTask, on_delete=models.CASCADE, related_name="leases")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="leases")
    lease_no = models.PositiveIntegerField()
    hand = models.PositiveSmallIntegerField()
    granted_at = models.DateTimeField()  # database clock, like every time that decides about a lease
    expires_at = models.DateTimeField()
    held_until = models.DateTimeField(null=True)  # put on hold by its reviewer: not in work before
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=8, choices=LeaseEnd.choices, blank=True)
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            # Never one slot to two people.
            models.UniqueConstraint(
                name="lease_one_live_per_slot", fields=["slot"], condition=Q(ended_at__isnull=True)
            ),
            models.UniqueConstraint(name="lease_number_once", fields=["slot", "lease_no"]),
            # Never two slots of one task to one person at a time.
            models.UniqueConstraint(
                name="lease_one_live_per_task_and_reviewer",
                fields=["task", "reviewer"],
                condition=Q(ended_at__isnull=True),
            ),
            # At most five leases in one person's hands: each live lease takes a numbered hand.
            models.UniqueConstraint(
                name="lease_hand_once", fields=["reviewer", "hand"], condition=Q(ended_at__isnull=True)
            ),
            models.CheckConstraint(name="lease_hand_in_range", condition=Q(hand__gte=1, hand__lte=MAX_LEASES_IN_HAND)),
        ]
        indexes = [models.Index(name="lease_expiry", fields=["expires_at"], condition=Q(ended_at__isnull=True))]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def has_draft(self) -> bool:
        """Whether something was drafted, without reading it."""
        return self.words is not None

    def is_on_hold(self, now: datetime) -> bool:
        return self.held_until is not None and self.held_until > now

    @property
    def is_lost(self) -> bool:
        """Given back, answered, or taken over. A lease that ran out or was ended by a senior may still be answered."""
        given_away = self.end_reason not in STILL_ANSWERABLE
        return given_away or self.slot.done or self.slot.lease_no != self.lease_no


class Reservation(models.Model):
    """The task somebody will most likely get next, kept for them a moment while their browser prepares it.

    No lease: not counted as seen and not in the ledger. It stands while the slot's `free_at` is its `expires_at`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)  # of the lease it may turn into
    reviewer = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reservation")
    slot = models.ForeignKey(ReviewSlot, on_delete=models.CASCADE, related_name="reservations")
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.id)


class ChangeKind(models.TextChoices):
    PRIORITISE = "prioritise"
    RELEASE = "release"
    REASSIGN = "reassign"


class TaskChange(models.Model):
    """What a senior did to several slots at once. It can be undone for a while."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=ChangeKind.choices)
    created_at = models.DateTimeField()
    undo_until = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class SlotChange(models.Model):
    """One slot of a TaskChange: how it was and how it is since, and the lease that was ended with it."""

    change = models.ForeignKey(TaskChange, on_delete=models.CASCADE, related_name="slots")
    slot = models.ForeignKey(ReviewSlot, on_delete=models.CASCADE, related_name="+")
    lease = models.ForeignKey(Lease, null=True, on_delete=models.CASCADE, related_name="+")
    lease_until = models.DateTimeField(null=True)
    lease_no = models.PositiveIntegerField()
    before = models.JSONField()
    after = models.JSONField()
    kept_because = models.CharField(max_length=20, blank=True)  # why the undo left it as it is

    class Meta:
        constraints = [models.UniqueConstraint(name="change_slot_once", fields=["change", "slot"])]

    def __str__(self) -> str:
        return f"{self.change_id} {self.slot_id}"


class SavedFilter(models.Model):
    """A part of a pipeline's open tasks that somebody wants to find again; `asked` is as an address has it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="task_filters")
    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=60)
    asked = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(name="filter_name_once", fields=["user", "pipeline", "name"])]

    def __str__(self) -> str:
        return self.name


class Skip(Words):
    """A reviewer passed on a task: personal, with a reason, never an answer."""

    WORDS: ClassVar[Mapping[str, Any]] = {"note": ""}
    KIND = "skip"
    CLAIM = "task__claim"
    BOUND_TO = "task_id"
    note = word("note")

    task = models.ForeignKey(ReviewTask, on_delete=models.CASCADE, related_name="skips")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=20)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(name="skip_once", fields=["task", "reviewer"])]

    def __str__(self) -> str:
        return f"{self.task_id} {self.reason}"


class HandOver(Words):
    """A lease that was given up for a colleague, with what its holder had to say about it."""

    WORDS: ClassVar[Mapping[str, Any]] = {"note": ""}
    KIND = "hand-over"
    CLAIM = "lease__task__claim"
    BOUND_TO = "lease_id"
    note = word("note")

    lease = models.OneToOneField(Lease, on_delete=models.CASCADE, related_name="handed_over")
    slot = models.ForeignKey(ReviewSlot, on_delete=models.CASCADE, related_name="+")
    to = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.lease_id} to {self.to_id}"


class Verdict(models.TextChoices):
    CORRECT = "correct"
    INCORRECT = "incorrect"
    PARTIALLY_CORRECT = "partially_correct"
    CANNOT_JUDGE = "cannot_judge"


class Label(Words):
    """One reviewer's judgement under a lease. Never edited: a change of mind is a new row with the next revision."""

    WORDS: ClassVar[Mapping[str, Any]] = {"output": None, "note": "", "answers": {}}
    KIND = "label"
    output, note, answers = word("output"), word("note"), word("answers")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    task = models.ForeignKey(ReviewTask, on_delete=models.CASCADE, related_name="labels")
    slot = models.ForeignKey(ReviewSlot, on_delete=models.CASCADE, related_name="labels")
    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="labels")
    lease = models.ForeignKey(Lease, on_delete=models.CASCADE, related_name="labels")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="labels")
    revision = models.PositiveSmallIntegerField(default=0)
    verdict = models.CharField(max_length=17, choices=Verdict.choices)
    error_types = ArrayField(models.CharField(max_length=60), default=list)
    seconds = models.FloatField(null=True)
    late = models.BooleanField(default=False)
    blind = models.CharField(max_length=6, choices=Blind.choices)
    request_hash = models.BinaryField(max_length=32)
    created_at = models.DateTimeField(default=timezone.now)
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            # A slot takes one label; changes of mind are further revisions of it.
            models.UniqueConstraint(name="label_revision_once", fields=["slot", "revision"]),
            # One person labels a task once.
            models.UniqueConstraint(name="label_reviewer_once", fields=["task", "reviewer", "revision"]),
        ]
        indexes = [models.Index(name="label_by_reviewer", fields=["reviewer", "-id"])]

    def __str__(self) -> str:
        return f"{self.claim_id} {self.verdict}"


class LabelReturn(Words):
    """A senior asks whoever gave a label to think again; out until they changed it or stood by it."""

    WORDS: ClassVar[Mapping[str, Any]] = {"comment": ""}
    KIND = "return"
    CLAIM = "label__claim"
    BOUND_TO = "label_id"
    comment = word("comment")

    slot = models.ForeignKey(ReviewSlot, on_delete=models.CASCADE, related_name="returns", db_index=False)
    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="returns")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField(default=timezone.now)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # A label is out once at a time.
            models.UniqueConstraint(name="label_out_once", fields=["slot"], condition=Q(answered_at__isnull=True))
        ]
        indexes = [models.Index(name="label_out", fields=["reviewer"], condition=Q(answered_at__isnull=True))]

    def __str__(self) -> str:
        return str(self.label_id)
