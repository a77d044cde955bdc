"""Writing the ledger."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from django.db import connection

from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.anchors import configured_anchor
from reviewqueue.ledger.canonical import canonical_body
from reviewqueue.ledger.events import Entry, body_of
from reviewqueue.ledger.keys import signing_keys, verifier_keys
from reviewqueue.ledger.note import VerifierKey
from reviewqueue.ledger.sealer import BATCH, Sealed, hand_over, seal_batch
from reviewqueue.ledger.verify import Report, verify
from reviewqueue.transactions import joins_transaction, service

log = logging.getLogger(__name__)

_INSERT = """
    INSERT INTO ledger.event (leaf)
    SELECT leaf FROM unnest(%s::text[]) WITH ORDINALITY AS given (leaf, place) ORDER BY place
    RETURNING id, event_uuid, leaf_hash"""
_LAST_OF_CLAIMS = """
    SELECT claim, last.claim_seq, last.leaf_hash
      FROM unnest(%s::uuid[]) AS claim
      CROSS JOIN LATERAL (SELECT claim_seq, leaf_hash FROM ledger.event
                           WHERE subject = claim ORDER BY claim_seq DESC LIMIT 1) AS last"""


@dataclass(frozen=True, slots=True)
class Appended:
    """An event in the ledger: `id` is what other rows point at, `uuid` what the outside sees."""

    id: int
    uuid: UUID
    leaf_hash: bytes


def append(*, event: str, actor: Actor, claim: UUID | None = None, **fields: object) -> Appended:
    """Writes one event. Joins the caller's transaction; when it is about a claim, the caller has locked that claim.

    Raises EventRefused or NotCanonical, both mistakes of the calling code, before the database is asked.
    """
    return append_many([Entry(event, actor, claim, fields)])[0]


def append_many(entries: Sequence[Entry]) -> list[Appended]:
    """Writes a batch; results in the order given. Joins the caller's transaction, like `append`.

    One statement per round, where a round holds at most one event of each claim: an event must state the hash of the
    claim's previous one, which only the database knows. With one event per claim that is one statement in all.
    """
    joins_transaction()
    bodies = [body_of(entry) for entry in entries]
    appended: dict[int, Appended] = {}
    for round_ in _rounds(entries):
        _number(bodies[place] for place in round_)
        rows = _insert([canonical_body(bodies[place]) for place in round_])
        appended.update(zip(round_, rows, strict=True))
    return [appended[place] for place in range(len(entries))]


def seal(*, limit: int = BATCH) -> Sealed:
    """Seals waiting events under a new signed checkpoint and hands the newest checkpoint to the anchor.

    An anchor that is full or away is an alarm and is served by a later run. Raises SealRefused when the tree
    contradicts something signed before, ImproperlyConfigured without a usable key.
    """
    keys, anchor = signing_keys(), configured_anchor()
    sealed = seal_batch(keys=keys, anchor=anchor, limit=limit)
    if anchor is None or sealed.size is None:
        return sealed
    try:
        hand_over(anchor)
    except OSError as error:
        log.error("sealing: the anchor took no checkpoint: %s", error)
        return replace(sealed, alarms=(*sealed.alarms, f"the anchor took no checkpoint: {error}"))
    return sealed


def run_verification(*, actor: Actor, keys: Sequence[VerifierKey] = (), pins: Sequence[str] = ()) -> Report:
    """Verifies the whole ledger (minutes, for millions of events) and records who did it and with what result.

    Without `keys` those of the signing file are used, where this process has it.
    """
    report = verify(keys=keys or verifier_keys(), anchor=configured_anchor(), pins=pins)
    _record_verification(actor, report)
    return report


@service
def _record_verification(actor: Actor, report: Report) -> None:
    append(
        event="verification.run",
        actor=actor,
        result="sound" if report.sound else "findings",
        tree_size=report.size,
        root=report.root,
        unsealed=report.unsealed,
        findings=len(report.findings) + report.omitted,
    )


def _rounds(entries: Sequence[Entry]) -> Iterator[list[int]]:
    """Places in `entries`, the first event of every claim before any second one."""
    remaining = list(range(len(entries)))
    while remaining:
        seen: set[UUID] = set()
        now: list[int] = []
        later: list[int] = []
        for place in remaining:
            claim = entries[place].claim
            (later if claim in seen else now).append(place)
            if claim is not None:
                seen.add(claim)
        yield now
        remaining = later


def _number(bodies: Iterable[dict[str, object]]) -> None:
    """Adds `claim_seq` and `claim_prev` to the bodies that are about a claim."""
    about_claims = {UUID(str(body["claim"])): body for body in bodies if "claim" in body}
    if not about_claims:
        return
    for body in about_claims.values():
        body.update(claim_seq=1, claim_prev=None)
    with connection.cursor() as cursor:
        cursor.execute(_LAST_OF_CLAIMS, [list(about_claims)])
        for claim, last_seq, last_hash in cursor.fetchall():
            about_claims[claim].update(claim_seq=last_seq + 1, claim_prev=bytes(last_hash).hex())


def _insert(bodies: list[str]) -> list[Appended]:
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [bodies])
        return [Appended(id_, uuid, bytes(leaf_hash)) for id_, uuid, leaf_hash in sorted(cursor.fetchall())]
