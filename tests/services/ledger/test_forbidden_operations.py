"""What the database refuses, role by role, when the application is bypassed."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from reviewqueue.ledger import services
from reviewqueue.ledger.models import Event
from reviewqueue.ledger.note import VerifierKey
from reviewqueue.ledger.roles import AUDITOR, OWNER, SEALER, WEB, acting_as
from tests.services.ledger.cast import changed, one, write, write_many

pytestmark = pytest.mark.django_db

NOT_PERMITTED = "42501"
GENERATED = "428C9"  # the column is computed, whoever asks
BODY = '{"actor":{"id":"x","kind":"user","role":null},"event":"config.changed"}'
HASH = r"'\x00'::bytea || decode(repeat('00', 31), 'hex')"
EVENT_ID = "(SELECT min(id) FROM ledger.event)"

FORBIDDEN = [
    (WEB, "UPDATE ledger.event SET leaf = leaf"),
    (WEB, "DELETE FROM ledger.event"),
    (WEB, "TRUNCATE ledger.event CASCADE"),
    (WEB, f"INSERT INTO ledger.event (id, leaf) OVERRIDING SYSTEM VALUE VALUES (7, '{BODY}')"),
    (WEB, f"INSERT INTO ledger.event (leaf, recorded_us) VALUES ('{BODY}', 1)"),
    (WEB, f"INSERT INTO ledger.event (leaf, leaf_hash) VALUES ('{BODY}', {HASH})"),
    (WEB, f"INSERT INTO ledger.event (leaf) VALUES ('{BODY}') ON CONFLICT (id) DO UPDATE SET leaf = ''"),
    (WEB, f"MERGE INTO ledger.event USING (SELECT 1) AS s ON true WHEN MATCHED THEN UPDATE SET leaf = '{BODY}'"),
    (WEB, "SELECT 1 FROM ledger.event FOR UPDATE"),
    (WEB, "ALTER TABLE ledger.event DISABLE TRIGGER protect_rows"),
    (WEB, "SET LOCAL session_replication_role = replica"),
    (WEB, f"INSERT INTO ledger.leaf VALUES (9, {EVENT_ID}, {HASH})"),
    (WEB, f"INSERT INTO ledger.tile VALUES (0, 9, repeat('x', 8192)::bytea, {HASH})"),
    (WEB, f"INSERT INTO ledger.checkpoint (tree_size, root, note) VALUES (9, {HASH}, 'x')"),
    (WEB, "INSERT INTO ledger.anchor (tree_size, sink) VALUES (9, 'x')"),
    (WEB, "INSERT INTO ledger.pending VALUES (9)"),
    (WEB, "DELETE FROM ledger.pending"),
    (WEB, "INSERT INTO ledger.refusal (code, reason) VALUES ('x', 'x')"),
    (WEB, "DELETE FROM ledger.refusal"),
    (AUDITOR, "DELETE FROM ledger.refusal"),
    (WEB, "CREATE TABLE ledger.mine ()"),
    (WEB, "CREATE FUNCTION public.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT $1'"),
    (SEALER, f"INSERT INTO ledger.event (leaf) VALUES ('{BODY}')"),
    (SEALER, "UPDATE ledger.leaf SET leaf_hash = leaf_hash"),
    (SEALER, "DELETE FROM ledger.leaf"),
    (SEALER, "TRUNCATE ledger.checkpoint"),
    (SEALER, "UPDATE ledger.checkpoint SET note = ''"),
    (SEALER, "DELETE FROM ledger.anchor"),
    (SEALER, "INSERT INTO ledger.pending VALUES (9)"),
    (AUDITOR, f"INSERT INTO ledger.event (leaf) VALUES ('{BODY}')"),
    (AUDITOR, "UPDATE ledger.event SET leaf = leaf"),
    (AUDITOR, "DELETE FROM ledger.pending"),
    (AUDITOR, "INSERT INTO ledger.anchor (tree_size, sink) VALUES (9, 'x')"),
]
PROTECTED = {"event": "leaf", "leaf": "leaf_hash", "tile": "root", "checkpoint": "root", "anchor": "sink"}


@pytest.fixture
def sealed_ledger(db: None, auditor_key: VerifierKey) -> None:
    """A row in every table: 256 leaves are one tile."""
    write_many(256)
    services.seal()
    write(changed(0))


def sqlstate_of(sql: str, *, role: str) -> str | None:
    """The SQLSTATE with which the database refuses a statement; None when it does not."""
    try:
        with transaction.atomic(), connection.cursor() as cursor, acting_as(cursor, role):
            cursor.execute(sql)
    except DatabaseError as error:
        return getattr(error.__cause__, "sqlstate", None)
    return None


@pytest.mark.parametrize(("role", "sql"), FORBIDDEN)
def test_no_role_of_the_application_can_do_this(sealed_ledger: None, role: str, sql: str) -> None:
    assert sqlstate_of(sql, role=role) in {NOT_PERMITTED, GENERATED}


@pytest.mark.parametrize("role", [OWNER, "none"])
def test_neither_the_owner_nor_a_superuser_changes_rows_by_accident(sealed_ledger: None, role: str) -> None:
    for table, column in PROTECTED.items():
        assert sqlstate_of(f"UPDATE ledger.{table} SET {column} = {column}", role=role) == NOT_PERMITTED
        assert sqlstate_of(f"DELETE FROM ledger.{table}", role=role) == NOT_PERMITTED
        assert sqlstate_of(f"TRUNCATE ledger.{table} CASCADE", role=role) == NOT_PERMITTED


def test_replica_mode_does_not_walk_past_the_protection(sealed_ledger: None) -> None:
    replica = "SET LOCAL session_replication_role = replica; "
    for table in PROTECTED:
        assert sqlstate_of(f"{replica} DELETE FROM ledger.{table}", role="none") == NOT_PERMITTED
        assert sqlstate_of(f"{replica} TRUNCATE ledger.{table} CASCADE", role="none") == NOT_PERMITTED


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE ledger.event DISABLE TRIGGER ALL",
        "DROP TRIGGER protect_rows ON ledger.event",
        "DROP TABLE ledger.pending",
        "DROP SCHEMA ledger CASCADE",
        "CREATE OR REPLACE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    ],
)
def test_the_schema_is_changed_only_in_a_declared_maintenance(sealed_ledger: None, sql: str) -> None:
    assert sqlstate_of(sql, role="none") == NOT_PERMITTED
    assert sqlstate_of(f"SET LOCAL ledger.maintenance = 'on'; {sql}", role="none") is None


@pytest.mark.parametrize(
    "body",
    [
        '{"event":"x"},"id":"forged"',
        '{"event":"config.changed"},"id":"forged","recorded_us":1,"v":1,"x":{"a":1}',
        '["event"]',
        '"text"',
        "null",
        "",
        '{"event":"config.changed","actor":{"kind":"user","id":"\\u0000"}}',
        '{"event":"config.changed","actor":{"kind":"user","id":"' + "x" * 65_536 + '"}}',
        '{"event":"config.changed",\n"actor":{"kind":"user","id":"x"}}',
        '{"event":"config.changed"}',
        '{"actor":{"kind":"user","id":"x"}}',
        '{"event":"label.submitted","actor":{"kind":"user","id":"x"},"claim":"not-a-uuid","claim_seq":1}',
        '{"event":"label.submitted","actor":{"kind":"user","id":"x"},"claim":"0198f0c2-0000-7000-8000-000000000001"}',
    ],
)
def test_a_body_that_is_no_event_is_refused_by_the_database(db: None, body: str) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO ledger.event (leaf) VALUES (%s)", [body])
    assert not Event.objects.exists()


@pytest.mark.parametrize("role", [WEB, SEALER, AUDITOR])
def test_every_role_reads_everything(sealed_ledger: None, role: str) -> None:
    with connection.cursor() as cursor, acting_as(cursor, role):
        for table in [*PROTECTED, "pending"]:
            assert one(f"SELECT count(*) > 0 FROM ledger.{table}") is True
