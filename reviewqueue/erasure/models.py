from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from reviewqueue.claims.models import Claim, new_id
from reviewqueue.golden.models import GoldenItem
from reviewqueue.pipelines.models import Pipeline


class Basis(models.TextChoices):
    """Why something is erased. Codes: they are in the ledger. What they rest on in law is for people to know."""

    CONSENT_WITHDRAWN = "consent_withdrawn", "Consent was withdrawn"
    OBJECTION = "objection", "The person objected"
    NO_LONGER_NEEDED = "no_longer_needed", "No longer needed for its purpose"
    UNLAWFUL = "unlawful", "Should never have been processed"
    LEGAL_DUTY = "legal_duty", "A law or an order demands it"
    LEFT = "left", "The person has left"
    RETENTION = "retention", "Its time of retention is over"


BY_PEOPLE: Final = [basis for basis in Basis if basis != Basis.RETENTION]


class ErasureState(models.TextChoices):
    PENDING = "pending", "Waits for a second person"
    ERASED = "erased", "Erased"
    REFUSED = "refused", "Refused"


class Erasure(models.Model):
    """A wish to erase one claim's payload, one golden item or one person, and what came of it.

    A golden item stands for all of its key in its set: what earlier versions ask, and what models answered to it.

    Two persons, or the time of retention, which a pipeline's owner set.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    claim = models.ForeignKey(Claim, null=True, on_delete=models.PROTECT, related_name="erasures")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="erasures")
    golden_item = models.ForeignKey(GoldenItem, null=True, on_delete=models.PROTECT, related_name="erasures")
    basis = models.CharField(max_length=20, choices=Basis.choices)
    state = models.CharField(max_length=8, choices=ErasureState.choices, default=ErasureState.PENDING)
    # Nobody: the sweep, or an erasure that was carried out again after a restore.
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    requested_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(null=True)
    event = models.OneToOneField("ledger.Event", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="erasure_is_about_one_thing",
                condition=Q(claim__isnull=False, person__isnull=True, golden_item__isnull=True)
                | Q(claim__isnull=True, person__isnull=False, golden_item__isnull=True)
                | Q(claim__isnull=True, person__isnull=True, golden_item__isnull=False),
            ),
            # Nobody erases alone.
            models.CheckConstraint(
                name="erasure_needs_two_persons",
                condition=Q(requested_by__isnull=True) | Q(decided_by__isnull=True) | ~Q(requested_by=F("decided_by")),
            ),
            # Whatever is gone has its ledger entry.
            models.CheckConstraint(
                name="erasure_has_its_entry",
                condition=~Q(state="erased") | Q(event__isnull=False, decided_at__isnull=False),
            ),
            models.UniqueConstraint(
                name="erasure_of_claim_once", fields=["claim"], condition=Q(state__in=["pending", "erased"])
            ),
            models.UniqueConstraint(
                name="erasure_of_person_once", fields=["person"], condition=Q(state__in=["pending", "erased"])
            ),
            models.UniqueConstraint(
                name="erasure_of_golden_item_once",
                fields=["golden_item"],
                condition=Q(state__in=["pending", "erased"]),
            ),
        ]
        indexes = [
            # The list: what waits, oldest first; what was decided, newest first.
            models.Index(name="erasure_pending", fields=["id"], condition=Q(state="pending")),
            models.Index(name="erasure_decided", fields=["-decided_at"], condition=~Q(state="pending")),
        ]

    def __str__(self) -> str:
        return f"{self.claim_id or self.person_id or self.golden_item_id} {self.state}"

    @property
    def pipeline(self) -> Pipeline | None:
        """Whose seniors may agree; of a person, nobody's."""
        if self.claim:
            return self.claim.pipeline
        return self.golden_item.version.golden_set.pipeline if self.golden_item else None


def because(reason: str) -> dict[str, Any]:
    """The field of an entry that says why nobody asked."""
    return {"reason": reason} if reason else {}


class Retention(models.Model):
    """After how many days the payloads of a pipeline are erased; of one category, or of all that have no other rule."""

    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="retention", db_index=False)
    category = models.CharField(max_length=80, blank=True)
    days = models.PositiveIntegerField()
    event = models.ForeignKey("ledger.Event", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="retention_once", fields=["pipeline", "category"]),
            models.CheckConstraint(name="retention_in_range", condition=Q(days__gte=1, days__lte=36_500)),
        ]

    def __str__(self) -> str:
        return f"{self.pipeline_id} {self.category} {self.days}"
