"""Reading payloads: many in one statement."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from reviewqueue.ledger.quick_canonical import quick_canonical
from reviewqueue.payloads.models import CONTENT, ClaimPayload, content_within
from reviewqueue.payloads.vault import ClaimKey, known_key

AT_ONCE = 200
"""Rows fetched at a time; each may be some hundred kilobytes long."""


STORED = ("ciphertext", "key__wrapped", "key__salt", "key__master")
"""The columns that `content_in` reads, seen from a payload."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a commitment of the ledger is about: it is SHA-256(0x02, salt, text)."""

    salt: bytes
    text: bytes


def contents(claim_ids: Collection[UUID]) -> Iterator[tuple[UUID, dict[str, Any]]]:
    """What was said in each claim; not of those whose payload was erased. One statement, some in memory at a time."""
    for key, text in _texts(claim_ids):
        yield key.claim_id, json.loads(text)


def opened(claim_ids: Collection[UUID]) -> dict[UUID, Opened]:
    """The canonical content of each claim with its salt; not of those whose payload was erased. One statement."""
    return {key.claim_id: Opened(key.salt, quick_canonical(json.loads(text))) for key, text in _texts(claim_ids)}


def _texts(claim_ids: Collection[UUID]) -> Iterator[tuple[ClaimKey, bytes]]:
    if not claim_ids:
        return
    rows = ClaimPayload.objects.filter(pk__in=claim_ids, key__isnull=False)
    for claim_id, ciphertext, *stored in rows.values_list("pk", *STORED).iterator(AT_ONCE):
        key = _key(claim_id, *stored)
        yield key, key.open(bytes(ciphertext), kind=CONTENT, row=claim_id)


def content_in(claim_id: UUID, ciphertext: Any, wrapped: Any, salt: Any, master: str | None) -> dict[str, Any] | None:
    """What was said, from the columns of a row; None when they are empty. Raises PayloadUnreadable."""
    if ciphertext is None or master is None:
        return None
    content: dict[str, Any] = content_within(claim_id, bytes(ciphertext), _key(claim_id, wrapped, salt, master))
    return content


def _key(claim_id: UUID, wrapped: Any, salt: Any, master: str) -> ClaimKey:
    return known_key(claim_id, bytes(wrapped), bytes(salt), master)
