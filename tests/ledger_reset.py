"""The ledger without its protections, as only the owner of the database can have it: to empty it, or to tamper."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from reviewqueue.ledger.roles import acting_as

TABLES = ("event", "pending", "leaf", "tile", "checkpoint", "anchor", "refusal")
PROTECTED = ("event", "leaf", "tile", "checkpoint", "anchor")


@contextmanager
def unprotected_ledger() -> Iterator[CursorWrapper]:
    """A cursor of the login user (a superuser in tests) with every trigger of the ledger off, foreign keys included.

    One transaction: whatever happens inside, the protections are back afterwards. Never outside a test database.
    """
    if not str(connection.settings_dict["NAME"]).startswith("test_"):
        raise RuntimeError("only the ledger of a test database may be taken apart")
    with transaction.atomic(), connection.cursor() as cursor, acting_as(cursor, "none"):
        cursor.execute("SET LOCAL ledger.maintenance = 'on'")
        for table in TABLES:
            cursor.execute(f"ALTER TABLE ledger.{table} DISABLE TRIGGER ALL")
        yield cursor
        for table in TABLES:
            cursor.execute(f"ALTER TABLE ledger.{table} ENABLE TRIGGER ALL")
        for table in PROTECTED:
            cursor.execute(f"ALTER TABLE ledger.{table} ENABLE ALWAYS TRIGGER protect_rows")
            cursor.execute(f"ALTER TABLE ledger.{table} ENABLE ALWAYS TRIGGER protect_table")


def reset_ledger() -> None:
    """Empties the ledger and every table that points into it."""
    with unprotected_ledger() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(f'ledger.{table}' for table in TABLES)} RESTART IDENTITY CASCADE")
