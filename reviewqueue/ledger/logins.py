"""A process of the application must not be able to change what it wrote into the ledger, whatever runs inside it.

So no process starts in production whose database login is a superuser, may become the owner of the ledger, or may
change or remove its rows. Migrations run as the owner and are not asked.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from threading import Thread
from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.backends.utils import CursorWrapper

from reviewqueue.ledger.roles import OWNER, SEALER, WEB

log = logging.getLogger(__name__)

EVIDENCE: Final = ("event", "leaf", "tile", "checkpoint", "anchor")
_POWERFUL: Final = ("pg_write_server_files", "pg_execute_server_program", "pg_read_server_files")
# Every role that the login is, inherits from, or may become.
_ROLES: Final = """
    SELECT rolname, rolsuper, rolbypassrls, rolreplication, rolcreaterole FROM pg_roles
     WHERE pg_has_role(session_user, oid, 'MEMBER')
     ORDER BY rolsuper DESC, rolname = session_user DESC, rolname"""
_OWNED: Final = """
    SELECT DISTINCT pg_get_userbyid(owner) FROM (
      SELECT nspowner AS owner FROM pg_namespace WHERE nspname = 'ledger'
      UNION SELECT relowner FROM pg_class WHERE relnamespace = to_regnamespace('ledger')
      UNION SELECT datdba FROM pg_database WHERE datname = current_database()) AS owners
     WHERE pg_has_role(session_user, owner, 'MEMBER')"""
_CHANGEABLE: Final = """
    SELECT DISTINCT c.relname, p.privilege, r.rolname
      FROM pg_class c, unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) AS p (privilege), pg_roles r
     WHERE c.relnamespace = to_regnamespace('ledger') AND c.relname = ANY(%s)
       AND pg_has_role(session_user, r.oid, 'MEMBER')
       AND (has_table_privilege(r.oid, c.oid, p.privilege)
            OR (p.privilege = 'UPDATE' AND has_any_column_privilege(r.oid, c.oid, 'UPDATE')))
     ORDER BY 1, 2, 3"""
_UNPROTECTED: Final = """
    SELECT c.relname FROM pg_class c
     WHERE c.relnamespace = to_regnamespace('ledger') AND c.relname = ANY(%s)
       AND (SELECT count(*) FROM pg_trigger t
             WHERE t.tgrelid = c.oid AND t.tgname IN ('protect_rows', 'protect_table') AND t.tgenabled = 'A') < 2
     ORDER BY 1"""
_WHAT_TO_DO: Final = (
    "Give it a login of its own, that owns nothing: CREATE ROLE reviewqueue_web LOGIN PASSWORD '…'; "
    f"GRANT {WEB} TO reviewqueue_web; (for the worker also {SEALER}), and name it in DATABASE_URL. "
    'See "Three logins" in docs/operators.md.'
)


class UnsafeLogin(ImproperlyConfigured):
    """The database login of this process could change the ledger."""


def problems_of_login(cursor: CursorWrapper) -> list[str]:
    """What the login of this connection could do to the ledger, as sentences; none where all is well."""
    return [*_powers(cursor), *_rights(cursor)]


def _powers(cursor: CursorWrapper) -> Iterator[str]:
    cursor.execute(_ROLES)
    roles = cursor.fetchall()
    for name, superuser, bypasses, replicates, creates in roles:
        if superuser:
            yield f"it is, or may become, the superuser {name}"
            return  # who may everything may all that follows
        powers = {"bypass row security": bypasses, "replicate": replicates, "create roles": creates}
        yield from (f"as {name} it may {power}" for power, has in powers.items() if has)
        if name in _POWERFUL:
            yield f"it is a member of {name}, which reaches the files of the server"
    cursor.execute(_OWNED)
    yield from (f"it is, or may become, {owner}, the owner of the ledger or the database" for (owner,) in cursor)


def _rights(cursor: CursorWrapper) -> Iterator[str]:
    cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = session_user")
    if cursor.fetchone() != (True,):
        cursor.execute(_CHANGEABLE, [list(EVIDENCE)])
        yield from (
            f"as {role} it has {privilege} on ledger.{table}" for table, privilege, role in cursor if role != OWNER
        )
    cursor.execute(_UNPROTECTED, [list(EVIDENCE)])
    yield from (f"the triggers that protect ledger.{table} are off or missing" for (table,) in cursor)


def require_safe_login(asked: BaseDatabaseWrapper) -> None:
    """Raises UnsafeLogin, which says what to do."""
    with asked.cursor() as cursor:
        problems = problems_of_login(cursor)
        if not problems:
            return
        cursor.execute("SELECT session_user")
        (login,) = cursor.fetchone()
    raise UnsafeLogin(
        f"This process must not run with the database login {login}: {'; '.join(problems)}. {_WHAT_TO_DO}"
    )


def guard_process() -> None:
    """Called where a process of the application starts. Raises UnsafeLogin in production.

    A database that is away does not keep the process from starting: the first connection is asked as well.
    """
    if settings.DEVELOPMENT:
        return
    connection_created.connect(_guard_connection, dispatch_uid="ledger.logins")
    failures: list[UnsafeLogin] = []
    asking = Thread(target=_ask_once, args=[failures])  # there may be an event loop in this one already
    asking.start()
    asking.join()
    if failures:
        raise failures[0]


_found_safe: set[str] = set()


def _ask_once(failures: list[UnsafeLogin]) -> None:
    try:
        connection.ensure_connection()
    except UnsafeLogin as unsafe:
        failures.append(unsafe)
    except DatabaseError as away:
        log.warning("the rights of the database login are asked for later: %s", type(away).__name__)
    finally:
        connection.close()


def _guard_connection(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Once for each database of the process; an unsafe connection is never left open."""
    if connection.vendor != "postgresql" or connection.alias in _found_safe:
        return
    try:
        require_safe_login(connection)
    except BaseException:
        connection.close()
        raise
    _found_safe.add(connection.alias)


def login_is_safe(*_: Any, **given: Any) -> list[CheckMessage]:
    """For `check --deploy --database default`, with the settings of a process of the application."""
    if not given.get("databases") or settings.DEVELOPMENT:
        return []
    try:
        require_safe_login(connection)
    except UnsafeLogin as unsafe:
        return [Error(str(unsafe), id="ledger.E001")]
    except DatabaseError:
        return []
    return []
