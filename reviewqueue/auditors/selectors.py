"""What auditors look at of their own: pins and runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from reviewqueue.accounts.models import User
from reviewqueue.auditors.comparing import TreeToday
from reviewqueue.auditors.models import Pin, VerificationRun
from reviewqueue.errors import NotFound
from reviewqueue.ledger.models import Anchor
from reviewqueue.ledger.note import TreeHead
from reviewqueue.ledger.selectors import EntryFilter, LedgerEntry, entries

LATE_AFTER: Final = timedelta(days=2)
PINS_SHOWN: Final = 25


@dataclass(frozen=True, slots=True)
class PinShown:
    """`standing` as TreeToday says it."""

    pin: Pin
    standing: str


@dataclass(frozen=True, slots=True)
class PinPage:
    pins: list[PinShown]
    next: int | None


@dataclass(frozen=True, slots=True)
class Verified:
    """One verification that the ledger tells of; `run` has the findings where it was asked for on these pages."""

    entry: LedgerEntry
    who: str
    run: VerificationRun | None


def pins_of(user: User, *, before: int | None = None, limit: int = PINS_SHOWN) -> PinPage:
    """Newest first, each held against today's tree."""
    rows = user.pins.order_by("-id")
    found = list((rows.filter(pk__lt=before) if before else rows)[: limit + 1])
    tree = TreeToday()
    shown = [PinShown(pin, tree.standing(_head(pin))) for pin in found[:limit]]
    return PinPage(shown, found[limit - 1].pk if len(found) > limit else None)


def pin_of(user: User, pin_id: int) -> PinShown:
    pin = user.pins.filter(pk=pin_id).first()
    if pin is None:
        raise NotFound("There is no such pin of yours.")
    return PinShown(pin, TreeToday().standing(_head(pin)))


def _head(pin: Pin) -> TreeHead:
    return TreeHead(pin.origin, pin.tree_size, bytes(pin.root))


def receipts(*, limit: int = 20) -> list[Anchor]:
    """Where checkpoints were handed to, newest first."""
    return list(Anchor.objects.order_by("-id")[:limit])


def open_run() -> VerificationRun | None:
    return VerificationRun.objects.filter(state__in=VerificationRun.OPEN).select_related("asked_by").first()


def last_failure() -> VerificationRun | None:
    """The newest run, where it could not be carried out."""
    run = VerificationRun.objects.select_related("asked_by").order_by("-id").first()
    return run if run and run.state == "failed" else None


def run_of(run_id: int) -> VerificationRun:
    run = VerificationRun.objects.select_related("asked_by").filter(pk=run_id).first()
    if run is None:
        raise NotFound("There is no such verification.")
    return run


def verifications(*, before: int | None = None, limit: int = 25) -> tuple[list[Verified], int | None]:
    """Every recorded verification, newest first: those asked for here, the daily one and those of the command line."""
    page = entries(filters=EntryFilter(kinds=["verification.run"]), before=before, limit=limit)
    runs = VerificationRun.objects.filter(event_id__in=[entry.id for entry in page.entries]).select_related("asked_by")
    by_event = {run.event_id: run for run in runs}
    people = _people(page.entries)
    shown = [Verified(entry, people.get(entry.actor, entry.actor), by_event.get(entry.id)) for entry in page.entries]
    return shown, page.next


def is_late(newest: LedgerEntry | None, now: datetime) -> bool:
    return newest is None or now - newest.recorded_at > LATE_AFTER


def _people(found: list[LedgerEntry]) -> dict[str, str]:
    pseudonyms = [entry.actor.removeprefix("user:") for entry in found if entry.actor.startswith("user:")]
    return {f"user:{user.pseudonym}": user.shown_name for user in User.objects.filter(pseudonym__in=pseudonyms)}
