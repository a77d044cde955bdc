from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from reviewqueue.claims.models import Claim, new_id
from reviewqueue.pipelines.models import Pipeline


class PayloadView(models.Model):
    """When a person's reading of a claim was last recorded: the next record comes QUIET_FOR later at the earliest."""

    viewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            # One row says when it was last recorded, so two readings at once cannot both be the first.
            models.UniqueConstraint(name="payload_view_once", fields=["viewer", "claim"]),
        ]

    def __str__(self) -> str:
        return f"{self.viewer_id} {self.claim_id}"


class BreakGlass(models.Model):
    """An administrator's right to read one claim for a short time, taken with a reason and told to the owner."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="+", db_index=False)
    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="+")
    reason = models.TextField()
    began_at = models.DateTimeField()
    until = models.DateTimeField()
    event = models.OneToOneField("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(name="break_glass_has_a_reason", condition=~Q(reason="")),
            models.CheckConstraint(name="break_glass_ends", condition=Q(until__gt=F("began_at"))),
        ]
        indexes = [models.Index(name="break_glass_of_pipeline", fields=["pipeline", "-began_at"])]

    def __str__(self) -> str:
        return f"{self.user_id} {self.claim_id}"
