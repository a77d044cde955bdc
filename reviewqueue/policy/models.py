from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from reviewqueue.pipelines.models import Pipeline


class PolicyStatus(models.TextChoices):
    DRAFT = "draft"
    APPROVED = "approved"
    ACTIVE = "active"
    RETIRED = "retired"
    REJECTED = "rejected"


class PolicyVersion(models.Model):
    """The complete routing rules of a pipeline as one immutable document."""

    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="policies")
    number = models.PositiveIntegerField()
    document = models.JSONField()
    document_hash = models.CharField(max_length=71)
    status = models.CharField(max_length=10, choices=PolicyStatus.choices, default=PolicyStatus.DRAFT)
    note = models.TextField(blank=True)
    evidence = models.JSONField(default=dict)  # the figures the proposal rests on, as they were at proposal
    based_on = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )  # null: a sweep proposed it
    proposed_at = models.DateTimeField(default=timezone.now)
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(null=True)
    activated_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")
    approved_event = models.OneToOneField("ledger.Event", null=True, on_delete=models.PROTECT, related_name="+")
    activated_event = models.OneToOneField("ledger.Event", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="policy_number_once", fields=["pipeline", "number"]),
            # One active policy per pipeline.
            models.UniqueConstraint(
                name="policy_one_active", fields=["pipeline"], condition=Q(status=PolicyStatus.ACTIVE)
            ),
            # Four eyes: nobody approves what they proposed.
            models.CheckConstraint(
                name="policy_four_eyes",
                condition=Q(approved_by__isnull=True) | Q(proposed_by__isnull=True) | ~Q(approved_by=F("proposed_by")),
            ),
            # What decides, or ever decided, was approved and has its ledger entries.
            models.CheckConstraint(
                name="policy_active_was_approved",
                condition=Q(status__in=[PolicyStatus.DRAFT, PolicyStatus.REJECTED])
                | Q(approved_by__isnull=False, approved_event__isnull=False),
            ),
            models.CheckConstraint(
                name="policy_active_has_entry",
                condition=~Q(status=PolicyStatus.ACTIVE) | Q(activated_event__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pipeline_id} v{self.number}"


class BandStateName(models.TextChoices):
    UNMEASURED = "unmeasured"
    PROVISIONAL = "provisional"
    VALIDATED = "validated"
    FAILED = "failed"
    STALE = "stale"
    BREACH = "breach"


class BandState(models.Model):
    """Whether a band of a policy version may decide, for one model and prompt version.

    Written by calibration's services through `policy.services.set_band_state`, read at routing. No row: unmeasured.
    """

    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.CASCADE, related_name="band_states")
    model = models.CharField(max_length=120)
    model_version = models.CharField(max_length=120)
    prompt_version = models.CharField(max_length=120, blank=True)
    band = models.CharField(max_length=40)
    state = models.CharField(max_length=12, choices=BandStateName.choices)
    changed_at = models.DateTimeField(default=timezone.now)
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="band_state_once",
                fields=["policy_version", "model", "model_version", "prompt_version", "band"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.model_version} {self.band}: {self.state}"
