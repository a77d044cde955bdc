"""What ties a report to the ledger: its leaves, the checkpoint over them, and figures that anybody recomputes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count, groupby
from operator import itemgetter
from typing import Any, Final

from django.db import connection

from reviewqueue.errors import Conflict, NotFound
from reviewqueue.ledger.export import range_of
from reviewqueue.ledger.models import Checkpoint
from reviewqueue.ledger.selectors import latest_checkpoint
from reviewqueue.ledger.verify_export import Figures, facts_of

NOT_PROMISED: Final = (
    "That nothing false was recorded in the first place: the ledger proves what was recorded, not that it was true.",
    "Anything in the unsealed tail: entries not yet under a checkpoint, at most those of the seal interval.",
    "That payloads can still be read: what was erased is gone; proofs stay valid without it.",
)
_CHUNK: Final = 2_000
_TOLD_EVERY: Final = 50
"""Chunks; a few seconds. Millions of entries take longer than a report may be silent."""
_OF_CLAIMS: Final = """
    SELECT e.subject, e.leaf FROM ledger.leaf l JOIN ledger.event e ON e.id = l.event_id
     WHERE l.leaf_index >= %s AND l.leaf_index < %s AND e.subject IS NOT NULL
     ORDER BY e.subject, e.claim_seq, l.leaf_index"""
_OTHERS: Final = """
    SELECT NULL, e.leaf FROM ledger.leaf l JOIN ledger.event e ON e.id = l.event_id
     WHERE l.leaf_index >= %s AND l.leaf_index < %s AND e.subject IS NULL"""


class NothingSealed(Conflict):
    code = "nothing_sealed"


@dataclass(frozen=True, slots=True)
class Sealed:
    """Leaves `first` to before `size`, which `checkpoint` signs; none where `first` is the size."""

    first: int
    size: int
    checkpoint: Checkpoint


def sealed_between(since: datetime, until: datetime) -> Sealed:
    """Raises NothingSealed before the first checkpoint."""
    try:
        first, size = range_of(since, until)
    except NotFound:
        last = latest_checkpoint()
        if last is None:
            raise NothingSealed(
                "Nothing of the ledger is sealed yet: a report names the checkpoint it rests on."
            ) from None
        first = size = last.tree_size
    return Sealed(first, size, Checkpoint.objects.get(tree_size=size))


def ledger_figures(sealed: Sealed, slug: str | None, tell: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """As the offline verifier counts them from the entries of the same range; tells now and then that it goes on."""
    figures = Figures()
    for _, leaves in groupby(_bodies(_OF_CLAIMS, sealed, tell), key=itemgetter(0)):
        events = [(body["event"], facts_of(body)) for _, body in leaves]
        if events[0][0] == "claim.decided":
            figures.claim(events)
    for _, body in _bodies(_OTHERS, sealed, tell):
        figures.event(body)
    return figures.as_dict(slug)


def _bodies(sql: str, sealed: Sealed, tell: Callable[[], None]) -> Iterator[tuple[Any, dict[str, Any]]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, [sealed.first, sealed.size])
        for number in count(1):
            rows = cursor.fetchmany(_CHUNK)
            for subject, leaf in rows:
                yield subject, json.loads(leaf)["body"]
            if not rows:
                return
            if number % _TOLD_EVERY == 0:
                tell()
