"""A new signing key: for a while both sign checkpoints, so that nobody is left with a key they do not know."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from reviewqueue.errors import Conflict
from reviewqueue.ledger import services
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.keys import signing_keys, write_keys
from reviewqueue.ledger.models import Checkpoint, Event
from reviewqueue.ledger.note import NoteError, SigningKey, VerifierKey, open_note
from reviewqueue.transactions import service

OVERLAP: Final = timedelta(days=30)
ROTATED: Final = "key.rotated"


class RotationRefused(Conflict):
    """The keys are not in the state for this step."""


@service
def rotate_key(*, actor: Actor, now: datetime, overlap: timedelta = OVERLAP) -> VerifierKey:
    """Puts a new key in front of the present one and records both. Returns the new public key.

    A run that was cut short between the file and the ledger is completed. Raises RotationRefused during an overlap,
    ImproperlyConfigured without a usable key file.
    """
    keys = signing_keys()
    if len(keys) > 2 or (len(keys) == 2 and _rotation_to(keys[0])):
        raise RotationRefused("A change of keys is under way: finish it first.")
    if len(keys) == 1:
        keys = [SigningKey(settings.LEDGER_ORIGIN, secrets.token_bytes(32)), *keys]
    new, old = keys
    services.append(
        event=ROTATED,
        actor=actor,
        key_from=str(old.verifier),
        key_to=str(new.verifier),
        overlap_until_us=_microseconds(now + overlap),
    )
    write_keys(_path(), keys)
    return new.verifier


@service
def finish_rotation(*, actor: Actor, now: datetime, at_once: bool = False) -> VerifierKey:
    """Drops the old key. Returns the one that is left.

    Raises RotationRefused before the end of the overlap (unless `at_once`: the old key was stolen), and as long as no
    checkpoint over the record of the change carries both signatures.
    """
    keys = signing_keys()
    rotated = _rotation_to(keys[0]) if len(keys) == 2 else None
    if rotated is None:
        raise RotationRefused("No change of keys is under way.")
    new, old = keys
    until = json.loads(rotated.leaf)["body"]["overlap_until_us"]
    if not at_once and _microseconds(now) < until:
        raise RotationRefused(f"Both keys sign until {datetime.fromtimestamp(until / 1e6, UTC):%Y-%m-%d %H:%M} UTC.")
    if not _signed_by_both(rotated, new, old):
        raise RotationRefused("No checkpoint with both signatures covers the record of the change yet: seal first.")
    services.append(event="key.retired", actor=actor, key_from=str(old.verifier), key_to=str(new.verifier))
    write_keys(_path(), [new])
    return new.verifier


def _path() -> Path:
    return Path(settings.LEDGER_SIGNING_KEY_FILE)


def _rotation_to(key: SigningKey) -> Event | None:
    """The record of the change to this key."""
    wanted = str(key.verifier)
    recorded = Event.objects.filter(kind=ROTATED).select_related("leaf_row").order_by("-id")
    return next((event for event in recorded if json.loads(event.leaf)["body"]["key_to"] == wanted), None)


def _signed_by_both(rotated: Event, new: SigningKey, old: SigningKey) -> bool:
    leaf: Any = getattr(rotated, "leaf_row", None)
    if leaf is None:
        return False
    over = Checkpoint.objects.filter(tree_size__gt=leaf.leaf_index).order_by("tree_size").first()
    if over is None:
        return False
    try:
        signed = open_note(over.note, [new.verifier, old.verifier])
    except NoteError as error:
        raise ImproperlyConfigured(f"the checkpoint of size {over.tree_size}: {error}") from error
    return {signature.key_id for signature in signed.signatures} == {new.verifier.key_id, old.verifier.key_id}


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000
