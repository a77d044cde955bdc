"""Several schedulers that look at the same alarms at the same moment, with real commits."""

from __future__ import annotations

from typing import Any

from django.core import mail as outbox
from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.alarms import services
from reviewqueue.ledger.models import Event
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.reports.alarm import LATE, Alarm
from tests.concurrency.review.test_race_for_leases import at_once
from tests.world import World

ALARMS = [Alarm("webhook_silent", LATE, f"Source {place} waits.", "", subject=str(place)) for place in range(5)]


def test_each_alarm_is_told_once_and_each_person_mailed_once(committed_world: World, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    User.objects.filter(pk=committed_world.olga.pk).update(email="olga@example.org")
    now = timezone.now()

    def look() -> int:
        pipeline = Pipeline.objects.select_related("owner", "deputy").get(pk=committed_world.pipeline.pk)
        told = services.keep(pipeline=pipeline, alarms=ALARMS, now=now)
        services.send_mail(now=now)
        return told

    assert sum(at_once([look] * 6)) == 5
    assert Event.objects.filter(kind="pipeline.alarm").count() == 5
    assert [message.subject for message in outbox.outbox] == ["Alarms: 5 new"]
