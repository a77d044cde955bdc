"""Empties the test database after a test that committed. As the owner, because the application may not."""

from __future__ import annotations

from django.db.backends.utils import CursorWrapper

from tests.ledger_reset import unprotected_ledger

KEPT = {"django_migrations", "django_content_type", "auth_permission"}


def reset_database() -> None:
    with unprotected_ledger() as cursor:
        tables = _tables(cursor, "public") + _tables(cursor, "ledger")
        cursor.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE")


def _tables(cursor: CursorWrapper, schema: str) -> list[str]:
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
    return [f'"{schema}"."{name}"' for (name,) in cursor.fetchall() if name not in KEPT]
