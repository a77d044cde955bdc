"""What is stored of second looks at settled claims. Part of `models`, which is where it is imported from."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from reviewqueue.claims.models import Claim, Outcome
from reviewqueue.pipelines.models import Pipeline


class RelabelRound(models.Model):
    """One start of second looks: as many suspects as labels drawn at random from those that nothing speaks against."""

    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="relabel_rounds")
    number = models.PositiveIntegerField()
    seed = models.BigIntegerField()  # of the order in which agreeing labels were drawn
    labels = models.PositiveIntegerField()  # searched
    suspects = models.PositiveIntegerField()  # found among them
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(default=timezone.now)
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(name="relabel_round_number_once", fields=["pipeline", "number"])]

    def __str__(self) -> str:
        return f"{self.pipeline_id} #{self.number}"


class RelabelSample(models.TextChoices):
    SUSPECT = "suspect"  # picked because something speaks against the label: estimates nothing
    RANDOM = "random"  # drawn from the others: estimates how many of them are wrong


class RelabelWhy(models.TextChoices):
    MODEL = "model"  # the calibrated confidence makes the label improbable
    CONSENSUS = "consensus"  # most other labels of the same input and output say otherwise
    RANDOM = "random"


class RelabelResult(models.TextChoices):
    CONFIRMED = "confirmed"
    OVERTURNED = "overturned"
    UNDECIDED = "undecided"


class Relabel(models.Model):
    """A second, blind look at a claim that has its truth, and what came of it."""

    task = models.OneToOneField("review.ReviewTask", primary_key=True, on_delete=models.CASCADE, related_name="relabel")
    round = models.ForeignKey(RelabelRound, on_delete=models.PROTECT, related_name="relabels")
    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="+")
    # No claim is looked at again twice.
    claim = models.OneToOneField(Claim, on_delete=models.CASCADE, related_name="relabel")
    outcome = models.ForeignKey(Outcome, on_delete=models.PROTECT, related_name="+")  # the truth that is doubted
    sample = models.CharField(max_length=7, choices=RelabelSample.choices)
    why = models.CharField(max_length=9, choices=RelabelWhy.choices)
    probability = models.FloatField(null=True)  # that the label is right, for whoever doubts it
    result = models.CharField(max_length=10, choices=RelabelResult.choices, blank=True)
    corrected = models.ForeignKey(Outcome, null=True, on_delete=models.PROTECT, related_name="+")
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # It has a result when it is settled.
            models.CheckConstraint(
                name="relabel_settled_with_a_result",
                condition=Q(settled_at__isnull=True, result="") | Q(settled_at__isnull=False) & ~Q(result=""),
            ),
            # Only what was overturned has another truth.
            models.CheckConstraint(
                name="relabel_corrects_what_it_overturns",
                condition=Q(corrected__isnull=True) | Q(result="overturned"),
            ),
            models.CheckConstraint(
                name="relabel_random_is_no_suspect",
                condition=Q(sample="random", why="random") | Q(sample="suspect", why__in=["model", "consensus"]),
            ),
        ]
        indexes = [models.Index(name="relabel_figures", fields=["pipeline", "result", "-settled_at"])]

    def __str__(self) -> str:
        return f"{self.claim_id} {self.why}"
