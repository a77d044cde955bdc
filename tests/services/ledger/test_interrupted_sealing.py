"""The sealing process is killed at each of its writes: the old state stands, and the next run succeeds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import DatabaseError, connection, transaction

from reviewqueue.ledger import services
from reviewqueue.ledger.anchors import configured_anchor
from reviewqueue.ledger.models import Anchor, Checkpoint, Leaf, Pending, Tile
from reviewqueue.ledger.note import VerifierKey
from reviewqueue.ledger.roles import acting_as
from reviewqueue.ledger.verify import verify
from tests.services.ledger.cast import write_many

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def deadly_write(committed_db: None, request: pytest.FixtureRequest) -> Iterator[None]:
    """While it is set, the named write ends its database connection, as a killed process would."""
    table, operation = request.param
    _as_owner(
        "CREATE FUNCTION public.die() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
        " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'",
        f"CREATE TRIGGER deadly BEFORE {operation} ON ledger.{table} FOR EACH STATEMENT EXECUTE FUNCTION public.die()",
    )
    yield
    connection.close()
    _as_owner(f"DROP TRIGGER IF EXISTS deadly ON ledger.{table}", "DROP FUNCTION public.die()")


def _as_owner(*statements: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor, acting_as(cursor, "none"):
        cursor.execute("SET LOCAL ledger.maintenance = 'on'")
        for statement in statements:
            cursor.execute(statement)


def state() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Pending, Leaf, Tile, Checkpoint, Anchor))


def kill_while_sealing() -> None:
    with pytest.raises(DatabaseError):
        services.seal()
    connection.close()


def disarm(table: str) -> None:
    _as_owner(f"DROP TRIGGER deadly ON ledger.{table}")


@pytest.mark.parametrize(
    "deadly_write",
    [("pending", "DELETE"), ("leaf", "INSERT"), ("tile", "INSERT"), ("checkpoint", "INSERT")],
    indirect=True,
    ids="-".join,
)
def test_killed_inside_the_transaction_nothing_has_happened(
    auditor_key: VerifierKey, deadly_write: None, request: pytest.FixtureRequest
) -> None:
    write_many(300)
    before = state()
    kill_while_sealing()
    assert state() == before == (300, 0, 0, 0, 0)
    disarm(request.node.callspec.params["deadly_write"][0])
    services.seal()
    assert state() == (0, 300, 1, 1, 1)
    assert verify(keys=[auditor_key], anchor=configured_anchor()).sound


@pytest.mark.parametrize("deadly_write", [("anchor", "INSERT")], indirect=True, ids="-".join)
def test_killed_after_the_transaction_the_checkpoint_stands_and_is_anchored_once(
    auditor_key: VerifierKey, deadly_write: None
) -> None:
    write_many(300)
    kill_while_sealing()
    assert state() == (0, 300, 1, 1, 0)
    disarm("anchor")
    write_many(1)
    services.seal()
    anchor = configured_anchor()
    assert anchor is not None
    assert len(list(anchor.notes())) == 2
    assert verify(keys=[auditor_key], anchor=anchor).sound
