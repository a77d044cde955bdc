"""What an auditor may write: pins, and requests to verify the ledger."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.auditors.models import Pin, RunState, VerificationRun
from reviewqueue.auditors.trust import known_keys
from reviewqueue.errors import Conflict, FieldProblem, Invalid
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.anchors import configured_anchor
from reviewqueue.ledger.note import NoteError, TreeHead, VerifierKey, parse_note
from reviewqueue.ledger.origins import former_origins
from reviewqueue.ledger.selectors import EntryFilter, entries, latest_checkpoint
from reviewqueue.ledger.verify import Report, verify
from reviewqueue.pipelines.models import Role
from reviewqueue.pipelines.selectors import has_role
from reviewqueue.transactions import service

log = logging.getLogger(__name__)

MAX_PINS: Final = 200
LOST_AFTER: Final = timedelta(minutes=10)
"""A run that has told nothing for so long was killed with its worker."""
DAILY: Final = timedelta(days=1)
AGAIN_AFTER: Final = timedelta(hours=1)
"""When a daily run is tried again that could not be carried out."""


class AlreadyPinned(Conflict):
    code = "already_pinned"


class VerificationUnderWay(Conflict):
    code = "verification_under_way"


@service
def pin_checkpoint(*, holder: User, note: str, remark: str = "") -> Pin:
    """Keeps a signed note of this ledger under the auditor's account.

    Raises:
        Invalid: no checkpoint, or one of another ledger.
        AlreadyPinned: the same statement is kept already, or there are as many pins as one may have.
    """
    head = _head_of(note)
    if holder.pins.count() >= MAX_PINS:
        raise AlreadyPinned(f"One person keeps at most {MAX_PINS} pins.")
    try:
        with transaction.atomic():
            return Pin.objects.create(
                holder=holder, note=note, origin=head.origin, tree_size=head.size, root=head.root, remark=remark
            )
    except IntegrityError as error:
        raise AlreadyPinned(f"You keep this checkpoint of {head.size} entries already.") from error


def _head_of(note: str) -> TreeHead:
    try:
        head = TreeHead.parse(parse_note(note).text)
    except NoteError as error:
        raise Invalid([FieldProblem("/note", "note", f"This is no signed checkpoint: {error}.")]) from error
    if head.origin != settings.LEDGER_ORIGIN and head.origin not in former_origins():
        detail = f"This is a checkpoint of {head.origin[:200]}, not of {settings.LEDGER_ORIGIN}."
        raise Invalid([FieldProblem("/note", "origin", detail)])
    return head


@service
def start_verification(*, by: User, keys: Sequence[VerifierKey] = (), pins: Sequence[str] = ()) -> VerificationRun:
    """Asks for a run, which the next sweep begins. `pins` are signed notes of this ledger.

    Raises Invalid for a pin that is none, VerificationUnderWay while another run waits or works.
    """
    for note in pins:
        _head_of(note)
    try:
        with transaction.atomic():
            return VerificationRun.objects.create(asked_by=by, keys=[str(key) for key in keys], pins=list(pins))
    except IntegrityError as error:
        raise VerificationUnderWay("A verification is under way; there is one at a time.") from error


def run_waiting() -> int:
    """The sweep: gives up a run whose worker died, and carries out the one that waits, or the daily one when due."""
    now = timezone.now()
    lost = VerificationRun.objects.filter(state=RunState.RUNNING, heard_at__lt=now - LOST_AFTER)
    given_up = lost.update(state=RunState.FAILED, finished_at=now, failure="its worker was stopped; start it again")
    run = VerificationRun.objects.filter(state=RunState.WAITING).first() or _daily_run(now)
    if run is None or not _begin(run, now):
        return given_up
    _carry_out(run)
    return given_up + 1


def _daily_run(now: datetime) -> VerificationRun | None:
    """A new run where nobody verified for a day, and there is something sealed to verify."""
    last = entries(filters=EntryFilter(kinds=["verification.run"]), limit=1).entries
    is_due = not last or now - last[0].recorded_at >= DAILY
    if not is_due or VerificationRun.objects.filter(asked_at__gt=now - AGAIN_AFTER).exists() or not latest_checkpoint():
        return None
    try:
        with transaction.atomic():
            return VerificationRun.objects.create(asked_by=None)
    except IntegrityError:  # somebody asked for one at this moment
        return None


def _begin(run: VerificationRun, now: datetime) -> bool:
    last = latest_checkpoint()
    waiting = VerificationRun.objects.filter(pk=run.pk, state=RunState.WAITING)
    expected = last.tree_size if last else 0
    return bool(waiting.update(state=RunState.RUNNING, started_at=now, heard_at=now, expected=expected))


def _carry_out(run: VerificationRun) -> None:
    try:
        keys = [VerifierKey.parse(text) for text in run.keys] or known_keys()
        with _telling(run) as tell:
            report = verify(keys=keys, anchor=configured_anchor(), pins=run.pins, with_rows=True, tell=tell)
        _finish(run=run, report=report)
        log.log(logging.INFO if report.sound else logging.ERROR, "verified the ledger: %s", report.summary())
    except (NoteError, ImproperlyConfigured, OSError) as error:
        _fail(run, str(error))
    except Exception as error:
        _fail(run, f"{type(error).__name__}: see the log of the worker")
        raise


@contextmanager
def _telling(run: VerificationRun) -> Iterator[Callable[[int], None]]:
    """Says how far a run is, over a connection of its own: the run itself reads one unchanging state."""
    aside = connection.copy()

    def tell(done: int) -> None:
        with aside.cursor() as cursor:
            cursor.execute(
                "UPDATE auditors_verificationrun SET done = %s, heard_at = clock_timestamp() WHERE id = %s",
                [done, run.pk],
            )

    try:
        yield tell
    finally:
        aside.close()


@service
def _finish(*, run: VerificationRun, report: Report) -> None:
    """Result and ledger entry together; not where the run was given up in the meantime."""
    running = VerificationRun.objects.select_for_update().filter(pk=run.pk, state=RunState.RUNNING)
    if not running:
        return
    entry = ledger.record_verification(_actor(run.asked_by), report)
    running.update(
        state=RunState.DONE,
        finished_at=timezone.now(),
        expected=report.size,
        done=report.size,
        root=report.root,
        sound=report.sound,
        unsealed=report.unsealed,
        checkpoints=report.checkpoints,
        signatures_checked=report.signatures_checked,
        findings=[{"code": each.code, "message": each.message} for each in report.findings],
        omitted=report.omitted,
        event_id=entry.id,
    )


def _actor(user: User | None) -> Actor:
    if user is None:
        return Actor.system("ledger")
    role = Role.AUDITOR if has_role(user, [Role.AUDITOR]) else Role.ADMIN
    return Actor.user(user.pseudonym, role=role.value)


def _fail(run: VerificationRun, failure: str) -> None:
    log.error("verification %s could not be carried out: %s", run.pk, failure)
    still = VerificationRun.objects.filter(pk=run.pk, state=RunState.RUNNING)
    still.update(state=RunState.FAILED, finished_at=timezone.now(), failure=failure)
