"""Keeps a row for each alarm that stands, and tells: when it opens, every day while it stands, and when it is over.

Each telling is an entry in the ledger, from which endpoints hear (deliveries/services/happenings.py), and a notice for
each person who answers for the pipeline. Mail is sent outside of any transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.alarms.models import AlarmNotice, NoticeKind, RaisedAlarm
from reviewqueue.alarms.selectors import TOLD, addressees
from reviewqueue.alarms.wording import digest
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.services import Appended
from reviewqueue.ledger.times import microseconds
from reviewqueue.operations import mail
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.reports.alarm import Alarm
from reviewqueue.reports.at_a_glance import glance_at
from reviewqueue.transactions import service

log = logging.getLogger(__name__)

AGAIN_AFTER: Final = timedelta(days=1)
TAKEN_FOR: Final = timedelta(minutes=15)
"""A mail that was begun so long ago was not sent."""
GIVEN_UP_AFTER: Final = timedelta(days=3)
MOST_IN_A_MAIL: Final = 100
LOOKED_BACK_DAYS: Final = 1

Key = tuple[str, str]


def watch(*, now: datetime | None = None) -> int:
    """Looks at every pipeline and mails what is new; returns how many alarms opened, were repeated or ended."""
    moment = now or timezone.now()
    pipelines = Pipeline.objects.select_related("owner", "deputy").order_by("pk")
    told = sum(_watch_one(pipeline, moment) for pipeline in pipelines)
    send_mail(now=moment)
    return told


def _watch_one(pipeline: Pipeline, now: datetime) -> int:
    found = glance_at(pipeline, days=LOOKED_BACK_DAYS, now=now).alarms
    return keep(pipeline=pipeline, alarms=[alarm for alarm in found if alarm.code in TOLD], now=now)


@service
def keep(*, pipeline: Pipeline, alarms: Collection[Alarm], now: datetime) -> int:
    """Makes what stands what was found; returns how much there was to tell. Doing so twice changes nothing."""
    Pipeline.objects.select_for_update(no_key=True).get(pk=pipeline.pk)  # two looks at once would tell it twice
    people = addressees(pipeline) if mail.mail_is_set_up() else []
    standing = {
        (row.code, row.subject): row for row in RaisedAlarm.objects.filter(pipeline=pipeline, ended_at__isnull=True)
    }
    found: Mapping[Key, Alarm] = {(alarm.code, alarm.subject[:300]): alarm for alarm in alarms}
    told = 0
    for key, alarm in found.items():
        row = standing.get(key)
        if row is None:
            _open(pipeline, alarm, people, now)
        elif not _stays(row, alarm, pipeline, people, now):
            continue
        told += 1
    for key in standing.keys() - found.keys():
        row = standing[key]
        row.ended_at = now
        row.save(update_fields=["ended_at"])
        _tell(row, NoticeKind.ENDED, _entry(pipeline, row, NoticeKind.ENDED), people, now)
        told += 1
    return told


def _open(pipeline: Pipeline, alarm: Alarm, people: Collection[User], now: datetime) -> None:
    row = RaisedAlarm(
        pipeline=pipeline,
        code=alarm.code,
        subject=alarm.subject[:300],
        tone=alarm.tone,
        title=alarm.title,
        text=alarm.text,
        since=now,
        told_at=now,
    )
    entry = _entry(pipeline, row, NoticeKind.OPENED)
    row.event_id = entry.id
    row.save(force_insert=True)
    _tell(row, NoticeKind.OPENED, entry, people, now)


def _stays(row: RaisedAlarm, alarm: Alarm, pipeline: Pipeline, people: Collection[User], now: datetime) -> bool:
    """Whether there is something to tell of an alarm that stands."""
    row.tone, row.title, row.text = alarm.tone, alarm.title, alarm.text
    again = row.told_at <= now - AGAIN_AFTER
    if again:
        row.told_at = now
    row.save(update_fields=["tone", "title", "text", "told_at"])
    if again:
        _tell(row, NoticeKind.STANDING, _entry(pipeline, row, NoticeKind.STANDING), people, now)
    return again


def _entry(pipeline: Pipeline, row: RaisedAlarm, state: NoticeKind) -> Appended:
    return ledger.append(
        event="pipeline.alarm",
        actor=Actor.system("alarms"),
        pipeline=pipeline.slug,
        code=row.code,
        subject=row.subject,
        tone=row.tone,
        state=state.value,
        since_us=microseconds(row.since),
    )


def _tell(row: RaisedAlarm, kind: NoticeKind, entry: Appended, people: Collection[User], now: datetime) -> None:
    AlarmNotice.objects.bulk_create(
        [AlarmNotice(alarm=row, person=person, kind=kind, event_id=entry.id, created_at=now) for person in people]
    )


def send_mail(*, now: datetime | None = None) -> int:
    """One mail to each person with notices that wait; returns how many mails went out.

    A mail is begun before it is sent. Where sending fails, it is begun again after TAKEN_FOR, and given up after
    GIVEN_UP_AFTER: the page has it all the same.
    """
    moment = now or timezone.now()
    if not mail.mail_is_set_up():
        return 0
    waiting = AlarmNotice.objects.filter(sent_at__isnull=True).values_list("person", flat=True).distinct()
    return sum(_mail_to(person, moment) for person in User.objects.filter(pk__in=waiting).order_by("pk"))


def _mail_to(person: User, now: datetime) -> int:
    notices = _take(person=person, now=now)
    if not notices:
        return 0
    subject, text = digest(notices)
    try:
        mail.send(subject=subject, text=text, to=[person.email] if person.is_active else [])
    except OSError as error:
        log.error("alarms: no mail to %s: %s", person.pseudonym, type(error).__name__)
        return 0
    AlarmNotice.objects.filter(pk__in=[notice.pk for notice in notices]).update(sent_at=now)
    return 1


@service
def _take(*, person: User, now: datetime) -> list[AlarmNotice]:
    """What waits for a person and is in nobody else's hands."""
    rows = AlarmNotice.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        person=person, sent_at__isnull=True
    )
    rows.filter(created_at__lt=now - GIVEN_UP_AFTER).update(sent_at=now)
    free = rows.exclude(taken_at__gt=now - TAKEN_FOR).select_related("alarm__pipeline").order_by("id")
    taken = list(free[:MOST_IN_A_MAIL])
    AlarmNotice.objects.filter(pk__in=[notice.pk for notice in taken]).update(taken_at=now)
    return taken
