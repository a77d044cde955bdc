"""Snapshots of accuracy: once a day the ledger states, of itself, what was labelled and what was right.

Computed from sealed entries alone, so that whoever has an export computes them again (rule R8 of verify_export). Of a
claim, the last entry about its outcome up to `leaf_to` counts: an `outcome.final` by labels or adjudication that says
right or wrong. It counts under the band and the chance of a label that stand in its `claim.decided`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import rfc8785
from django.db import connection
from django.utils import timezone

from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.events import Entry
from reviewqueue.ledger.models import Checkpoint, Event
from reviewqueue.ledger.services import append_many
from reviewqueue.transactions import service

log = logging.getLogger(__name__)

EVERY_SECONDS: Final = 20 * 3600
"""A little less than a day, or a sweep that runs every hour would come later from day to day."""
LARGEST: Final = 50_000
ACTOR: Final = Actor.system("ledger")
_LOCK: Final = 0x61636375
_COUNTS: Final = """
    WITH last AS (
        SELECT DISTINCT ON (told.subject) told.subject, told.kind, told.leaf::jsonb -> 'body' AS body
          FROM ledger.event AS told JOIN ledger.leaf AS place ON place.event_id = told.id
         WHERE told.kind IN ('outcome.final', 'outcome.superseded') AND place.leaf_index <= %s
         ORDER BY told.subject, told.claim_seq DESC)
    SELECT decided.body ->> 'pipeline', decided.body ->> 'model', decided.body ->> 'model_version',
           decided.body ->> 'prompt_version', coalesce(decided.body ->> 'band', ''), decided.body ->> 'inclusion_ppm',
           count(*), count(*) FILTER (WHERE last.body -> 'correct' = 'true')
      FROM last JOIN ledger.event AS first ON first.subject = last.subject AND first.claim_seq = 1
     CROSS JOIN LATERAL (SELECT first.leaf::jsonb -> 'body' AS body) AS decided
     WHERE last.kind = 'outcome.final' AND first.kind = 'claim.decided'
       AND last.body ->> 'basis' IN ('labels', 'adjudication') AND last.body -> 'correct' IN ('true', 'false')
     GROUP BY 1, 2, 3, 4, 5, 6"""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Of one pipeline, model, model version and prompt version: by band and by millionths, [labelled, right]."""

    subject: tuple[str, str, str, str]
    bands: dict[str, dict[str, list[int]]]

    def fields(self, leaf_to: int) -> dict[str, Any]:
        names = zip(("pipeline", "model", "model_version", "prompt_version"), self.subject, strict=True)
        counts = [count for rates in self.bands.values() for count in rates.values()]
        return {
            **dict(names),
            "leaf_from": 0,
            "leaf_to": leaf_to,
            "bands": self.bands,
            "labelled": sum(labelled for labelled, _ in counts),
            "right": sum(right for _, right in counts),
            "result_hash": sha256(rfc8785.dumps(self.bands)).hexdigest(),
        }


def accuracy_at(leaf_to: int) -> list[Accuracy]:
    """The counts over the leaves 0 to `leaf_to`, in a fixed order: the same whoever computes them, and whenever."""
    found: dict[tuple[str, str, str, str], dict[str, dict[str, list[int]]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [leaf_to])
        for *subject, band, rate, labelled, right in sorted(cursor.fetchall()):
            pipeline, model, model_version, prompt_version = subject
            bands = found.setdefault((pipeline, model, model_version, prompt_version), {})
            bands.setdefault(band, {})[rate] = [labelled, right]
    return [Accuracy(subject, bands) for subject, bands in found.items()]


@service
def take_snapshots() -> int:
    """Appends one entry per subject with labels, once a day; returns how many."""
    newest = Checkpoint.objects.order_by("-tree_size").first()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0] or newest is None or not _due():
            return 0
        cursor.execute("SET LOCAL statement_timeout = '100s'")
    entries = list(_entries(newest.tree_size - 1))
    append_many(entries)
    return len(entries)


def _due() -> bool:
    last = Event.objects.filter(kind="accuracy.snapshot").order_by("-id").first()
    return last is None or last.recorded_us / 1e6 < timezone.now().timestamp() - EVERY_SECONDS


def _entries(leaf_to: int) -> Iterator[Entry]:
    for accuracy in accuracy_at(leaf_to):
        fields = accuracy.fields(leaf_to)
        if len(rfc8785.dumps(fields)) > LARGEST:
            log.error("the accuracy of pipeline %s has too many rates for one entry", accuracy.subject[0])
            continue
        yield Entry("accuracy.snapshot", ACTOR, None, fields)
