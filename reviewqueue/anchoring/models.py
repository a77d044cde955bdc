from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone


class Handover(models.Model):
    """A checkpoint that a place outside took. The sealing worker writes it into the ledger as a receipt."""

    sink = models.CharField(max_length=120)
    origin = models.CharField(max_length=200)
    tree_size = models.BigIntegerField()
    receipt = models.BinaryField(null=True)
    at = models.DateTimeField(default=timezone.now)
    receipted = models.BooleanField(default=False)

    class Meta:
        constraints = [
            # A place takes each size of a ledger once.
            models.UniqueConstraint(name="handover_once", fields=["origin", "sink", "tree_size"]),
        ]
        indexes = [
            models.Index(name="handover_not_receipted", fields=["id"], condition=Q(receipted=False)),
        ]

    def __str__(self) -> str:
        return f"{self.sink} {self.tree_size}"


class Trouble(models.Model):
    """What is wrong with a place at this moment; no row while all is well."""

    sink = models.CharField(max_length=120, primary_key=True)
    origin = models.CharField(max_length=200, default="")
    since = models.DateTimeField()
    tried_at = models.DateTimeField()
    failures = models.IntegerField(default=1)
    error = models.CharField(max_length=300)
    # What the place knows that contradicts this ledger: nothing is signed while it stands.
    contradiction = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"{self.sink}: {self.error}"
