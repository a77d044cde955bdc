from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.pipelines.models import Pipeline


class Every(models.TextChoices):
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"


class ReportSchedule(models.Model):
    """Reports of the last whole week, month or quarter (UTC), made by themselves and told to people who may see them.

    `next_from` is the first day of the period whose report comes next. It moves on when that report was made and told.
    """

    pipeline = models.ForeignKey(Pipeline, null=True, on_delete=models.PROTECT, related_name="+")
    every = models.CharField(max_length=7, choices=Every.choices)
    recipients = models.ManyToManyField(User, related_name="+")
    next_from = models.DateField()
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)  # in vain to tell of the last report
    failure = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            # One rhythm of a pipeline (or of all of them) has one list of recipients.
            models.UniqueConstraint(
                name="report_schedule_once",
                fields=["pipeline", "every"],
                nulls_distinct=False,
                condition=Q(ended_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.every} {self.pipeline_id or 'all'}"


class ReportState(models.TextChoices):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"  # its file is gone; what it was made from can be exported again


class AuditReport(models.Model):
    """A report over a period that somebody asked for. Its file is `report.json`; `event` holds the hash of it.

    It speaks of the leaves from `first` to before `tree_size`, under the checkpoint of that size.
    """

    OPEN: ClassVar = (ReportState.WAITING, ReportState.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    pipeline = models.ForeignKey(Pipeline, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    since = models.DateTimeField()
    until = models.DateTimeField()
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField(default=timezone.now)
    schedule = models.ForeignKey(ReportSchedule, null=True, on_delete=models.PROTECT, related_name="reports")
    told_at = models.DateTimeField(null=True)  # when those whom the schedule names were told
    state = models.CharField(max_length=7, choices=ReportState.choices, default=ReportState.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    heard_at = models.DateTimeField(null=True)  # when it last told how far it is
    finished_at = models.DateTimeField(null=True)
    done = models.PositiveSmallIntegerField(default=0)  # sections
    expected = models.PositiveSmallIntegerField(default=0)
    first = models.BigIntegerField(null=True)
    tree_size = models.BigIntegerField(null=True)
    root = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField(null=True)
    stored_as = models.CharField(max_length=100, blank=True)
    failure = models.TextField(blank=True)
    event = models.OneToOneField("ledger.Event", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(name="audit_report_has_a_time", condition=Q(since__lt=models.F("until"))),
            # What was made is in the ledger, with the hash of its file.
            models.CheckConstraint(
                name="audit_report_made_has_event",
                condition=~Q(state__in=["done", "expired"]) | Q(event__isnull=False) & ~Q(digest=""),
            ),
            # A schedule makes one report of a period.
            models.UniqueConstraint(
                name="audit_report_of_schedule_once",
                fields=["schedule", "since"],
                condition=Q(schedule__isnull=False),
            ),
        ]
        indexes = [
            # The lists, newest first: of everything, and of one pipeline.
            models.Index(name="audit_report_newest", fields=["-asked_at", "-id"]),
            models.Index(name="audit_report_of_pipeline", fields=["pipeline", "-asked_at"]),
            # What the sweep takes.
            models.Index(name="audit_report_open", fields=["asked_at"], condition=Q(state__in=["waiting", "running"])),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    @property
    def percent_done(self) -> int:
        return min(100 * self.done // self.expected, 100) if self.expected else 0

    @property
    def entries(self) -> int:
        return (self.tree_size or 0) - (self.first or 0)

    @property
    def last(self) -> int:
        return (self.tree_size or 0) - 1

    @property
    def name(self) -> str:
        """Of files and subjects; letters, digits and dashes alone."""
        whose = self.pipeline.slug if self.pipeline else "all"
        return f"audit-{whose}-{self.since:%Y-%m-%d}-{self.until:%Y-%m-%d}"
