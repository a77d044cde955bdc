"""Rows about tasks with a known answer: which they are, who was given one, and who is paused because of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django.conf import settings
from django.db import models
from django.db.models import Q

from reviewqueue.claims.models import Claim, new_id
from reviewqueue.payloads.words import Words, word
from reviewqueue.pipelines.models import Pipeline

USUAL_RATE: Final = 0.03
USUAL_BAR: Final = 0.8
USUAL_FEWEST: Final = 20


class GoldTerms(models.Model):
    """How a pipeline measures its reviewers, where it is not as usual."""

    pipeline = models.OneToOneField(Pipeline, primary_key=True, on_delete=models.CASCADE, related_name="gold_terms")
    rate = models.FloatField(default=USUAL_RATE)  # share of takes that become gold tasks
    bar = models.FloatField(default=USUAL_BAR)  # accuracy that a reviewer should have
    fewest = models.PositiveSmallIntegerField(default=USUAL_FEWEST)  # judged gold tasks before anybody is paused
    event = models.OneToOneField("ledger.Event", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            # More gold than work would measure people and get nothing done.
            models.CheckConstraint(name="gold_rate_in_range", condition=Q(rate__gte=0, rate__lte=0.5)),
            models.CheckConstraint(name="gold_bar_is_a_share", condition=Q(bar__gte=0, bar__lt=1)),
            models.CheckConstraint(name="gold_pause_needs_evidence", condition=Q(fewest__gte=5)),
        ]

    def __str__(self) -> str:
        return f"{self.pipeline_id} {self.rate}"


class GoldOrigin(models.TextChoices):
    SETTLED = "settled"
    IMPORTED = "imported"


class GoldItem(Words):
    """A claim with its known answer. The answer never changes: a wrong key is retired as void, and counts nowhere."""

    WORDS: ClassVar[Mapping[str, Any]] = {"output": None}
    KIND = "gold"
    output = word("output")  # the right answer, where it is known

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="gold", db_index=False)
    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="gold")
    correct = models.BooleanField()
    origin = models.CharField(max_length=8, choices=GoldOrigin.choices)
    onboarding = models.BooleanField(default=False)  # who is new to the pipeline meets these first
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    added_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)
    void = models.BooleanField(default=False)
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            # A claim has one known answer at a time.
            models.UniqueConstraint(name="gold_once_per_claim", fields=["claim"], condition=Q(retired_at__isnull=True)),
            # Only what is retired can be void.
            models.CheckConstraint(name="gold_void_is_retired", condition=Q(void=False) | Q(retired_at__isnull=False)),
        ]
        indexes = [models.Index(name="gold_of_pipeline", fields=["pipeline", "retired_at", "-id"])]

    def __str__(self) -> str:
        return f"{self.claim_id} {self.correct}"


class GoldDraw(models.Model):
    """A gold item that one person was given, under ids that give nothing away, and how they answered."""

    item = models.ForeignKey(GoldItem, on_delete=models.CASCADE, related_name="draws")
    task = models.OneToOneField("review.ReviewTask", on_delete=models.CASCADE, related_name="gold_draw")
    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="+", db_index=False)
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    shown_claim_id = models.UUIDField()  # in place of the claim's own, which tells when it came in
    answered_at = models.DateTimeField(null=True)
    right = models.BooleanField(null=True)  # as the standing answer is; null: not answered, or could not be judged

    class Meta:
        constraints = [
            # Nobody gets the same one twice.
            models.UniqueConstraint(name="gold_drawn_once_per_reviewer", fields=["item", "reviewer"]),
        ]
        indexes = [models.Index(name="gold_answers", fields=["pipeline", "reviewer"])]

    def __str__(self) -> str:
        return f"{self.item_id} {self.right}"


class ReviewerPause(models.Model):
    """Somebody gets no tasks of a pipeline, with the figures it rests on, until a senior lifts it."""

    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="pauses")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="pauses")
    began_at = models.DateTimeField()
    judged = models.PositiveIntegerField()
    right = models.PositiveIntegerField()
    upper = models.FloatField()  # one-sided 95 % limit of their accuracy
    bar = models.FloatField()
    appeal = models.TextField(blank=True)
    appealed_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True)
    ended_at = models.DateTimeField(null=True)
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            # One pause at a time for a person in a pipeline.
            models.UniqueConstraint(
                name="pause_one_at_a_time", fields=["reviewer", "pipeline"], condition=Q(ended_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reviewer_id} in {self.pipeline_id}"

    @property
    def waits_for_answer(self) -> bool:
        """Whether an appeal is out that no senior has answered yet."""
        return self.appealed_at is not None and (self.decided_at is None or self.decided_at < self.appealed_at)
