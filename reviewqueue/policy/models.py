from __future__ import annotations

from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from reviewqueue.pipelines.models import Pipeline

LONGEST_NOTE: Final = 2_000


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
    # Against the version that decided last: a rule of mandatory review is gone or weaker. Needs two administrators.
    loosens_mandatory = models.BooleanField(default=False)
    second_approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    second_approved_at = models.DateTimeField(null=True)
    second_approved_event = models.OneToOneField("ledger.Event", null=True, on_delete=models.PROTECT, related_name="+")
    one_person = models.BooleanField(default=False)  # approved by its proposer, where that was allowed

    class Meta:
        constraints = [
            models.UniqueConstraint(name="policy_number_once", fields=["pipeline", "number"]),
            # One active policy per pipeline.
            models.UniqueConstraint(
                name="policy_one_active", fields=["pipeline"], condition=Q(status=PolicyStatus.ACTIVE)
            ),
            # Four eyes: nobody approves what they proposed, unless the version says for ever that one person did both.
            models.CheckConstraint(
                name="policy_four_eyes",
                condition=Q(approved_by__isnull=True)
                | Q(proposed_by__isnull=True)
                | ~Q(approved_by=F("proposed_by"))
                | Q(one_person=True),
            ),
            # Mandatory review is loosened by two people, neither of whom proposed it. That they administer is checked
            # by the trigger policy_loosening_needs_administrators.
            models.CheckConstraint(
                name="policy_loosening_has_two_approvals",
                condition=Q(loosens_mandatory=False)
                | Q(status__in=[PolicyStatus.DRAFT, PolicyStatus.REJECTED])
                | Q(
                    one_person=False,
                    approved_by__isnull=False,
                    second_approved_by__isnull=False,
                    second_approved_event__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="policy_approvals_differ",
                condition=Q(second_approved_by__isnull=True)
                | Q(approved_by__isnull=False)
                & ~Q(second_approved_by=F("approved_by"))
                & (Q(proposed_by__isnull=True) | ~Q(second_approved_by=F("proposed_by"))),
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

    @property
    def revision(self) -> str:
        """What this version is at the moment. Who acts on it names what they saw; every step of its life changes it."""
        half = "+1" if self.status == PolicyStatus.DRAFT and self.approved_by_id else ""
        return f"{self.document_hash}.{self.status}{half}"

    @property
    def approvals_missing(self) -> int:
        """How many more people have to agree before it may decide."""
        if self.status != PolicyStatus.DRAFT:
            return 0
        return (2 if self.loosens_mandatory else 1) - (1 if self.approved_by_id else 0)


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


class AuditRates(models.Model):
    """How much of a band that decides is audited, for one model and prompt version, beyond what the band itself says.

    Written by calibration's services through `policy.services.set_audit_rates`, read at routing. No row: the ramp has
    only begun, or the policy asks for nothing beyond its bands.
    """

    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.CASCADE, related_name="audit_rates")
    model = models.CharField(max_length=120)
    model_version = models.CharField(max_length=120)
    prompt_version = models.CharField(max_length=120, blank=True)
    band = models.CharField(max_length=40)
    rates = models.JSONField()  # by segment, "" for every claim; the highest of a claim's own counts
    changed_at = models.DateTimeField(default=timezone.now)
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="audit_rates_once",
                fields=["policy_version", "model", "model_version", "prompt_version", "band"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.model_version} {self.band}: {self.rates}"


class SamplingEpoch(models.Model):
    """A month in which one key draws the audit samples of a pipeline: committed to before, revealed after."""

    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="sampling_epochs")
    base = models.CharField(max_length=40)  # what the policy calls it
    name = models.CharField(max_length=60)
    commitment = models.CharField(max_length=64)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    committed_at = models.DateTimeField(default=timezone.now)
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")
    revealed_at = models.DateTimeField(null=True)
    revealed_event = models.OneToOneField("ledger.Event", null=True, on_delete=models.PROTECT, related_name="+")
    # By the rate in millionths: how many claims a band decided, and how many of them were drawn. As of counted_at.
    counts = models.JSONField(default=dict)
    counted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="sampling_epoch_once", fields=["pipeline", "name"]),
            models.CheckConstraint(
                name="sampling_epoch_revealed_has_entry",
                condition=Q(revealed_at__isnull=True, revealed_event__isnull=True)
                | Q(revealed_at__isnull=False, revealed_event__isnull=False),
            ),
        ]
        indexes = [models.Index(name="sampling_epoch_by_start", fields=["pipeline", "-starts_at"])]

    def __str__(self) -> str:
        return self.name


class BreakerCause(models.TextChoices):
    DRIFT = "drift"
    OUTCOME = "outcome"
    MANUAL = "manual"


class Breaker(models.Model):
    """While it is open, no claim of its subject is decided without a person.

    The subject is a model, model version and prompt version; with all three empty, every model of the pipeline.
    Immutable but for being reset, once.
    """

    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="breakers")
    model = models.CharField(max_length=120, blank=True)
    model_version = models.CharField(max_length=120, blank=True)
    prompt_version = models.CharField(max_length=120, blank=True)
    cause = models.CharField(max_length=10, choices=BreakerCause.choices)
    reason = models.CharField(max_length=30, blank=True)  # a code of TRIP_REASONS, when a person tripped it
    figures = models.JSONField(default=dict)  # what a sweep saw
    tripped_at = models.DateTimeField(default=timezone.now)
    tripped_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")
    reset_at = models.DateTimeField(null=True)
    reset_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    reset_reason = models.CharField(max_length=30, blank=True)
    reset_event = models.OneToOneField("ledger.Event", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            # One open breaker per subject.
            models.UniqueConstraint(
                name="breaker_one_open",
                fields=["pipeline", "model", "model_version", "prompt_version"],
                condition=Q(reset_at__isnull=True),
            ),
            # Loosening is never automatic: a person resets a breaker, and the ledger knows.
            models.CheckConstraint(
                name="breaker_reset_by_a_person",
                condition=Q(reset_at__isnull=True, reset_by__isnull=True, reset_event__isnull=True)
                | Q(reset_at__isnull=False, reset_by__isnull=False, reset_event__isnull=False),
            ),
            # A sweep has figures, a person a name.
            models.CheckConstraint(
                name="breaker_names_who_tripped_it",
                condition=Q(cause__in=[BreakerCause.DRIFT, BreakerCause.OUTCOME], tripped_by__isnull=True)
                | Q(cause=BreakerCause.MANUAL, tripped_by__isnull=False),
            ),
        ]
        indexes = [models.Index(name="breaker_newest", fields=["pipeline", "-tripped_at"])]

    def __str__(self) -> str:
        return f"{self.pipeline_id} {self.model} {self.model_version} {self.cause}"

    @property
    def is_open(self) -> bool:
        return self.reset_at is None

    @property
    def covers_everything(self) -> bool:
        return not self.model


class OnePersonApproval(models.Model):
    """A stretch of time in which the proposer of a version may approve it: for teams too small for four eyes."""

    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="one_person_approvals")
    note = models.TextField()
    salt = models.BinaryField(max_length=32)  # the ledger holds SHA-256(0x02, salt, canonical note)
    allowed_at = models.DateTimeField(default=timezone.now)
    allowed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    ended_event = models.OneToOneField("ledger.Event", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_person_approval_once", fields=["pipeline"], condition=Q(ended_at__isnull=True)
            ),
            models.CheckConstraint(
                name="one_person_approval_ended_by_a_person",
                condition=Q(ended_at__isnull=True, ended_by__isnull=True, ended_event__isnull=True)
                | Q(ended_at__isnull=False, ended_by__isnull=False, ended_event__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pipeline_id} since {self.allowed_at}"


class ShadowRun(models.Model):
    """A stretch of time in which a version decides beside the active one and changes nothing."""

    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="shadow_runs")
    version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="shadow_runs")
    started_at = models.DateTimeField(default=timezone.now)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")
    stopped_at = models.DateTimeField(null=True)
    stopped_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    stopped_event = models.OneToOneField("ledger.Event", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            # One version at a time runs in the shadow of the active one.
            models.UniqueConstraint(
                name="shadow_one_at_a_time", fields=["pipeline"], condition=Q(stopped_at__isnull=True)
            ),
            models.CheckConstraint(
                name="shadow_stop_has_entry",
                condition=Q(stopped_at__isnull=True, stopped_event__isnull=True)
                | Q(stopped_at__isnull=False, stopped_event__isnull=False),
            ),
        ]
        indexes = [models.Index(name="shadow_newest", fields=["pipeline", "-started_at"])]

    def __str__(self) -> str:
        return f"{self.version_id} since {self.started_at}"
