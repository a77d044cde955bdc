"""Events as verification reads them: one by one from the database, each checked against itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from reviewqueue.ledger.canonical import NotCanonical, read_leaf
from reviewqueue.ledger.tree import leaf_hash

_CHUNK = 2_000
SEALED = """
    SELECT l.leaf_index, l.event_id, l.leaf_hash, false,
           e.leaf, e.leaf_hash, e.event_uuid, e.kind, e.subject, e.claim_seq, e.actor, e.recorded_us,
           e.pipeline, e.source, e.policy_version, e.request
      FROM ledger.leaf l LEFT JOIN ledger.event e ON e.id = l.event_id ORDER BY l.leaf_index"""
UNSEALED = """
    SELECT NULL, e.id, e.leaf_hash, p.event_id IS NOT NULL,
           e.leaf, e.leaf_hash, e.event_uuid, e.kind, e.subject, e.claim_seq, e.actor, e.recorded_us,
           e.pipeline, e.source, e.policy_version, e.request
      FROM ledger.event e LEFT JOIN ledger.pending p ON p.event_id = e.id
     WHERE NOT EXISTS (SELECT FROM ledger.leaf l WHERE l.event_id = e.id) ORDER BY e.id"""


class EventRow(NamedTuple):
    """A leaf with its event (whose columns are all None when it is gone), or an event without a leaf."""

    leaf_index: int | None
    event_id: int
    leaf_hash: bytes
    pending: bool
    leaf: str | None
    stored_hash: bytes | None
    event_uuid: UUID | None
    kind: str | None
    subject: UUID | None
    claim_seq: int | None
    actor: str | None
    recorded_us: int | None
    pipeline: str | None
    source: str | None
    policy_version: str | None
    request: str | None

    @property
    def place(self) -> str:
        return self.name_of(self.event_id, self.leaf_index)

    @staticmethod
    def name_of(event_id: int, leaf_index: int | None) -> str:
        return f"event {event_id} (not sealed)" if leaf_index is None else f"leaf {leaf_index} (event {event_id})"


def stream(sql: str) -> Iterator[EventRow]:
    """Rows of SEALED or UNSEALED through a cursor on the server."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql)
        while rows := cursor.fetchmany(_CHUNK):
            yield from map(EventRow._make, rows)


def event_problems(row: EventRow) -> Iterator[str]:
    """What is wrong with one event: its text against its hashes, its form, and the columns made from it."""
    if row.leaf is None:
        yield "the event is missing"
        return
    computed = leaf_hash(row.leaf.encode())
    if computed != row.leaf_hash:
        yield "text does not match its hash"
    if row.leaf_hash != row.stored_hash:
        yield "leaf and event hold different hashes"
    try:
        document = read_leaf(row.leaf)
    except NotCanonical as error:
        yield f"text is {error}"
    else:
        yield from _column_problems(row, document)


def _column_problems(row: EventRow, document: dict[str, object]) -> Iterator[str]:
    try:
        expected = _columns(document)
    except (KeyError, TypeError, ValueError, AttributeError):
        yield "text lacks what every event has"
        return
    for name, value in expected.items():
        if getattr(row, name) != value:
            yield f"column {name} does not match the text"


def _columns(document: dict[str, object]) -> dict[str, object]:
    body = document["body"]
    if not isinstance(body, dict):
        raise TypeError("a body is an object")
    claim = body.get("claim")
    return {
        "event_uuid": UUID(str(document["id"])),
        "kind": body["event"],
        "subject": None if claim is None else UUID(str(claim)),
        "claim_seq": body.get("claim_seq"),
        "actor": f"{body['actor']['kind']}:{body['actor']['id']}",
        "recorded_us": document["recorded_us"],
        **{name: _as_column(body.get(name)) for name in ("pipeline", "source", "policy_version", "request")},
    }


def _as_column(value: object) -> str | None:
    """As PostgreSQL writes a value of the body as text (numbers and texts: a body has nothing else in these places)."""
    return None if value is None else str(value)
