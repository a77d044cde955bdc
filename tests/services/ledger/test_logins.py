"""No process of the application runs with a database login that could change the ledger. On real roles."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.db.backends.utils import CursorWrapper

from reviewqueue.ledger.logins import UnsafeLogin, problems_of_login, require_safe_login
from tests.running import ROOT, database_url

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator(db: None) -> Iterator[CursorWrapper]:
    """A cursor of the superuser, who can become any login of this test; all of it is rolled back."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE NONE")
        cursor.execute("CREATE ROLE tested LOGIN")
        cursor.execute("SET LOCAL ledger.maintenance = 'on'")
        yield cursor


def problems_after(cursor: CursorWrapper, *statements: str) -> list[str]:
    """What is found of the login `tested`."""
    for statement in statements:
        cursor.execute(statement)
    cursor.execute("SET LOCAL SESSION AUTHORIZATION tested")
    return problems_of_login(cursor)


@pytest.mark.parametrize("roles", ["app_web", "app_web, app_sealer", "app_auditor"])
def test_the_logins_of_the_application_are_safe(administrator: CursorWrapper, roles: str) -> None:
    assert problems_after(administrator, f"GRANT {roles} TO tested") == []


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        (["ALTER ROLE tested SUPERUSER"], "it is, or may become, the superuser tested"),
        (["CREATE ROLE god SUPERUSER", "GRANT god TO tested"], "it is, or may become, the superuser god"),
        (["ALTER ROLE tested BYPASSRLS"], "as tested it may bypass row security"),
        (["ALTER ROLE tested REPLICATION"], "as tested it may replicate"),
        (["ALTER ROLE tested CREATEROLE"], "as tested it may create roles"),
        (["GRANT ledger_owner TO tested"], "ledger_owner, the owner of the ledger or the database"),
        (["ALTER TABLE ledger.anchor OWNER TO tested"], "tested, the owner of the ledger or the database"),
        (["GRANT UPDATE ON ledger.event TO tested"], "as tested it has UPDATE on ledger.event"),
        (["GRANT UPDATE (leaf) ON ledger.event TO tested"], "as tested it has UPDATE on ledger.event"),
        (["GRANT DELETE ON ledger.leaf TO app_web"], "as app_web it has DELETE on ledger.leaf"),
        (["GRANT TRUNCATE ON ledger.checkpoint TO PUBLIC"], "it has TRUNCATE on ledger.checkpoint"),
        (["GRANT pg_write_all_data TO tested"], "it has DELETE on ledger.event"),
        (["GRANT pg_execute_server_program TO tested"], "pg_execute_server_program"),
        (["ALTER TABLE ledger.tile DISABLE TRIGGER protect_rows"], "protect ledger.tile are off or missing"),
        (["ALTER TABLE ledger.tile ENABLE TRIGGER protect_rows"], "protect ledger.tile are off or missing"),
    ],
)
def test_a_login_that_could_change_the_ledger_is_named_with_what_it_could(
    administrator: CursorWrapper, statements: list[str], told: str
) -> None:
    found = problems_after(administrator, "GRANT app_web TO tested", *statements)
    assert any(told in sentence for sentence in found), found


def test_membership_without_inheritance_counts_as_well(administrator: CursorWrapper) -> None:
    """Who may become a role has what it has."""
    found = problems_after(administrator, "ALTER ROLE tested NOINHERIT", "GRANT ledger_owner TO tested")
    assert any("ledger_owner" in sentence for sentence in found)


def test_the_refusal_says_who_and_what_to_do(db: None) -> None:
    with pytest.raises(UnsafeLogin, match=r"superuser .*CREATE ROLE reviewqueue_web LOGIN .*docs/operators.md"):
        require_safe_login(connection)


STARTS = {
    "web": ["-c", "import reviewqueue.wsgi"],
    "sealer": ["manage.py", "seal_ledger"],
    "worker": ["-m", "celery", "--app", "reviewqueue.celery", "worker", "--pool", "solo"],
    "scheduler": ["-m", "celery", "--app", "reviewqueue.celery", "beat", "--schedule", "{folder}/schedule"],
}


@pytest.mark.parametrize("process", STARTS)
def test_a_process_in_production_does_not_start_as_superuser(db: None, process: str, tmp_path: Path) -> None:
    ended = started([word.format(folder=tmp_path) for word in STARTS[process]])
    assert ended.returncode != 0
    assert "must not run with the database login" in ended.stderr


def test_migrations_are_not_asked(db: None) -> None:
    ended = started(["manage.py", "migrate", "--check"], DATABASE_ROLE="")
    assert ended.returncode == 0, ended.stderr


def test_a_database_that_is_away_does_not_keep_the_web_from_starting(db: None) -> None:
    ended = started(STARTS["web"], DATABASE_URL="postgres://nobody@127.0.0.1:9/nothing")
    assert ended.returncode == 0, ended.stderr
    assert "asked for later" in ended.stderr


def started(words: list[str], **changed: str) -> subprocess.CompletedProcess[str]:
    """With the settings of production, in the test's database."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "DATABASE_ROLE": "app_web",
        "REVIEWQUEUE_DEVELOPMENT": "false",
        "DEBUG": "false",
        "CELERY_BROKER_URL": "memory://",
        **changed,
    }
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
