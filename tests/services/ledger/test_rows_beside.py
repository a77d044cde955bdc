"""Rows of the application are held against the entries that speak of them, in both directions."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection

from reviewqueue.ledger import services
from reviewqueue.ledger.note import VerifierKey
from reviewqueue.ledger.roles import acting_as
from reviewqueue.ledger.verify import Report, verify
from reviewqueue.review.models import Label
from tests.services.review.steps import label_next
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def labelled(world: World, auditor_key: VerifierKey) -> VerifierKey:
    world.claim(category="refunds")
    label_next(world.rita)
    services.seal()
    return auditor_key


def checked(key: VerifierKey) -> Report:
    return verify(keys=[key], with_rows=True)


def without_protection(statement: str) -> None:
    """What a superuser can do: triggers and foreign keys asleep."""
    with connection.cursor() as cursor, acting_as(cursor, "none"):
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement)
        cursor.execute("SET LOCAL session_replication_role = origin")


def test_what_the_product_wrote_fits_its_entries(labelled: VerifierKey) -> None:
    assert checked(labelled).findings == ()


def test_a_label_deleted_behind_its_entry_is_named(labelled: VerifierKey) -> None:
    event = Label.objects.get().event_id
    without_protection("DELETE FROM review_label")
    assert [each.message for each in checked(labelled).findings] == [
        f"event {event} (label.submitted): its row in review_label is gone"
    ]


def test_a_label_without_an_entry_cannot_be_written(labelled: VerifierKey) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError):
            cursor.execute(
                "INSERT INTO review_label SELECT (jsonb_populate_record(l, %s)).* FROM review_label l",
                ['{"id": "0198f0c2-0000-7000-8000-000000000042", "event_id": -1, "revision": 9}'],
            )


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE review_label SET verdict = 'incorrect'", "its verdict is correct, the row"),
        ("UPDATE claims_outcome SET correct = false", "its correct is true, the row"),
        ("UPDATE claims_decision SET route = 'escalate'", "its route is review, the row"),
        ("UPDATE claims_claim SET model = 'another'", "its model is acme-lm, the row"),
        ("UPDATE policy_policyversion SET document_hash = 'sha256:0'", "its policy_hash is sha256:"),
    ],
)
def test_a_row_that_says_something_else_is_named(labelled: VerifierKey, statement: str, message: str) -> None:
    without_protection(statement)
    assert any(message in each.message for each in checked(labelled).findings)
