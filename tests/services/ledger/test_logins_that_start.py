"""A process of the application starts with a login of its own. Roles that others can log in with are committed ones."""

from __future__ import annotations

import os
import re

from django.db import connection

from tests.running import database_url
from tests.services.ledger.test_logins import started


def test_a_process_with_a_login_of_its_own_starts(committed_db: None) -> None:
    """A real login, as the compose file has it, and a real connection with it."""
    login = f"tested_{os.getpid()}"
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE NONE")
        cursor.execute(f"CREATE ROLE {login} LOGIN PASSWORD 'tested'")
        cursor.execute(f"GRANT app_web TO {login}")
    try:
        address = re.sub(r"//[^@/]*@", f"//{login}:tested@", database_url())
        assert login in address
        ended = started(["-c", "import reviewqueue.wsgi; print('started')"], DATABASE_URL=address)
        assert ended.stdout.strip() == "started", ended.stderr
        assert "asked for later" not in ended.stderr, "it did connect"
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE NONE")
            cursor.execute(f"DROP ROLE {login}")
