"""The tables a claim is written to, their bare twins, and a quick way of filling both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db import connection

_NEW: Final = "SELECT id FROM claims_claim WHERE event_id > %(after)s"
# Table, and the rows of it that were written with the claims after a ledger entry.
WRITTEN: Final = {
    "ledger.event": "id > %(after)s",
    "ledger.pending": "event_id > %(after)s",
    "public.claims_claim": "event_id > %(after)s",
    "public.claims_claimpayload": f"claim_id IN ({_NEW})",
    "public.payloads_payloadkey": f"claim_id IN ({_NEW})",
    "public.claims_decision": f"claim_id IN ({_NEW})",
    "public.review_reviewtask": f"claim_id IN ({_NEW})",
    "public.review_reviewslot": f"task_id IN (SELECT id FROM review_reviewtask WHERE claim_id IN ({_NEW}))",
}
STRIDE: Final = 10_000
RANDOM: Final = "md5({0}::text || copy)::uuid"
TIMED: Final = "(left(replace({0}::text, '-', ''), 12) || substr(md5({0}::text || copy), 13))::uuid"
"""Ids of copies: of no time, or of the time of what they are copied from."""


def last_event() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM ledger.event")
        return int(cursor.fetchone()[0])


def stored_claims() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM claims_claim")
        return int(cursor.fetchone()[0])


def make_bare_tables() -> None:
    """The same columns and the same indexes; no foreign keys, checks, defaults or triggers."""
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS bare CASCADE; CREATE SCHEMA bare")
        for table in WRITTEN:
            cursor.execute(f"CREATE TABLE {bare(table)} (LIKE {table} INCLUDING INDEXES)")


def bare(table: str) -> str:
    return "bare." + table.partition(".")[2]


def written_after(event: int) -> dict[str, list[bytes]]:
    """The rows, as the text of a COPY."""
    rows = {}
    with connection.cursor() as cursor:
        for table, condition in WRITTEN.items():
            condition = condition.replace("%(after)s", str(event))
            with cursor.copy(f"COPY (SELECT * FROM {table} WHERE {condition}) TO STDOUT") as copy:
                rows[table] = [bytes(block) for block in copy]
    return rows


def copy_bare(rows: dict[str, list[bytes]]) -> None:
    with connection.cursor() as cursor:
        for table, blocks in rows.items():
            with cursor.copy(f"COPY {bare(table)} FROM STDIN") as copy:
                copy.write(b"".join(blocks))


def fill(copies: range, *, after: int, until: int, tables: Mapping[str, str] = WRITTEN, ids: str = RANDOM) -> None:
    """Multiplies the claims between two ledger entries, with all that was written with them."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for table, condition in tables.items():
            columns = _columns(table)
            made = ", ".join(_made(table, column, kind, ids) for column, kind in columns)
            names = ", ".join(column for column, _ in columns)
            rows = condition.replace("> %(after)s", f"BETWEEN {after + 1} AND {until}")
            span = f"generate_series({copies.start}, {copies.stop - 1}) AS copy"
            cursor.execute(f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE SELECT {made} FROM"
                           f" (SELECT * FROM {table} WHERE {rows}) AS model CROSS JOIN {span}")  # fmt: skip
        for table in ("ledger.event", "review_reviewslot"):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
        cursor.execute("SET session_replication_role = origin")


def mix() -> tuple[dict[str, int], int]:
    """How many claims went by each route, and how many wait for people."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT route, count(*) FROM claims_decision GROUP BY route ORDER BY route")
        routes = dict(cursor.fetchall())
        cursor.execute("SELECT count(*) FROM review_reviewtask WHERE closed_at IS NULL")
        return routes, int(cursor.fetchone()[0])


def fill_bare() -> None:
    with connection.cursor() as cursor:
        for table in WRITTEN:
            cursor.execute(f"TRUNCATE {bare(table)}; INSERT INTO {bare(table)} SELECT * FROM {table}")
        cursor.execute("ANALYZE")


def _columns(table: str) -> list[tuple[str, str]]:
    schema, _, name = table.partition(".")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, udt_name FROM information_schema.columns WHERE table_schema = %s"
            " AND table_name = %s AND is_generated = 'NEVER' ORDER BY ordinal_position",
            [schema, name],
        )
        return list(cursor.fetchall())


def _made(table: str, column: str, kind: str, ids: str) -> str:
    """An expression for the column of one copy: what must be unique differs, and what refers follows it."""
    counted = column == "id" and table in {"ledger.event", "public.review_reviewslot"}
    if counted or column in {"event_id", "slot_id"}:
        return f"{column} + copy * {STRIDE}"
    if column == "leaf":
        return _leaf(ids)
    if column == "leaf_hash":
        return f"sha256('\\x00'::bytea || convert_to({_leaf(ids)}, 'UTF8'))"
    if column == "external_id":
        return "external_id || '-' || copy"
    return ids.format(column) if kind == "uuid" else column


def _leaf(ids: str) -> str:
    own = f"replace(leaf, event_uuid::text, {ids.format('event_uuid')}::text)"
    return f"CASE WHEN subject IS NULL THEN {own} ELSE replace({own}, subject::text, {ids.format('subject')}::text) END"
