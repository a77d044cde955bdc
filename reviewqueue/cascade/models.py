from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from reviewqueue.claims.models import Claim
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.models import PolicyVersion


class StepEnd(models.TextChoices):
    ANSWERED = "answered"  # a newer attempt came in
    EXPIRED = "expired"  # none came in time: the claim went to people
    REROUTED = "rerouted"  # a stricter policy sent the claim to people
    SETTLED = "settled"  # the truth became known from outside first


class Step(models.Model):
    """What the caller is asked to do next with a claim, and until when. Open while the claim waits for it."""

    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="steps")
    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10)
    attempt = models.PositiveSmallIntegerField()
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_how = models.CharField(max_length=8, choices=StepEnd.choices, blank=True)
    next_try_at = models.DateTimeField(null=True)  # when the secondary handler may next be asked; null: at once
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            # A claim waits for one thing at a time.
            models.UniqueConstraint(
                name="step_one_open_per_claim", fields=["claim"], condition=Q(closed_at__isnull=True)
            ),
            # Whoever finds a step closed finds how.
            models.CheckConstraint(
                name="step_says_how_it_ended",
                condition=Q(closed_at__isnull=True, closed_how="") | (Q(closed_at__isnull=False) & ~Q(closed_how="")),
            ),
        ]
        indexes = [
            models.Index(name="step_due", fields=["due_at"], condition=Q(closed_at__isnull=True)),
            # What the handlers of pipelines are asked for.
            models.Index(
                name="step_for_handler",
                fields=["pipeline", "next_try_at"],
                condition=Q(closed_at__isnull=True, kind="secondary"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.claim_id}"


class Attempt(models.Model):
    """A claim's place in its case: the chain of claims of which each answers the one before. Alone, a claim has none.

    A case is called after its first claim.
    """

    claim = models.OneToOneField(Claim, primary_key=True, on_delete=models.CASCADE, related_name="attempt")
    case = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="attempts_of_case")
    number = models.PositiveIntegerField()
    standing = models.BooleanField()
    answer = models.BinaryField(max_length=32, null=True)  # its output, compared without being read (agreement.py)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="attempt_of_case_once", fields=["case", "number"]),
            # The last attempt speaks for the case, and nothing else does.
            models.UniqueConstraint(name="attempt_one_stands", fields=["case"], condition=Q(standing=True)),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} attempt {self.number}"


class Rerouting(models.Model):
    """How far the open claims of a pipeline have been routed again by a version that became active."""

    version = models.OneToOneField(PolicyVersion, primary_key=True, on_delete=models.CASCADE, related_name="+")
    cursor = models.UUIDField(null=True)  # the last claim looked at, in the order of their ids
    looked_at = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(default=timezone.now)  # when the last pass through all of them began
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"rerouting by {self.version_id}"


class SecondaryHandler(models.Model):
    """Where a pipeline asks for a second opinion: an address that answers steps of the kind `secondary`.

    It is sent claims only once it has repeated a challenge, so that nobody can point it at somebody else.
    """

    pipeline = models.OneToOneField(Pipeline, primary_key=True, on_delete=models.CASCADE, related_name="+")
    url = models.TextField()
    model = models.CharField(max_length=120)  # the only one whose answers are taken
    timeout_seconds = models.PositiveSmallIntegerField()
    sealed = models.TextField()  # what requests are signed with, encrypted (deliveries/vault.py)
    enabled = models.BooleanField(default=True)
    challenge = models.CharField(max_length=43)
    verified_at = models.DateTimeField(null=True)
    next_challenge_at = models.DateTimeField(default=timezone.now)
    last_error = models.CharField(max_length=20, blank=True)  # of the last challenge
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    changed_at = models.DateTimeField(default=timezone.now)
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="handler_waits_a_minute_at_most", condition=Q(timeout_seconds__gte=1, timeout_seconds__lte=60)
            ),
        ]

    def __str__(self) -> str:
        return f"secondary handler of {self.pipeline_id}"


class HandlerCall(models.Model):
    """One request to a secondary handler. Written before it is made: one without an end was interrupted."""

    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="calls")
    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="+", db_index=False)
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True)
    seconds = models.FloatField(null=True)
    error = models.CharField(max_length=20, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="handler_call_once", fields=["step", "number"])]
        indexes = [models.Index(name="handler_call_of_pipeline", fields=["pipeline", "-id"])]

    def __str__(self) -> str:
        return f"call {self.number} for step {self.step_id}"
