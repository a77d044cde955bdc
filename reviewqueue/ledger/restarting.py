"""When the history that was signed is not the one the database has: going on under another name, and saying so.

A database restored from a backup, or a second copy that signed as well, must never sign again under the old name: there
would be two histories. What is lost is named, in numbers, as the first thing that is signed under the new one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.conf import settings

from reviewqueue.errors import Conflict
from reviewqueue.ledger import services
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.anchors import Anchor, configured_anchor
from reviewqueue.ledger.keys import signing_keys
from reviewqueue.ledger.models import Checkpoint
from reviewqueue.ledger.note import NoteError, TreeHead, VerifierKey, open_note, parse_note
from reviewqueue.ledger.origins import RESTARTED
from reviewqueue.ledger.storage_anchor import StorageAnchor
from reviewqueue.ledger.tiles import StoredTree
from reviewqueue.ledger.tree import root_at
from reviewqueue.transactions import service


class RestartRefused(Conflict):
    """There is nothing to restart from, or no need to."""


@dataclass(frozen=True, slots=True)
class Restarted:
    """The ledger was known to have `known` entries as `origin_from`; of these, `lost` are not there any more."""

    origin_from: str
    origin_to: str
    known: int
    lost: int


@service
def restart_ledger(
    *,
    origin: str,
    actor: Actor,
    kept_notes: Sequence[str] = (),
    keys: Sequence[VerifierKey] = (),
    without_need: bool = False,
) -> Restarted:
    """Writes `ledger.restarted`, under which the next sealing run signs as `origin`, the name in the settings.

    `kept_notes` are checkpoints of the old name that somebody kept; with `keys`, its public keys, they have to be
    signed by one. Raises RestartRefused, NoteError, ImproperlyConfigured.
    """
    if origin != settings.LEDGER_ORIGIN:
        raise RestartRefused(f"LEDGER_ORIGIN is {settings.LEDGER_ORIGIN}: set it to {origin}, with a key of that name.")
    last = Checkpoint.objects.order_by("-tree_size").first()
    if last is None:
        raise RestartRefused("Nothing was ever signed here: there is nothing to restart from.")
    here = TreeHead.parse(parse_note(last.note).text)
    if here.origin == origin:
        raise RestartRefused("The new name has to be another one than the old.")
    known = max(_remembered(here.origin, kept_notes, keys), key=lambda head: head.size, default=here)
    tree = StoredTree(here.size)
    kept = _kept(tree, known)
    if kept == known.size and not without_need:
        raise RestartRefused("The database has all that is known to have been signed: the ledger can go on as it is.")
    signature = signing_keys()[0].sign(here.text()).signature
    restarted = Restarted(here.origin, origin, known.size, known.size - kept)
    services.append(
        event=RESTARTED,
        actor=actor,
        origin_from=here.origin,
        origin_to=origin,
        tree_size=known.size,
        root=known.root,
        lost=restarted.lost,
        last_size=here.size,
        last_root=here.root,
        countersignature=signature,
    )
    return restarted


def _remembered(origin: str, notes: Sequence[str], keys: Sequence[VerifierKey]) -> Iterator[TreeHead]:
    for note in notes:
        head = TreeHead.parse((open_note(note, keys) if keys else parse_note(note)).text)
        if head.origin != origin:
            raise NoteError(f"a checkpoint of {head.origin}, not of {origin}")
        yield head
    file = configured_anchor()
    places: list[Anchor] = [file] if file else []
    if settings.LEDGER_ANCHOR_STORAGE:
        places.append(StorageAnchor(settings.LEDGER_ANCHOR_STORAGE, origin, 0.0))
    for newest in filter(None, (place.newest() for place in places)):
        head = TreeHead.parse(parse_note(newest).text)
        if head.origin == origin:
            yield head


def _kept(tree: StoredTree, known: TreeHead) -> int:
    """How many of the leaves that were signed are here: those under the largest known checkpoint that fits."""
    if _fits(tree, known):
        return known.size
    file = configured_anchor()
    kept = 0
    for note in file.notes() if file else ():
        try:
            head = TreeHead.parse(parse_note(note).text)
        except NoteError:
            continue
        if head.origin == known.origin and head.size > kept and _fits(tree, head):
            kept = head.size
    return kept or (tree.size if tree.size < known.size else 0)


def _fits(tree: StoredTree, head: TreeHead) -> bool:
    return head.size <= tree.size and root_at(tree.node, head.size) == head.root
