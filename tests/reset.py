"""Empties the test database after a test that committed. As the owner, because the application may not."""

from __future__ import annotations

from django.db.backends.utils import CursorWrapper

from tests.ledger_reset import unprotected_ledger

KEPT = {"django_migrations", "django_content_type", "auth_permission"}
SCHEMAS = ["public", "ledger"]
LARGE = 1_048_576
"""Bytes of a table's file, rows that are gone included: what is larger is made anew, with what the planner knows."""


def reset_database() -> None:
    """Row by row, in the tables that have some: making over a hundred empty ones anew takes ten times as long."""
    with unprotected_ledger() as cursor:
        sizes = _tables(cursor)
        if large := [name for name, size in sizes.items() if size > LARGE]:
            cursor.execute(f"TRUNCATE {', '.join(large)} CASCADE")
        cursor.execute("SET LOCAL session_replication_role = replica")  # no foreign key asks for an order
        cursor.execute(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in sizes))
        for (name,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {name}")
        cursor.execute(
            "SELECT setval(format('%%I.%%I', schemaname, sequencename)::regclass, start_value, false)"
            " FROM pg_sequences WHERE schemaname = ANY(%s) AND last_value IS NOT NULL AND sequencename !~ %s",
            [SCHEMAS, f"^({'|'.join(KEPT)})_"],
        )


def _tables(cursor: CursorWrapper) -> dict[str, int]:
    """All that are emptied, with the sizes of their files."""
    cursor.execute(
        "SELECT name, pg_relation_size(name::regclass) FROM ("
        "SELECT format('%%I.%%I', schemaname, tablename) AS name FROM pg_tables"
        " WHERE schemaname = ANY(%s) AND tablename <> ALL(%s)) AS kept",
        [SCHEMAS, list(KEPT)],
    )
    return dict(cursor.fetchall())
