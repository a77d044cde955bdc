"""Checkpoints find their own way out: each place has its own progress, and none waits for another."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.utils import timezone

from reviewqueue.anchoring.models import Handover, Trouble
from reviewqueue.anchoring.places import Checkpointed, Contradicted, Place, places
from reviewqueue.ledger.models import Checkpoint
from reviewqueue.ledger.note import TreeHead, parse_note
from reviewqueue.ledger.roles import SEALER, acting_as
from reviewqueue.ledger.selectors import latest_checkpoint
from reviewqueue.transactions import service

log = logging.getLogger(__name__)

FIRST_WAIT: Final = 10.0
LONGEST_WAIT: Final = 3600.0
MOST_RECEIPTS: Final = 500
_RECEIPT = "INSERT INTO ledger.anchor (tree_size, sink, receipt, at) VALUES (%s, %s, %s, %s)"


def hand_over_due(*, only: Collection[str] = (), at_once: bool = False) -> int:
    """Sends the newest checkpoint to every place that is due for it; returns how many took it.

    `at_once` asks all of them, or those of `only`, whether they are due or not.
    """
    newest = latest_checkpoint()
    if newest is None:
        return 0
    wanted = [place for place in places() if not only or place.name in only]
    now = timezone.now()
    return sum(_hand_over(place, newest, now) for place in wanted if at_once or _is_due(place, newest, now))


def _is_due(place: Place, newest: Checkpoint, now: datetime) -> bool:
    last = _last(place)
    if last and (last.tree_size >= newest.tree_size or now - last.at < timedelta(seconds=place.every)):
        return False
    trouble = Trouble.objects.filter(sink=place.name).first()
    return trouble is None or now - trouble.tried_at >= _wait(trouble.failures)


def _last(place: Place) -> Handover | None:
    return Handover.objects.filter(sink=place.name, origin=settings.LEDGER_ORIGIN).order_by("-tree_size").first()


def _wait(failures: int) -> timedelta:
    return timedelta(seconds=min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(failures - 1, 10)))


def _hand_over(place: Place, newest: Checkpoint, now: datetime) -> bool:
    last = _last(place)
    origin = TreeHead.parse(parse_note(newest.note).text).origin
    if origin != settings.LEDGER_ORIGIN:
        return False  # nothing is signed yet under the name this ledger was restarted with
    checkpoint = Checkpointed(origin, newest.tree_size, bytes(newest.root), newest.note, last.tree_size if last else 0)
    try:
        receipt = place.send(checkpoint)
    except Exception as error:  # one place must never keep the others from theirs
        log.error("the checkpoint of size %d did not reach %s: %s", newest.tree_size, place.name, error)
        _note_trouble(sink=place.name, error=error, now=now)
        return False
    _note_success(sink=place.name, checkpoint=checkpoint, receipt=receipt, now=now)
    return True


@service
def _note_trouble(*, sink: str, error: Exception, now: datetime) -> None:
    told = f"{error}"[:300] or type(error).__name__
    against = told if isinstance(error, Contradicted) else ""
    Trouble.objects.filter(sink=sink).exclude(origin=settings.LEDGER_ORIGIN).delete()
    changed = Trouble.objects.filter(sink=sink).update(
        failures=F("failures") + 1, tried_at=now, error=told, **({"contradiction": against} if against else {})
    )
    if not changed:
        Trouble.objects.create(
            sink=sink, origin=settings.LEDGER_ORIGIN, since=now, tried_at=now, error=told, contradiction=against
        )


@service
def _note_success(*, sink: str, checkpoint: Checkpointed, receipt: bytes | None, now: datetime) -> None:
    Trouble.objects.filter(sink=sink).delete()
    Handover.objects.update_or_create(
        origin=checkpoint.origin,
        sink=sink,
        tree_size=checkpoint.size,
        defaults={"receipt": receipt, "at": now, "receipted": False},
    )


def _receipt(row: Handover) -> tuple[int, str, bytes | None, datetime]:
    return row.tree_size, row.sink, None if row.receipt is None else bytes(row.receipt), row.at


@service
def record_receipts() -> int:
    """Writes what the places took into the ledger, where nobody changes it. For the process that may: the worker."""
    waiting = list(Handover.objects.filter(receipted=False).order_by("id")[:MOST_RECEIPTS])
    if not waiting:
        return 0
    with connection.cursor() as cursor, acting_as(cursor, SEALER):
        cursor.executemany(_RECEIPT, [_receipt(row) for row in waiting])
    Handover.objects.filter(pk__in=[row.pk for row in waiting]).update(receipted=True)
    return len(waiting)
