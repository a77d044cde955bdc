"""Which claims and entries a report speaks of, and how its builders ask for them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final
from uuid import UUID

from django.db import connection

from calibration.evidence import first_id
from reviewqueue.claims.models import Claim
from reviewqueue.claims.selectors import instant
from reviewqueue.ledger.selectors import EntryFilter, LedgerEntry, entries_in_turn
from reviewqueue.reports.audit.document import MOST_ROWS

_SLACK: Final = timedelta(hours=1)
MOST_COUNTED: Final = 100_000
_AT_ONCE: Final = 1_000

CLAIMS: Final = """claims_claim c JOIN pipelines_pipeline p ON p.id = c.pipeline_id
      JOIN claims_decision d ON d.claim_id = c.id AND d.number = 1"""
"""Claims with the decision that was made when they came in."""
RECEIVED: Final = """c.pipeline_id = ANY(%(pipelines)s) AND c.id >= %(first_id)s AND c.id < %(end_id)s
       AND c.received_at >= %(since)s AND c.received_at < %(until)s"""
OUTCOME: Final = """LEFT JOIN LATERAL (
        SELECT x.id, x.correct, x.basis, x.label_id, x.created_at, x.number, x.event_id FROM claims_outcome x
         WHERE x.claim_id = c.id AND x.created_at < %(until)s ORDER BY x.number DESC LIMIT 1) o ON true"""
"""The newest outcome at the end of the period."""
DRAWN: Final = "(d.audit_sampled OR d.inclusion_probability = 1 AND d.route <> 'uncertain')"


@dataclass(frozen=True, slots=True)
class Scope:
    """`slug` is None for all pipelines; `pipelines` maps ids to slugs; leaves `first` to before `size`."""

    slug: str | None
    pipelines: dict[int, str]
    since: datetime
    until: datetime
    first: int
    size: int

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "pipelines": list(self.pipelines),
            "since": self.since,
            "until": self.until,
            "first_id": first_id(self.since - _SLACK),
            "end_id": first_id(self.until + _SLACK),
            "most": MOST_ROWS,
        }

    def rows(self, sql: str, **more: Any) -> list[list[Any]]:
        """Times as the contract writes them, ids as text: what may stand in a table."""
        with connection.cursor() as cursor:
            cursor.execute(sql, {**self.parameters, **more})
            return [[plain(value) for value in row] for row in cursor.fetchall()]

    def entries(self, kinds: Collection[str]) -> tuple[list[LedgerEntry], int]:
        """Entries of the period, newest first, and how many more there are."""
        found = self._every(kinds)
        shown = list(islice(found, MOST_ROWS))
        return shown, sum(1 for _ in found)

    def _every(self, kinds: Collection[str]) -> Iterator[LedgerEntry]:
        filters = EntryFilter(kinds=kinds, pipeline=self.slug, since=self.since, until=self.until)
        return entries_in_turn(filters=filters, most=MOST_COUNTED)

    def entries_about_claims(self, kinds: Collection[str]) -> tuple[list[LedgerEntry], int]:
        """As `entries`, of kinds that name their claim and not its pipeline."""
        filters = EntryFilter(kinds=kinds, since=self.since, until=self.until)
        found = self._of_own_claims(entries_in_turn(filters=filters, most=MOST_COUNTED))
        shown = list(islice(found, MOST_ROWS))
        return shown, sum(1 for _ in found)

    def _of_own_claims(self, every: Iterator[LedgerEntry]) -> Iterator[LedgerEntry]:
        """Some at a time: there may be one for each claim of the period."""
        if self.slug is None:
            yield from every
        while some := list(islice(every, _AT_ONCE)):
            own = self._own({entry.claim for entry in some if entry.claim})
            yield from (entry for entry in some if entry.claim in own or entry.body.get("pipeline") == self.slug)

    def _own(self, claims: set[UUID]) -> set[UUID]:
        return set(Claim.objects.filter(pk__in=claims, pipeline__in=self.pipelines).values_list("pk", flat=True))


def plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, UUID):
        return str(value)
    return value


def actor_of(entry: LedgerEntry) -> str:
    return entry.actor


def person(pseudonym: Any) -> str | None:
    return f"user:{pseudonym}" if pseudonym else None


def time_of(microseconds: Any) -> str | None:
    return instant(datetime.fromtimestamp(microseconds / 1e6, UTC)) if isinstance(microseconds, int) else None


def share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def from_ppm(value: Any) -> float | None:
    return value / 1e6 if isinstance(value, int) else None
