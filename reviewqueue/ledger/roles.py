"""The four group roles of the database, none of which can log in.

They belong to the whole cluster, not to one database, so another database may have made them already.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ImproperlyConfigured
from django.db import ProgrammingError, transaction
from django.db.backends.utils import CursorWrapper

OWNER = "ledger_owner"  # owns the schema; used by migrations only
WEB = "app_web"  # the web and ordinary workers
SEALER = "app_sealer"  # the sealing worker, inside its transaction only
AUDITOR = "app_auditor"  # reads
GROUP_ROLES = (OWNER, WEB, SEALER, AUDITOR)


def ensure_roles(cursor: CursorWrapper) -> None:
    """Creates what is missing and makes the login a member of each, so that it may act as them.

    Raises ImproperlyConfigured with the SQL an administrator must run, where the login may not do that itself.
    """
    cursor.execute("SELECT rolsuper, rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = session_user")
    superuser, may_create = cursor.fetchone()
    missing = _missing(cursor)
    if missing and not may_create:
        raise ImproperlyConfigured(_instructions(cursor, missing))
    for role in missing:
        _create(cursor, role)
    if not superuser:
        _join(cursor, may_create)


@contextmanager
def acting_as(cursor: CursorWrapper, role: str) -> Iterator[None]:
    """Runs the block as `role`. Joins the caller's transaction, which ends the role's life in any case."""
    cursor.execute("SELECT current_setting('role')")
    (before,) = cursor.fetchone()
    cursor.execute("SELECT set_config('role', %s, true)", [role])
    yield
    cursor.execute("SELECT set_config('role', %s, true)", [before])


def _missing(cursor: CursorWrapper) -> list[str]:
    cursor.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [list(GROUP_ROLES)])
    present = {name for (name,) in cursor.fetchall()}
    return [role for role in GROUP_ROLES if role not in present]


def _create(cursor: CursorWrapper, role: str) -> None:
    """Survives another database of the cluster being migrated at the same moment."""
    cursor.execute(
        f"""DO $$ BEGIN CREATE ROLE {role} NOLOGIN;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"""
    )


def _join(cursor: CursorWrapper, may_create: bool) -> None:
    cursor.execute("SELECT current_setting('server_version_num')::int >= 160000")
    (separate_set_option,) = cursor.fetchone()
    needed = "SET" if separate_set_option else "MEMBER"
    cursor.execute(
        "SELECT role FROM unnest(%s::text[]) AS role WHERE NOT pg_has_role(session_user, role, %s)",
        [list(GROUP_ROLES), needed],
    )
    outside = [role for (role,) in cursor.fetchall()]
    if outside and not (may_create and _joined(cursor, outside)):
        raise ImproperlyConfigured(_instructions(cursor, []))


def _joined(cursor: CursorWrapper, roles: list[str]) -> bool:
    """From PostgreSQL 16 on, the right to create roles is not the right to join those that somebody else created."""
    try:
        with transaction.atomic(using=cursor.db.alias):
            cursor.execute(f"GRANT {', '.join(roles)} TO SESSION_USER")
    except ProgrammingError:
        return False
    return True


def _instructions(cursor: CursorWrapper, missing: list[str]) -> str:
    cursor.execute("SELECT quote_ident(session_user)")
    (login,) = cursor.fetchone()
    statements = [f"CREATE ROLE {role} NOLOGIN;" for role in missing]
    statements.append(f"GRANT {', '.join(GROUP_ROLES)} TO {login};")
    return (
        f"the database login {login} may not make the group roles of the ledger. "
        "Let an administrator run: " + " ".join(statements)
    )
