from __future__ import annotations

import json
import uuid
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from reviewqueue.accounts.models import Source


class ViewRecording(models.TextChoices):
    """Whose reading of what claims say is recorded, outside of a lease on them."""

    OFF = "off"
    AUDITORS = "auditors"  # and administrators: whoever reads to look over others
    EVERYBODY = "everybody"


class Pipeline(models.Model):
    """One AI task whose claims are comparable."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    question = models.TextField(help_text="What the reviewer is asked about each output.")
    guideline = models.TextField(blank=True, help_text="The policy text reviewers can open.")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="owned_pipelines")
    deputy = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    # Enumerated on purpose: a name that is not listed is refused, so a look-alike cannot dodge mandatory review.
    categories = ArrayField(models.CharField(max_length=80), default=list)
    segment_values = models.JSONField(default=dict, help_text='{"language": ["en", "de"]}')
    watched = models.JSONField(default=list, help_text="Which segments statistics are kept for: see watched.py.")
    # What is asked from now on. Checked when the transaction ends, as the two name each other.
    form = models.ForeignKey("pipelines.ReviewForm", on_delete=models.PROTECT, related_name="+")
    # How confidence is obtained here, where that is one way; empty: each claim says it.
    elicitation = models.CharField(max_length=20, blank=True)
    signals = models.JSONField(default=dict, help_text="What is declared of each signal: see pipelines/signals.py.")
    costs = models.JSONField(default=dict, help_text="Prices of reviews, errors and steps: see pipelines/costs.py.")
    content_views = models.JSONField(default=dict, help_text="How texts are shown: see pipelines/content_views.py.")
    queue_rules = models.JSONField(default=dict, help_text="Working time, due times, skills: see queue_rules.py.")
    redaction = models.JSONField(default=list, help_text="What is masked before it is stored: see redaction/.")
    views_recorded = models.CharField(max_length=9, choices=ViewRecording.choices, default=ViewRecording.OFF)
    sources = models.ManyToManyField(Source, related_name="pipelines")
    created_at = models.DateTimeField(default=timezone.now)
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return self.slug

    @property
    def review_form(self) -> dict[str, Any]:
        """The document of the form that reviewers get from now on: see pipelines/review_form.py."""
        return self.form.document


class ReviewForm(models.Model):
    """One version of what reviewers of a pipeline are asked. Never changed: labels were given by it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="forms")
    number = models.PositiveIntegerField()
    # JSON as text: the order in which a schema names its fields is the order in which they are asked.
    document_text = models.TextField()
    document_hash = models.CharField(max_length=71)
    # Nobody: it came with the pipeline.
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    # The first form is in the entry about its pipeline.
    event = models.ForeignKey("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(name="review_form_number_once", fields=["pipeline", "number"])]

    def __str__(self) -> str:
        return f"{self.pipeline_id} form {self.number}"

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.document_text)
        return document


class Role(models.TextChoices):
    REVIEWER = "reviewer"
    SENIOR = "senior"
    OWNER = "owner"
    AUDITOR = "auditor"
    ADMIN = "admin"


INSTANCE_ROLES = [Role.AUDITOR, Role.ADMIN]


class Grant(models.Model):
    """A person's role in one pipeline; auditor and admin are roles of the whole instance and name no pipeline."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="grants")
    pipeline = models.ForeignKey(Pipeline, null=True, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=20, choices=Role.choices)
    granted_at = models.DateTimeField(default=timezone.now)
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            # One person holds a role in a pipeline once.
            models.UniqueConstraint(name="grant_once", fields=["user", "pipeline", "role"], nulls_distinct=False),
            # Work roles belong to a pipeline, instance roles to none.
            models.CheckConstraint(
                name="grant_scope_fits_role",
                condition=Q(pipeline__isnull=True, role__in=["auditor", "admin"])
                | Q(pipeline__isnull=False, role__in=["reviewer", "senior", "owner"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} {self.pipeline_id or 'everywhere'}"


class Skill(models.Model):
    """Something a person is able to judge: a language, a field. What needs it is said by the rules of pipelines."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="skills")
    name = models.CharField(max_length=40)
    granted_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(name="skill_once", fields=["user", "name"])]

    def __str__(self) -> str:
        return f"{self.user_id} {self.name}"
