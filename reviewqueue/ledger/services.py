"""Writing the ledger."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from structlog.contextvars import get_contextvars

from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.anchors import Anchor, configured_anchor, known_contradictions, local_anchors
from reviewqueue.ledger.events import Entry, body_of
from reviewqueue.ledger.keys import signing_keys, verifier_keys
from reviewqueue.ledger.note import NoteError, VerifierKey
from reviewqueue.ledger.quick_canonical import quick_canonical_body
from reviewqueue.ledger.sealer import (
    BATCH,
    Sealed,
    SealRefused,
    hand_over,
    note_refusal,
    remembered_by,
    seal_batch,
)
from reviewqueue.ledger.verify import Report, verify
from reviewqueue.transactions import joins_transaction, service

log = logging.getLogger(__name__)

# One text with a line per body (canonical JSON has no line breaks) is sent several times faster than an array.
_INSERT = """
    INSERT INTO ledger.event (leaf)
    SELECT leaf FROM string_to_table(%s, E'\\n') WITH ORDINALITY AS given (leaf, place) ORDER BY place
    RETURNING id, event_uuid, leaf_hash"""
_LAST_OF_CLAIMS = """
    SELECT claim, last.claim_seq, last.leaf_hash
      FROM unnest(%s::uuid[]) AS claim
      CROSS JOIN LATERAL (SELECT claim_seq, leaf_hash FROM ledger.event
                           WHERE subject = claim ORDER BY claim_seq DESC LIMIT 1) AS last"""


class ChainEnd(NamedTuple):
    """The last event of a claim: its number among the claim's events, and its hash."""

    claim_seq: int
    leaf_hash: bytes | None


NO_EVENT: Final = ChainEnd(0, None)
"""The end of the chain of a claim that has no event yet."""


@dataclass(frozen=True, slots=True)
class Appended:
    """An event in the ledger: `id` is what other rows point at, `uuid` what the outside sees.

    `end` is there when it is about a claim: while the caller holds the claim, this is its last event.
    """

    id: int
    uuid: UUID
    leaf_hash: bytes
    end: ChainEnd | None


def append(*, event: str, actor: Actor, claim: UUID | None = None, **fields: object) -> Appended:
    """Writes one event. Joins the caller's transaction; when it is about a claim, the caller has locked that claim.

    Raises EventRefused or NotCanonical, both mistakes of the calling code, before the database is asked.
    """
    return append_many([Entry(event, actor, claim, fields)])[0]


def append_many(entries: Sequence[Entry], *, after: Mapping[UUID, ChainEnd] | None = None) -> list[Appended]:
    """Writes a batch; results in the order given. Joins the caller's transaction, like `append`.

    One statement per round, where a round holds at most one event of each claim: an event must state the hash of the
    claim's previous one, which only the database knows. With one event per claim that is one statement in all. One more
    looks up where the chains of claims end that `after` does not name (new claims have `NO_EVENT`).
    """
    joins_transaction()
    of_request = _of_request()
    bodies = [of_request | body_of(entry) for entry in entries]
    claims = [entry.claim for entry in entries]
    ends = dict(after or {})
    ends |= _chain_ends({claim for claim in claims if claim is not None} - ends.keys())
    appended: dict[int, Appended] = {}
    for round_ in _rounds(claims):
        written = _append_round([claims[place] for place in round_], [bodies[place] for place in round_], ends)
        appended.update(zip(round_, written, strict=True))
    return [appended[place] for place in range(len(entries))]


def _of_request() -> dict[str, object]:
    """The id of the request during which an entry is written, as its answer and its log lines have it."""
    request = get_contextvars().get("request_id")
    return {"request": request} if request else {}


def seal(*, limit: int = BATCH) -> Sealed:
    """Seals waiting events under a new signed checkpoint and hands the newest checkpoint to the anchors.

    An anchor that is full or away is an alarm and is served by a later run. Raises SealRefused when the tree
    contradicts something signed before, ImproperlyConfigured without a usable key; both can be read in the database.
    """
    try:
        keys, places = signing_keys(), local_anchors()
        if known := known_contradictions():
            raise SealRefused("; ".join(known), "contradicted")
        remembered, alarms = remembered_by(places)
        sealed = seal_batch(keys=keys, remembered=remembered, limit=limit)
    except (SealRefused, ImproperlyConfigured) as refused:
        _note_refusal(refused)
        raise
    if sealed.size is not None:
        alarms += [alarm for place in places for alarm in _handed_over(place)]
    for alarm in alarms:
        log.error("sealing: %s", alarm)
    return replace(sealed, alarms=(*sealed.alarms, *alarms))


def _note_refusal(refused: Exception) -> None:
    """Where the database takes no note of it either, the exception is all there is."""
    try:
        note_refusal(code=getattr(refused, "code", "no_key"), reason=str(refused))
    except DatabaseError:
        log.exception("sealing: the refusal could not be noted")


def _handed_over(place: Anchor) -> list[str]:
    """The alarm, if the place took no checkpoint."""
    try:
        hand_over(place)
    except (OSError, NoteError) as error:
        return [f"the anchor in the {place.name} took no checkpoint: {error}"]
    return []


def run_verification(*, actor: Actor, keys: Sequence[VerifierKey] = (), pins: Sequence[str] = ()) -> Report:
    """Verifies the whole ledger (minutes, for millions of events) and records who did it and with what result.

    Without `keys` those of the signing file are used, where this process has it.
    """
    report = verify(keys=keys or verifier_keys(), anchor=configured_anchor(), pins=pins, with_rows=True)
    _record_alone(actor, report)
    return report


@service
def _record_alone(actor: Actor, report: Report) -> None:
    record_verification(actor, report)


def record_verification(actor: Actor, report: Report) -> Appended:
    """Joins the caller's transaction."""
    return append(
        event="verification.run",
        actor=actor,
        result="sound" if report.sound else "findings",
        tree_size=report.size,
        root=report.root,
        unsealed=report.unsealed,
        findings=len(report.findings) + report.omitted,
    )


def _rounds(claims: Sequence[UUID | None]) -> Iterator[list[int]]:
    """Places in `claims`, the first event of every claim before any second one."""
    remaining = list(range(len(claims)))
    while remaining:
        seen: set[UUID] = set()
        now: list[int] = []
        later: list[int] = []
        for place in remaining:
            claim = claims[place]
            (later if claim in seen else now).append(place)
            if claim is not None:
                seen.add(claim)
        yield now
        remaining = later


def _chain_ends(claims: Collection[UUID]) -> dict[UUID, ChainEnd]:
    if not claims:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_LAST_OF_CLAIMS, [list(claims)])
        found = {claim: ChainEnd(claim_seq, bytes(leaf_hash)) for claim, claim_seq, leaf_hash in cursor.fetchall()}
    return dict.fromkeys(claims, NO_EVENT) | found


def _append_round(
    claims: Sequence[UUID | None], bodies: Sequence[dict[str, object]], ends: dict[UUID, ChainEnd]
) -> list[Appended]:
    """Writes one event each and moves the ends of the chains."""
    for claim, body in zip(claims, bodies, strict=True):
        if claim is not None:
            claim_seq, leaf_hash = ends[claim]
            body.update(claim_seq=claim_seq + 1, claim_prev=leaf_hash.hex() if leaf_hash else None)
    rows = _insert([quick_canonical_body(body) for body in bodies])
    appended = []
    for claim, (id_, uuid, leaf_hash) in zip(claims, rows, strict=True):
        end = None
        if claim is not None:
            end = ends[claim] = ChainEnd(ends[claim].claim_seq + 1, leaf_hash)
        appended.append(Appended(id_, uuid, leaf_hash, end))
    return appended


def _insert(bodies: Sequence[str]) -> list[tuple[int, UUID, bytes]]:
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, ["\n".join(bodies)])
        return [(id_, uuid, bytes(leaf_hash)) for id_, uuid, leaf_hash in sorted(cursor.fetchall())]
