from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from reviewqueue.pipelines.models import Pipeline


class RaisedAlarm(models.Model):
    """An alarm from when it was first seen until it is seen no more. `subject` tells alarms of one code apart."""

    pipeline = models.ForeignKey(Pipeline, on_delete=models.PROTECT, related_name="+", db_index=False)
    code = models.CharField(max_length=30)
    subject = models.CharField(max_length=300, blank=True)
    tone = models.CharField(max_length=10)
    title = models.TextField()  # as it was last seen
    text = models.TextField()
    since = models.DateTimeField()
    told_at = models.DateTimeField()  # when it was last told: at once, and daily while it stands
    ended_at = models.DateTimeField(null=True)
    event = models.ForeignKey("ledger.Event", on_delete=models.PROTECT, related_name="+")  # its first

    class Meta:
        constraints = [
            # However many schedulers look, an alarm stands once.
            models.UniqueConstraint(
                name="alarm_stands_once", fields=["pipeline", "code", "subject"], condition=Q(ended_at__isnull=True)
            ),
        ]
        indexes = [models.Index(name="alarm_of_pipeline", fields=["pipeline", "-since"])]

    def __str__(self) -> str:
        return f"{self.pipeline_id} {self.code} {self.subject}"


class NoticeKind(models.TextChoices):
    OPENED = "opened"
    STANDING = "standing"
    ENDED = "ended"


class AlarmNotice(models.Model):
    """What one person is to be mailed of one alarm; all that waits for a person goes into one mail."""

    alarm = models.ForeignKey(RaisedAlarm, on_delete=models.CASCADE, related_name="notices", db_index=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=8, choices=NoticeKind.choices)
    # The ledger entry it stands for: an alarm that stands for days has one a day.
    event = models.ForeignKey("ledger.Event", on_delete=models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True)  # a mail with it was begun
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # A person hears of one thing once.
            models.UniqueConstraint(name="alarm_notice_once", fields=["event", "person"]),
        ]
        indexes = [
            models.Index(name="alarm_notice_waiting", fields=["person", "id"], condition=Q(sent_at__isnull=True)),
            models.Index(name="alarm_notice_of_alarm", fields=["alarm"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.alarm_id} for {self.person_id}"
