from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from reviewqueue.claims.models import Claim, Route
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.models import PolicyVersion, ShadowRun


class CalibratorStatus(models.TextChoices):
    FITTED = "fitted"  # judged against the champion, not decided yet
    PROPOSED = "proposed"  # better beyond doubt: a draft policy carries it
    REJECTED = "rejected"


class Calibrator(models.Model):
    """A fitted map from stated to calibrated confidence, with the labels it was fitted on and judged by."""

    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="calibrators")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=80)  # "isotonic-7", as decisions and policies name it
    model = models.CharField(max_length=120)
    model_version = models.CharField(max_length=120)
    prompt_version = models.CharField(max_length=120, blank=True)
    kind = models.CharField(max_length=20)
    map = models.JSONField()
    fit_labels = models.PositiveIntegerField()
    judged_labels = models.PositiveIntegerField()
    last_outcome_at = models.DateTimeField()  # the newest measured outcome it has seen, in either half
    figures = models.JSONField(default=dict)  # candidate and champion on the held-out half, with intervals
    status = models.CharField(max_length=10, choices=CalibratorStatus.choices)
    proposed_in = models.ForeignKey(PolicyVersion, null=True, on_delete=models.PROTECT, related_name="+")
    fitted_at = models.DateTimeField(default=timezone.now)
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(name="calibrator_number_once", fields=["pipeline", "number"])]
        indexes = [
            models.Index(
                name="calibrator_by_key", fields=["pipeline", "model", "model_version", "prompt_version", "-number"]
            )
        ]

    def __str__(self) -> str:
        return self.name


class BandStat(models.Model):
    """Measured accuracy of one band under one policy version, for one model and prompt version (and one segment).

    Derived: a function of claims, decisions and measured outcomes. Deleting every row and sweeping gives the same rows.
    """

    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.CASCADE, related_name="+")
    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="+")
    model = models.CharField(max_length=120)
    model_version = models.CharField(max_length=120)
    prompt_version = models.CharField(max_length=120, blank=True)
    segment = models.CharField(max_length=500, blank=True)  # "" is everything, else as core.segments names it
    band = models.CharField(max_length=40)
    n_routed = models.PositiveIntegerField()
    n_sampled = models.PositiveIntegerField()
    n_labelled = models.PositiveIntegerField()
    n_right = models.PositiveIntegerField()
    mean_confidence = models.FloatField(null=True)
    accuracy = models.FloatField(null=True)
    low = models.FloatField()
    high = models.FloatField()
    level = models.FloatField()
    unlabelled_share = models.FloatField(default=0)  # of the claims, in strata of which no label is in yet
    error_upper = models.FloatField()  # one-sided exact limit of the gate
    gate_labels = models.PositiveIntegerField()  # labels of the equal-probability sample behind the gate
    required = models.FloatField(null=True)
    state = models.CharField(max_length=12)
    method = models.CharField(max_length=30)
    newest_outcome_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="band_stat_once",
                fields=["policy_version", "model", "model_version", "prompt_version", "segment", "band"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_version} {self.segment} {self.band}"


class Measurement(models.Model):
    """Up to what the bands of a pipeline have been measured. Losing it costs one recomputation."""

    pipeline = models.OneToOneField(Pipeline, primary_key=True, on_delete=models.CASCADE, related_name="+")
    seen = models.TextField()
    measured_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.pipeline_id} {self.measured_at}"


class ShadowDecision(models.Model):
    """What the version in shadow would have decided about a claim that the active one decided.

    Derived: a function of the claim's stored facts, the version and the states of its bands when it was written.
    """

    run = models.ForeignKey(ShadowRun, on_delete=models.CASCADE, related_name="decisions")
    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="+")
    route = models.CharField(max_length=14, choices=Route.choices)
    band = models.CharField(max_length=40, blank=True)
    reasons = ArrayField(models.CharField(max_length=30))
    audit_sampled = models.BooleanField()
    decided_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            # However often the sweep runs, a claim counts once in a run.
            models.UniqueConstraint(name="shadow_decision_once", fields=["run", "claim"]),
        ]

    def __str__(self) -> str:
        return f"{self.claim_id} {self.route}"


class SuspectSearch(models.Model):
    """What the last search for labels that deserve a second look found. Losing it costs one search.

    `doubted` (worst first) and `drawn` (in the order that the seed gave) hold claim, outcome, why and probability.
    """

    pipeline = models.OneToOneField(Pipeline, primary_key=True, on_delete=models.CASCADE, related_name="+")
    searched_at = models.DateTimeField()
    next_at = models.DateTimeField()  # when the sweep searches again
    seed = models.BigIntegerField()
    labels = models.PositiveIntegerField()
    suspects = models.PositiveIntegerField()
    by_consensus = models.PositiveIntegerField()
    subjects = models.JSONField()
    doubted = models.JSONField()
    drawn = models.JSONField()

    def __str__(self) -> str:
        return f"{self.pipeline_id} {self.searched_at}"
