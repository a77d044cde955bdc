"""What is said in a claim lies encrypted, its key and salt in a table of their own."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection

from reviewqueue.claims.models import Claim, Outcome
from reviewqueue.claims.selectors import contents_of
from reviewqueue.deliveries.models import Delivery, Payload
from reviewqueue.deliveries.services import endpoints
from reviewqueue.ledger.models import Event
from reviewqueue.payloads.checks import payload_keys_are_their_own
from reviewqueue.payloads.models import PayloadKey, content_within
from reviewqueue.payloads.selectors import opened
from reviewqueue.payloads.vault import PayloadUnreadable
from reviewqueue.review.answers import LabelAnswer
from reviewqueue.review.models import HandOver, Label, LabelReturn, Lease, ReviewTask, Skip
from reviewqueue.review.services import leases
from reviewqueue.review.services.handing_over import hand_over
from reviewqueue.review.services.returning import return_label
from tests.services.deliveries.steps import find, known, settled
from tests.services.erasure.steps import erased
from tests.services.review.steps import submit, taken
from tests.world import World

pytestmark = pytest.mark.django_db

CANARY = "canary-7f3a"
SPOKEN = {
    "input": f"in {CANARY}",
    "output": {"answer": f"out {CANARY}"},
    "alternatives": [{"output": f"other {CANARY}", "confidence": 0.1}],
    "context": [{"kind": "text", "title": f"title {CANARY}", "text": f"context {CANARY}"}],
    "metadata": {"note": f"meta {CANARY}"},
}


def test_after_intake_no_table_holds_what_was_said(world: World) -> None:
    claim = world.claim(**SPOKEN, confidence=0.5)
    assert CANARY in json.dumps(contents_of([claim.pk])[claim.pk])
    assert tables_with(CANARY) == []
    assert tables_with(claim.external_id) != []  # the search finds what is there


def tables_with(text: str) -> list[str]:
    """Every table of every schema of ours with the text in any column, bytes included."""
    found = []
    as_hex = text.encode().hex()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) FROM information_schema.tables"
            " WHERE table_schema IN ('public', 'ledger') AND table_type = 'BASE TABLE'"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(
                f"SELECT count(*) FROM {table} AS each WHERE each::text LIKE %s OR each::text LIKE %s",
                [f"%{text}%", f"%{as_hex}%"],
            )
            if cursor.fetchone()[0]:
                found.append(table)
    return found


def test_what_is_opened_gives_the_commitment_of_the_ledger(world: World) -> None:
    claims = [world.claim(**SPOKEN), world.claim(output={"b": 1.0, "a": 1e22, "é": -0.0}), world.claim(input=None)]
    texts = opened([claim.pk for claim in claims])
    for claim in claims:
        salt, text = texts[claim.pk].salt, texts[claim.pk].text
        assert hashlib.sha256(b"\x02" + salt + text).hexdigest() == committed(claim)


def committed(claim: Claim) -> str:
    body: dict[str, str] = json.loads(Event.objects.get(pk=claim.event_id).leaf)["body"]
    return body["content_commitment"]


def test_many_are_opened_by_one_statement(world: World, django_assert_num_queries: Any) -> None:
    claims = [world.claim().pk for _ in range(5)]
    with django_assert_num_queries(1):
        assert set(opened(claims)) == set(claims)
    with django_assert_num_queries(1):
        assert set(contents_of(claims)) == set(claims)
    with django_assert_num_queries(0):
        assert opened([]) == {}


def test_a_ciphertext_of_another_claim_does_not_open(world: World) -> None:
    one, other = world.claim(), world.claim()
    payload, key = one.payload, other.payload.key.opened
    assert payload.content
    with pytest.raises(PayloadUnreadable):
        content_within(other.pk, bytes(payload.ciphertext), key)
    with pytest.raises(PayloadUnreadable):
        content_within(one.pk, bytes(payload.ciphertext), key)


def test_a_new_master_key_wraps_new_keys_and_the_old_one_goes_once_all_are_wrapped_anew(
    world: World, settings: Any
) -> None:
    settings.PAYLOAD_KEYS = ["first master key of this test"]
    old = world.claim(output="said before")
    settings.PAYLOAD_KEYS = ["second master key of this test", "first master key of this test"]
    new = world.claim(output="said after")
    assert len(contents_of([old.pk, new.pk])) == 2
    before = PayloadKey.objects.get(pk=old.pk)
    call_command("rewrap_payload_keys", verbosity=0)
    settings.PAYLOAD_KEYS = ["second master key of this test"]
    assert {each["output"] for each in contents_of([old.pk, new.pk]).values()} == {"said before", "said after"}
    after = PayloadKey.objects.get(pk=old.pk)
    assert bytes(after.salt) == bytes(before.salt)
    assert bytes(after.wrapped) != bytes(before.wrapped)


def test_without_the_master_key_nothing_opens(world: World, settings: Any) -> None:
    settings.PAYLOAD_KEYS = ["a master key that gets lost"]
    claim = world.claim()
    settings.PAYLOAD_KEYS = ["some other master key"]
    with pytest.raises(PayloadUnreadable):
        contents_of([claim.pk])


def test_what_was_encrypted_before_a_master_key_was_set_still_opens(world: World, settings: Any) -> None:
    claim = world.claim(output="said before")
    settings.PAYLOAD_KEYS = ["the first master key of its own"]
    assert contents_of([claim.pk])[claim.pk]["output"] == "said before"


def test_production_is_warned_of_a_key_that_comes_from_the_secret_key(settings: Any) -> None:
    settings.DEBUG = settings.DEVELOPMENT = False
    assert [warning.id for warning in payload_keys_are_their_own()] == ["payloads.W001"]
    settings.PAYLOAD_KEYS = ["a master key of its own"]
    assert payload_keys_are_their_own() == []


def test_what_reviewers_say_lies_encrypted_too(world: World) -> None:
    claim = world.claim(confidence=0.5)
    answer = LabelAnswer(verdict="incorrect", output=f"right {CANARY}", note=f"note {CANARY}", answers={})
    label = submit(taken(world.rita), answer).label
    assert tables_with(CANARY) == []
    kept = Label.objects.get(pk=label.pk)
    assert (kept.output, kept.note, kept.answers) == (f"right {CANARY}", f"note {CANARY}", {})
    assert Outcome.objects.get(claim=claim).output == f"right {CANARY}"


def test_an_outcome_that_repeats_what_the_claim_said_does_so_encrypted(world: World) -> None:
    claim = world.claim(confidence=0.5, output={"answer": CANARY, "unknown": None})
    submit(taken(world.rita))
    assert tables_with(CANARY) == []
    assert Outcome.objects.get(claim=claim).output == {"answer": CANARY, "unknown": None}


def test_what_is_drafted_and_what_goes_with_a_task_lies_encrypted_too(world: World) -> None:
    for _ in range(4):
        world.claim(confidence=0.5)
    drafted, passed = taken(world.rita), taken(world.ravi)
    leases.save_draft(reviewer=world.rita, lease_id=drafted.pk, draft={"note": f"draft {CANARY}"})
    leases.release(reviewer=world.ravi, lease_id=passed.pk, reason="escalate", note=f"pass {CANARY}")
    over = taken(world.ravi)
    hand_over(reviewer=world.ravi, lease_id=over.pk, to="rita", note=f"over {CANARY}")
    label = submit(taken(world.ravi)).label
    ReviewTask.objects.filter(pk=label.task_id).update(undo_seconds=0)
    return_label(senior=world.sam, label_id=label.pk, comment=f"again {CANARY}")
    assert tables_with(CANARY) == []
    assert Lease.objects.get(pk=drafted.pk).draft == {"note": f"draft {CANARY}"}
    assert Skip.objects.get().note == f"pass {CANARY}"
    assert HandOver.objects.get().note == f"over {CANARY}"
    assert LabelReturn.objects.get().comment == f"again {CANARY}"
    moved = Skip(task=HandOver.objects.get().lease.task, words=Skip.objects.get().words)
    with pytest.raises(PayloadUnreadable):
        assert moved.note


def test_a_webhook_with_the_answer_lies_encrypted_too_and_one_without_it_does_not(world: World) -> None:
    for host, payload in (("thin", Payload.THIN), ("full", Payload.FULL)):
        address = f"https://{host}.example.com/"
        known(*endpoints.create_endpoint(source=world.source, url=address, by=world.source, payload=payload))
    outcome = settled(world, LabelAnswer(verdict="incorrect", output=f"right {CANARY}"))
    assert find() == 2
    assert tables_with(CANARY) == []
    claim = outcome.claim
    thin, full = Delivery.objects.filter(claim=claim).order_by("endpoint__payload")[::-1]
    assert thin.words is None
    assert json.loads(full.text)["data"] == json.loads(thin.text)["data"] | {"output": f"right {CANARY}"}
    erased(world, claim)
    assert Delivery.objects.get(pk=full.pk).text == thin.text


def test_words_moved_to_another_label_do_not_open(world: World) -> None:
    world.claim(confidence=0.5)
    label = submit(taken(world.rita), LabelAnswer(verdict="incorrect", note="noted")).label
    moved = Label(pk=uuid4(), claim=label.claim, words=label.words)
    with pytest.raises(PayloadUnreadable):
        assert moved.note
