from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from reviewqueue.accounts.models import User


class Pin(models.Model):
    """A checkpoint that an auditor keeps. No entry of the ledger speaks of it: it is there to hold against the ledger.

    `note` is the signed note, whole; size and root are what it says.
    """

    holder = models.ForeignKey(User, on_delete=models.PROTECT, related_name="pins")
    note = models.TextField()
    origin = models.TextField()
    tree_size = models.BigIntegerField()
    root = models.BinaryField(max_length=32)
    remark = models.CharField(max_length=300, blank=True)
    pinned_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            # One auditor keeps one statement once.
            models.UniqueConstraint(name="pin_once", fields=["holder", "origin", "tree_size", "root"]),
            models.CheckConstraint(name="pin_size_counts", condition=Q(tree_size__gte=0)),
        ]
        # An auditor's pins are listed newest first.
        indexes = [models.Index(name="pin_by_holder", fields=["holder", "-id"])]

    def __str__(self) -> str:
        return f"{self.origin} {self.tree_size}"


class RunState(models.TextChoices):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"  # it could not be carried out: nothing was proven and nothing contradicted


class VerificationRun(models.Model):
    """One recomputation of the whole ledger, with what it found. Nobody asked for the daily one.

    `done` counts leaves and moves while it runs; `event` is the entry that says who verified, and with what result.
    """

    OPEN: ClassVar = (RunState.WAITING, RunState.RUNNING)

    asked_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    keys = ArrayField(models.TextField(), default=list)  # public ones, of whoever asked
    pins = ArrayField(models.TextField(), default=list)  # signed notes kept outside
    state = models.CharField(max_length=7, choices=RunState.choices, default=RunState.WAITING)
    started_at = models.DateTimeField(null=True)
    heard_at = models.DateTimeField(null=True)  # when it last told how far it is
    finished_at = models.DateTimeField(null=True)
    expected = models.BigIntegerField(null=True)
    done = models.BigIntegerField(default=0)
    root = models.CharField(max_length=64, blank=True)
    sound = models.BooleanField(null=True)
    unsealed = models.BigIntegerField(null=True)
    checkpoints = models.BigIntegerField(null=True)
    signatures_checked = models.BooleanField(null=True)
    findings = models.JSONField(default=list)  # [{"code", "message"}]; the message names the place
    omitted = models.BigIntegerField(default=0)
    failure = models.TextField(blank=True)
    event = models.OneToOneField("ledger.Event", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            # One at a time: each reads the whole ledger.
            models.UniqueConstraint(
                models.Value(1), name="verification_run_one_open", condition=Q(state__in=["waiting", "running"])
            ),
            # A result is in the ledger.
            models.CheckConstraint(
                name="verification_run_result_has_event",
                condition=~Q(state="done") | Q(event__isnull=False, sound__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"verification {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    @property
    def percent_done(self) -> int:
        return min(100 * self.done // self.expected, 100) if self.expected else 0
