"""Golden sets: inputs with known answers, by which models are measured. (Gold tasks, in `review`, measure people.)"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from reviewqueue.accounts.models import Source
from reviewqueue.claims.models import new_id
from reviewqueue.golden import texts
from reviewqueue.pipelines.models import Pipeline

USUAL_EVERY_DAYS: Final = 30
USUAL_WITHIN_DAYS: Final = 7
LONGEST_EVERY: Final = 365
LONGEST_WITHIN: Final = 90


class GoldenSet(models.Model):
    """Inputs with known answers that somebody answers for, and how often models have to be measured by them."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="golden_sets", db_index=False)
    name = models.SlugField(max_length=60, db_index=False)
    description = models.TextField(blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    every_days = models.PositiveSmallIntegerField(default=USUAL_EVERY_DAYS)  # between two runs of a version in use
    within_days = models.PositiveSmallIntegerField(default=USUAL_WITHIN_DAYS)  # for a version that is new in traffic
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="golden_set_name_once", fields=["pipeline", "name"]),
            # Who never has to measure again has no golden set.
            models.CheckConstraint(
                name="golden_set_times_in_range",
                condition=Q(every_days__gte=1, every_days__lte=LONGEST_EVERY, within_days__lte=LONGEST_WITHIN),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class GoldenVersion(models.Model):
    """The items of a set as they are measured by. A draft until an owner publishes it; never changed afterwards."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    golden_set = models.ForeignKey(GoldenSet, on_delete=models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    created_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    size = models.PositiveIntegerField(default=0)  # how many items it was published with
    digest = models.BinaryField(max_length=32, null=True)  # of all items, as the ledger has it
    event = models.OneToOneField("ledger.Event", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="golden_version_number_once", fields=["golden_set", "number"]),
            # One draft of a set at a time.
            models.UniqueConstraint(
                name="golden_one_draft", fields=["golden_set"], condition=Q(published_at__isnull=True)
            ),
            # What models are measured by is in the ledger, with somebody who published it.
            models.CheckConstraint(
                name="golden_published_is_in_the_ledger",
                condition=Q(published_at__isnull=True)
                | Q(event__isnull=False, digest__isnull=False, published_by__isnull=False, size__gte=1),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.golden_set_id} v{self.number}"


class GoldenItem(models.Model):
    """What is known of an input without its text: how its answer is compared, and where it belongs."""

    version = models.ForeignKey(GoldenVersion, on_delete=models.CASCADE, related_name="items", db_index=False)
    key = models.CharField(max_length=200)
    place = models.PositiveIntegerField()  # the order in which items were given
    comparison = models.CharField(max_length=6)
    tolerance = models.FloatField(null=True)
    category = models.CharField(max_length=80, blank=True)
    segments = models.JSONField(default=dict)
    fingerprint = models.BinaryField(max_length=32)  # of the input, as claims have it; of an erased one, random
    commitment = models.BinaryField(max_length=32)  # SHA-256(0x02, salt of the key, canonical content)

    class Meta:
        constraints = [models.UniqueConstraint(name="golden_item_key_once", fields=["version", "key"])]
        indexes = [models.Index(name="golden_items_in_order", fields=["version", "place", "id"])]

    def __str__(self) -> str:
        return self.key


class GoldenItemPayload(models.Model):
    """Input, known answer and note, encrypted under a key of their own (GoldenKey). No row: it was erased.

    Every figure and proof stays valid without it. Reading asks for the key, unless that came along
    (`select_related("payload__key")`).
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    item = models.OneToOneField(GoldenItem, on_delete=models.CASCADE, related_name="payload")
    ciphertext = models.BinaryField()

    def __str__(self) -> str:
        return str(self.item_id)

    @cached_property
    def content(self) -> dict[str, Any]:
        """`input`, `answer` and `note`. Raises PayloadUnreadable."""
        return texts.item_within(self.key.opened, bytes(self.ciphertext))


class RunState(models.TextChoices):
    OPEN = "open"
    COMPLETE = "complete"  # every item is answered
    CLOSED = "closed"  # ended by whoever ran it, with answers missing


class GoldenRun(models.Model):
    """One model version's answers to a version of a set. No claims: nothing is routed, reviewed or estimated."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="+", db_index=False)
    golden_set = models.ForeignKey(GoldenSet, on_delete=models.PROTECT, related_name="runs", db_index=False)
    version = models.ForeignKey(GoldenVersion, on_delete=models.PROTECT, related_name="runs", db_index=False)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+", db_index=False)
    model = models.CharField(max_length=120)
    model_version = models.CharField(max_length=120)
    prompt_version = models.CharField(max_length=120, blank=True)
    elicitation = models.CharField(max_length=20)
    state = models.CharField(max_length=8, choices=RunState.choices, default=RunState.OPEN)
    size = models.PositiveIntegerField()  # how many answers are asked for
    answered = models.PositiveIntegerField(default=0)
    right = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    report = models.JSONField(null=True)  # derived from the answers: see measuring.py
    exact_report = models.BooleanField(default=False)  # whether the sweep has added the bootstrap intervals
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")
    finished_event = models.OneToOneField("ledger.Event", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="golden_run_counts_add_up", condition=Q(answered__lte=F("size"), right__lte=F("answered"))
            ),
            # What is finished is in the ledger with its figures; what is complete has every answer.
            models.CheckConstraint(
                name="golden_run_finished_is_in_the_ledger",
                condition=Q(state="open", finished_at__isnull=True, finished_event__isnull=True)
                | Q(state="complete", finished_at__isnull=False, finished_event__isnull=False, answered=F("size"))
                | Q(state="closed", finished_at__isnull=False, finished_event__isnull=False),
            ),
        ]
        indexes = [
            models.Index(name="golden_runs_of_set", fields=["golden_set", "-id"]),
            # When each version was last measured.
            models.Index(
                name="golden_runs_of_subject",
                fields=["golden_set", "model", "model_version", "prompt_version", "-finished_at"],
                condition=Q(finished_at__isnull=False),
            ),
            models.Index(name="golden_runs_to_measure", fields=["finished_at"], condition=Q(exact_report=False)),
        ]

    def __str__(self) -> str:
        return f"{self.golden_set_id} {self.model_version}"

    @property
    def missing(self) -> int:
        return self.size - self.answered

    @property
    def wrong(self) -> int:
        return self.answered - self.right

    @property
    def subject(self) -> tuple[str, str, str]:
        return self.model, self.model_version, self.prompt_version


class GoldenAnswer(models.Model):
    """What a model answered to one item, without the text. Never changed."""

    run = models.ForeignKey(GoldenRun, on_delete=models.CASCADE, related_name="answers", db_index=False)
    item = models.ForeignKey(GoldenItem, on_delete=models.PROTECT, related_name="+", db_index=False)
    confidence = models.FloatField()
    signals = models.JSONField(default=dict)
    right = models.BooleanField()
    content_hash = models.BinaryField(
        max_length=32
    )  # keyed, of all that was answered: a retry is the same; erased: random
    commitment = models.BinaryField(max_length=32)  # SHA-256(0x02, salt of its own, canonical content)
    answered_at = models.DateTimeField()

    class Meta:
        constraints = [
            # However often it is sent, an item is answered once in a run.
            models.UniqueConstraint(name="golden_answer_once", fields=["run", "item"]),
            models.CheckConstraint(
                name="golden_confidence_is_a_share", condition=Q(confidence__gte=0, confidence__lte=1)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} {self.item_id}"


class GoldenAnswerPayload(models.Model):
    """The output, hostile text, with the salt of its commitment: encrypted under the key of the item.

    Reading needs the key along (`select_related("answer__item__payload__key")`).
    """

    answer = models.OneToOneField(GoldenAnswer, primary_key=True, on_delete=models.CASCADE, related_name="payload")
    ciphertext = models.BinaryField()

    def __str__(self) -> str:
        return str(self.answer_id)

    @property
    def output(self) -> Any:
        """Raises PayloadUnreadable."""
        key = self.answer.item.payload.key.opened
        return texts.answer_within(key, bytes(self.ciphertext), answer_id=self.answer_id).output


class SeenVersion(models.Model):
    """A model and prompt version in the claims of a pipeline: since when, and when last.

    Derived from claims by a sweep, of the last TRAFFIC_DAYS before it was first watched. Losing it costs one sweep.
    """

    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="+", db_index=False)
    model = models.CharField(max_length=120)
    model_version = models.CharField(max_length=120)
    prompt_version = models.CharField(max_length=120, blank=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="golden_seen_once", fields=["pipeline", "model", "model_version", "prompt_version"]
            )
        ]
        indexes = [models.Index(name="golden_seen_lately", fields=["pipeline", "-last_seen_at"])]

    def __str__(self) -> str:
        return f"{self.model} {self.model_version}"


class TrafficMark(models.Model):
    """Up to which claim the versions in traffic are known."""

    pipeline = models.OneToOneField(Pipeline, primary_key=True, on_delete=models.CASCADE, related_name="+")
    claim_id = models.UUIDField()

    def __str__(self) -> str:
        return f"{self.pipeline_id} {self.claim_id}"


class LateNotice(models.Model):
    """A measurement that did not come in time, and that this was told."""

    golden_set = models.ForeignKey(GoldenSet, on_delete=models.CASCADE, related_name="notices", db_index=False)
    model = models.CharField(max_length=120)
    model_version = models.CharField(max_length=120)
    prompt_version = models.CharField(max_length=120, blank=True)
    due_at = models.DateTimeField()
    raised_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            # What is late is told once until it is measured.
            models.UniqueConstraint(
                name="golden_late_told_once",
                fields=["golden_set", "model", "model_version", "prompt_version"],
                condition=Q(ended_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.golden_set_id} {self.model_version} {self.due_at}"
