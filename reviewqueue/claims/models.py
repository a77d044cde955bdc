from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Final

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from reviewqueue.accounts.models import Source
from reviewqueue.payloads.words import Words, word
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.models import PolicyVersion


def new_id() -> uuid.UUID:
    return uuid7()


class ClaimStatus(models.TextChoices):
    DECIDED = "decided"
    AWAITING_STEP = "awaiting_step"
    IN_REVIEW = "in_review"
    SETTLED = "settled"
    ERASED = "erased"  # its payload was, before anybody had come to an end with it


LARGEST_SKEW: Final = timedelta(minutes=5)
OLDEST_LIKELY: Final = timedelta(days=366)


class Claim(models.Model):
    """One model output submitted with a stated confidence.

    Immutable but for `status`: a database trigger refuses the rest.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+")
    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="+")
    external_id = models.CharField(max_length=200)
    model = models.CharField(max_length=120)
    model_version = models.CharField(max_length=120)
    prompt_version = models.CharField(max_length=120, blank=True)
    category = models.CharField(max_length=80, blank=True)
    segments = models.JSONField(default=dict)
    confidence = models.FloatField()
    elicitation = models.CharField(max_length=20, default="other")
    signals = models.JSONField(default=dict)
    fingerprint = models.BinaryField(max_length=32)  # of the input: repeated inputs are one cluster in statistics
    content_hash = models.BinaryField(max_length=32)  # of everything submitted: a retry is the same content
    supersedes = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    callback_url = models.TextField(null=True)
    occurred_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(default=timezone.now)
    status = models.CharField(max_length=13, choices=ClaimStatus.choices)
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            # The natural key: the same external_id of a source is the same claim.
            models.UniqueConstraint(name="claim_external_id_once", fields=["source", "external_id"]),
            models.CheckConstraint(
                name="claim_confidence_is_a_share", condition=Q(confidence__gte=0, confidence__lte=1)
            ),
        ]
        indexes = [
            # Lists are newest first, by pipeline; UUIDv7 ids sort by time.
            models.Index(name="claim_by_pipeline", fields=["pipeline", "-id"]),
            models.Index(name="claim_by_source", fields=["source", "-id"]),
            models.Index(name="claim_by_status", fields=["pipeline", "status", "-id"]),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def has_odd_time(self) -> bool:
        """Whether `occurred_at` is likely the mistake of a clock. Nothing rests on it but what people read."""
        if self.occurred_at is None:
            return False
        return not self.received_at - OLDEST_LIKELY <= self.occurred_at <= self.received_at + LARGEST_SKEW


class Attachment(models.Model):
    """A file that claims of a source may name. The ledger holds SHA-256(0x02, salt, content) and nothing readable."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+")
    media_type = models.CharField(max_length=40)  # told by the content, see file_types.py
    size = models.PositiveIntegerField()
    digest = models.BinaryField(max_length=32)  # SHA-256: the same bytes again are the same file
    salt = models.BinaryField(max_length=32, null=True)  # null: with its key, as its file is encrypted
    stored_as = models.CharField(max_length=100, unique=True)  # a random name in the default storage
    uploaded_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)  # when the first claim named it; until then it may be forgotten
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            # The same bytes of a source are stored once.
            models.UniqueConstraint(name="attachment_content_once", fields=["source", "digest"]),
        ]
        indexes = [
            # What is to be forgotten, and how many files of a source wait to be named.
            models.Index(name="attachment_unused", fields=["uploaded_at"], condition=Q(used_at=None)),
            models.Index(name="attachment_unused_of_source", fields=["source"], condition=Q(used_at=None)),
        ]

    def __str__(self) -> str:
        return str(self.id)


class AttachmentUse(models.Model):
    """A claim names a file: what it says so with is encrypted, and a file goes with the last claim that names it."""

    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="attachment_uses", db_index=False)
    attachment = models.ForeignKey(Attachment, on_delete=models.CASCADE, related_name="uses")

    class Meta:
        constraints = [models.UniqueConstraint(name="attachment_use_once", fields=["claim", "attachment"])]

    def __str__(self) -> str:
        return f"{self.claim_id} {self.attachment_id}"


class Route(models.TextChoices):
    ACCEPT = "accept"
    ACCEPT_FLAGGED = "accept_flagged"
    REVIEW = "review"
    ESCALATE = "escalate"
    REJECT = "reject"
    UNCERTAIN = "uncertain"


class Decision(models.Model):
    """The recorded application of a policy to a claim, with everything needed to replay it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="decisions")
    number = models.PositiveSmallIntegerField(default=1)
    standing = models.BooleanField(default=True)
    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="+")
    policy_version = models.ForeignKey(PolicyVersion, null=True, on_delete=models.PROTECT, related_name="+")
    route = models.CharField(max_length=14, choices=Route.choices)
    next_step = models.CharField(max_length=10, null=True)
    band = models.CharField(max_length=40, blank=True)
    band_state = models.CharField(max_length=12)
    calibrated_confidence = models.FloatField(null=True)
    calibrator = models.CharField(max_length=80, null=True)
    reasons = ArrayField(models.CharField(max_length=30))
    mandatory = models.BooleanField()
    audit_u = models.FloatField()
    audit_rate = models.FloatField()
    audit_sampled = models.BooleanField()
    inclusion_probability = models.FloatField()
    facts = models.JSONField()  # what route() was given, for replay
    decided_at = models.DateTimeField(default=timezone.now)
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="decision_number_once", fields=["claim", "number"]),
            # One decision of a claim stands.
            models.UniqueConstraint(name="decision_one_stands", fields=["claim"], condition=Q(standing=True)),
            # Mandatory review: no score, policy or bug can route such a claim past a person.
            models.CheckConstraint(
                name="decision_mandatory_goes_to_people",
                condition=Q(mandatory=False) | Q(route__in=["review", "escalate"]),
            ),
            # No confidence decides anything until its band has been measured against ground truth.
            models.CheckConstraint(
                name="decision_unvalidated_band_never_automates",
                condition=Q(route__in=["review", "escalate", "uncertain"]) | Q(band_state="validated"),
            ),
            # Every claim that statistics may use has a known chance of being labelled.
            models.CheckConstraint(
                name="decision_inclusion_is_a_share",
                condition=Q(
                    inclusion_probability__gte=0,
                    inclusion_probability__lte=1,
                    audit_rate__gte=0,
                    audit_rate__lte=1,
                    audit_u__gte=0,
                    audit_u__lt=1,
                ),
            ),
        ]
        indexes = [
            models.Index(name="decision_by_route", fields=["pipeline", "route", "-claim"], condition=Q(standing=True)),
            models.Index(name="decision_by_band", fields=["pipeline", "band", "-claim"], condition=Q(standing=True)),
        ]

    def __str__(self) -> str:
        return f"{self.claim_id} {self.route}"


class OutcomeBasis(models.TextChoices):
    LABELS = "labels"
    ADJUDICATION = "adjudication"
    EXTERNAL = "external"


class Outcome(Words):
    """The truth that stands for a claim, and whether the claim was correct. Superseded, never edited."""

    WORDS: ClassVar[Mapping[str, Any]] = {"output": None}
    KIND = "outcome"
    output = word("output")  # the right answer, where it is known

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="outcomes")
    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField()
    standing = models.BooleanField(default=True)
    correct = models.BooleanField(null=True)  # null: people looked and could not tell
    basis = models.CharField(max_length=12, choices=OutcomeBasis.choices)
    # The outcome that accuracy estimates use. What is reported from outside depends on the outcome, so it never is.
    measures = models.BooleanField()
    unmeasured_at = models.DateTimeField(null=True)  # when estimates stopped using it
    label_id = models.UUIDField(null=True)
    told_by = models.CharField(max_length=120, blank=True)
    observed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="outcome_number_once", fields=["claim", "number"]),
            # One outcome of a claim stands.
            models.UniqueConstraint(name="outcome_one_stands", fields=["claim"], condition=Q(standing=True)),
            # One outcome of a claim is measured.
            models.UniqueConstraint(name="outcome_one_measures", fields=["claim"], condition=Q(measures=True)),
            # What somebody reported from outside is never a measurement.
            models.CheckConstraint(
                name="outcome_external_never_measures", condition=~Q(basis="external", measures=True)
            ),
        ]
        indexes = [
            models.Index(name="outcome_feed", fields=["pipeline", "id"]),
            models.Index(name="outcome_measured", fields=["pipeline", "-created_at"], condition=Q(measures=True)),
        ]

    def __str__(self) -> str:
        return f"{self.claim_id} {self.correct}"
