"""Events to seal, and the owner of the database who looks behind the curtain."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from django.db import connection
from pytest_django import Settings

from reviewqueue.ledger import services
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.events import Entry
from reviewqueue.ledger.keys import create_key
from reviewqueue.ledger.note import SigningKey, TreeHead, VerifierKey, sign_note
from reviewqueue.transactions import one_transaction
from tests.ledger_reset import unprotected_ledger

ADA = Actor.user("0198f0c2-0000-7000-8000-00000000ada0", role="reviewer")
INTAKE = Actor.system("intake")
CLAIM = UUID("0198f0c2-0000-7000-8000-000000000001")
ORIGIN = "review-queue/tests"


def prepare_sealing(settings: Settings, folder: Path) -> VerifierKey:
    """A signing key and an anchor file of this test's own."""
    settings.LEDGER_ORIGIN = ORIGIN
    settings.LEDGER_SIGNING_KEY_FILE = str(folder / "signing.key")
    settings.LEDGER_ANCHOR_FILE = str(folder / "anchor.jsonl")
    return create_key(folder / "signing.key", name=ORIGIN)


def decided(claim: UUID, **fields: object) -> Entry:
    return Entry("claim.decided", INTAKE, claim, {"pipeline": "support-answers", "route": "review", **fields})


def changed(number: int) -> Entry:
    """An event about no claim."""
    return Entry("config.changed", ADA, None, {"changed": [f"setting-{number}"]})


def write(*entries: Entry) -> list[services.Appended]:
    with one_transaction():
        return services.append_many(entries)


def write_many(count: int) -> list[services.Appended]:
    return write(*(changed(number) for number in range(count)))


def rows(sql: str, *parameters: object) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def one(sql: str, *parameters: object) -> object:
    ((value,),) = rows(sql, *parameters)
    return value


def tampered(*statements: str) -> None:
    """What somebody with all rights over the database can do to it."""
    with unprotected_ledger() as cursor:
        for statement in statements:
            cursor.execute(statement)


def event_of(leaf_index: int) -> int:
    return int(str(one("SELECT event_id FROM ledger.leaf WHERE leaf_index = %s", leaf_index)))


def rewrite(leaf_index: int) -> list[str]:
    """Text and both hashes changed together, so that they fit each other."""
    event = event_of(leaf_index)
    return [
        f"UPDATE ledger.event SET leaf = replace(leaf, 'setting', 'sitting') WHERE id = {event}",
        f"UPDATE ledger.event SET leaf_hash = sha256('\\x00'::bytea || leaf::bytea) WHERE id = {event}",
        f"UPDATE ledger.leaf SET leaf_hash = (SELECT leaf_hash FROM ledger.event WHERE id = {event})"
        f" WHERE leaf_index = {leaf_index}",
    ]


def signed_again(head: TreeHead, key: SigningKey) -> None:
    """Puts another note, and its root, in the place of the checkpoint of that size."""
    with unprotected_ledger() as cursor:
        cursor.execute(
            "UPDATE ledger.checkpoint SET note = %s, root = %s WHERE tree_size = %s",
            [sign_note(head.text(), [key]), head.root, head.size],
        )
