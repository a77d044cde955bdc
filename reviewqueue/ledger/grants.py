"""What the group roles may do with the tables of everybody else (schema "public").

Later migrations add tables, so this runs after every `migrate` (apps.py) and may run any number of times.
"""

from __future__ import annotations

from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

from reviewqueue.ledger.roles import AUDITOR, GROUP_ROLES, SEALER, WEB

READ_ONLY_TABLES = frozenset({"django_migrations"})
KEY_TABLES = frozenset({"payloads_payloadkey", "payloads_filekey", "payloads_goldenkey"})
"""Wrapped keys and salts: for the application alone. A salt is enough to try texts against a commitment."""
_WRITE = "SELECT, INSERT, UPDATE, DELETE"


def apply_grants(using: str = "default") -> None:
    """Grants on the tables and sequences of "public" that the current user owns, now and for those to come."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        tables, sequences = _owned(cursor, "r", "p", "v", "m"), _owned(cursor, "S")
        if not tables or not _roles_exist(cursor):
            return
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('ledger.grants'))")
        _grant_existing(cursor, tables, sequences)
        _grant_future(cursor)


def grant_after_migrate(*, using: str, **_: object) -> None:
    if connections[using].vendor == "postgresql":
        apply_grants(using)


def _roles_exist(cursor: CursorWrapper) -> bool:
    cursor.execute("SELECT count(*) FROM pg_roles WHERE rolname = ANY(%s)", [list(GROUP_ROLES)])
    return bool(cursor.fetchone() == (len(GROUP_ROLES),))


def _owned(cursor: CursorWrapper, *kinds: str) -> list[str]:
    """Quoted names of relations in "public"; those of extensions belong to somebody else and are left alone."""
    cursor.execute(
        """SELECT quote_ident(relname) FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind = ANY(%s::"char"[])
              AND pg_has_role(current_user, relowner, 'USAGE')
              AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid
                                                      AND deptype = 'e')
            ORDER BY relname""",
        [list(kinds)],
    )
    return [name for (name,) in cursor.fetchall()]


def _grant_existing(cursor: CursorWrapper, tables: list[str], sequences: list[str]) -> None:
    writable = [name for name in tables if name not in READ_ONLY_TABLES]
    cursor.execute(f"GRANT USAGE ON SCHEMA public TO {WEB}, {SEALER}, {AUDITOR}")
    cursor.execute(f"GRANT SELECT ON {_in_public(tables)} TO {WEB}, {SEALER}, {AUDITOR}")
    if writable:
        cursor.execute(f"GRANT {_WRITE} ON {_in_public(writable)} TO {WEB}")
    if keys := [name for name in tables if name in KEY_TABLES]:
        cursor.execute(f"REVOKE SELECT ON {_in_public(keys)} FROM {SEALER}, {AUDITOR}")  # noqa: S608 - quoted by the database
    if sequences:
        cursor.execute(f"GRANT USAGE, SELECT ON SEQUENCE {_in_public(sequences)} TO {WEB}")


def _grant_future(cursor: CursorWrapper) -> None:
    prefix = "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT"
    cursor.execute(f"{prefix} {_WRITE} ON TABLES TO {WEB}")
    cursor.execute(f"{prefix} SELECT ON TABLES TO {SEALER}, {AUDITOR}")
    cursor.execute(f"{prefix} USAGE, SELECT ON SEQUENCES TO {WEB}")


def _in_public(names: list[str]) -> str:
    return ", ".join(f"public.{name}" for name in names)
