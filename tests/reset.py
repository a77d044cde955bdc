"""Empties the test database after a test that committed. As the owner, because the application may not."""

from __future__ import annotations

from django.db import connection, transaction

KEPT = {"django_migrations", "django_content_type", "auth_permission"}


def reset_database() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE NONE")
        cursor.execute("SET LOCAL ledger.maintenance = 'on'")
        tables = _tables(cursor, "public")
        ledger = _tables(cursor, "ledger")
        for table in ledger:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER protect_table")
        cursor.execute(f"TRUNCATE {', '.join(tables + ledger)} RESTART IDENTITY CASCADE")
        for table in ledger:
            cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER protect_table")


def _tables(cursor, schema: str) -> list[str]:  # type: ignore[no-untyped-def]  # Django's cursor wrapper has no public type
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
    return [f'"{schema}"."{name}"' for (name,) in cursor.fetchall() if name not in KEPT]
