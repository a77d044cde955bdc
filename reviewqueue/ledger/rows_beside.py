"""The rows of the application against the entries that speak of them.

A row without an entry cannot exist: its foreign key says so. The other ways are looked for here: an entry whose row is
gone, and a row that says something else than its entry. Apps name their tables when they are loaded (apps.py), as the
ledger knows nobody above it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, LiteralString

from django.db import connection
from psycopg.sql import SQL, Composed, Identifier


@dataclass(frozen=True, slots=True)
class RowsBeside:
    """`table` holds one row for each entry of these kinds.

    `says` maps SQL over the row (named r) to the field of the entry that must say the same, both as text.
    """

    table: str
    kinds: tuple[str, ...]
    says: Mapping[LiteralString, str] = field(default_factory=dict)
    event: str = "event_id"
    key: str = "id"


_KNOWN: dict[tuple[str, str], RowsBeside] = {}


def rows_beside(*each: RowsBeside) -> None:
    """Makes tables known; again for the same table changes nothing."""
    _KNOWN.update({(rows.table, rows.event): rows for rows in each})


def row_problems(limit: int) -> Iterator[str]:
    """Names the entry, and the row where there is one. Up to `limit` of each table and way."""
    for rows in _KNOWN.values() if limit else ():
        yield from _missing(rows, limit)
        yield from _differing(rows, limit)


_MISSING = SQL(
    """
    SELECT e.id, e.kind FROM ledger.event e
     WHERE e.kind = ANY(%s) AND NOT EXISTS (SELECT FROM {table} r WHERE r.{event} = e.id) ORDER BY e.id LIMIT %s"""
)
_DIFFERING = SQL(
    """
    SELECT r.{key}, e.id, ({said})::text, e.leaf::jsonb -> 'body' ->> %s
      FROM {table} r JOIN ledger.event e ON e.id = r.{event}
     WHERE ({said})::text IS DISTINCT FROM e.leaf::jsonb -> 'body' ->> %s ORDER BY e.id LIMIT %s"""
)


def _missing(rows: RowsBeside, limit: int) -> Iterator[str]:
    sql = _MISSING.format(table=Identifier(rows.table), event=Identifier(rows.event))
    for event, kind in _fetched(sql, [list(rows.kinds), limit]):
        yield f"event {event} ({kind}): its row in {rows.table} is gone"


def _differing(rows: RowsBeside, limit: int) -> Iterator[str]:
    names = {"table": Identifier(rows.table), "event": Identifier(rows.event), "key": Identifier(rows.key)}
    for expression, name in rows.says.items():
        sql = _DIFFERING.format(said=SQL(expression), **names)
        for key, event, ours, theirs in _fetched(sql, [name, name, limit]):
            yield f"event {event}: its {name} is {theirs}, the row {key} in {rows.table} says {ours}"


def _fetched(sql: Composed, parameters: list[Any]) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())
