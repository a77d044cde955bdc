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
from reviewqueue.ledger.note import VerifierKey
from reviewqueue.transactions import one_transaction

ADA = Actor.user("0198f0c2-0000-7000-8000-00000000ada0", role="reviewer")
INTAKE = Actor.system("intake")
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
