"""The ledger as evidence: its export with the texts of the policies it names and, if wanted, what claims said.

`policies.jsonl` holds one policy a line in canonical form, so that the hash of a line is the `policy_hash` of entries.
`payloads-0000.jsonl` holds, for each claim decided in the range, the salt and the canonical text behind its commitment.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

import rfc8785
from django.db import connection

from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.export import Enclosed, Exported, export_ledger
from reviewqueue.payloads.selectors import opened
from reviewqueue.policy.models import PolicyVersion

CLAIMS_AT_ONCE: Final = 200
_DECIDED: Final = """
    SELECT e.subject FROM ledger.leaf l JOIN ledger.event e ON e.id = l.event_id
     WHERE l.leaf_index >= %s AND l.leaf_index < %s AND e.kind = 'claim.decided' ORDER BY l.leaf_index"""


def export_evidence(
    *,
    path: Path,
    actor: Actor,
    since: datetime | None = None,
    until: datetime | None = None,
    leaves: tuple[int, int] | None = None,
    with_payloads: bool = False,
    also: Iterable[Enclosed] = (),
) -> Exported:
    """As `ledger.export.export_ledger`, with the policies beside the entries; `also` is laid beside them as it is."""

    def enclosing(first: int, size: int) -> Iterator[Enclosed]:
        yield Enclosed("policies.jsonl", _policies())
        if with_payloads:
            yield Enclosed("payloads-0000.jsonl", _payloads(first, size))
        yield from also

    return export_ledger(path=path, actor=actor, since=since, until=until, leaves=leaves, enclosing=enclosing)


def _policies() -> Iterator[bytes]:
    """Of every pipeline and age: there are few, and an entry may name any of them."""
    documents = PolicyVersion.objects.order_by("document_hash").distinct("document_hash")
    for document in documents.values_list("document", flat=True).iterator():
        yield rfc8785.dumps(document) + b"\n"


def _payloads(first: int, size: int) -> Iterator[bytes]:
    """Those that were erased are left out: the entry of their erasure says so."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(_DECIDED, [first, size])
        while rows := cursor.fetchmany(CLAIMS_AT_ONCE):
            said = opened([claim for (claim,) in rows])
            for (claim,) in rows:
                if claim in said:
                    line = {"claim": str(claim), "salt": said[claim].salt.hex(), "text": said[claim].text.decode()}
                    yield json.dumps(line, ensure_ascii=False).encode() + b"\n"
