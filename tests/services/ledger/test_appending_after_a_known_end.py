"""Writing events of claims whose last event the caller knows, without looking it up."""

from __future__ import annotations

import json
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError
from pytest_django import DjangoAssertNumQueries

from reviewqueue.ledger import services
from reviewqueue.ledger.events import Entry
from reviewqueue.ledger.models import Event
from reviewqueue.ledger.services import NO_EVENT
from tests.services.ledger.cast import INTAKE, decided, write

pytestmark = pytest.mark.django_db


def test_a_batch_about_new_claims_is_one_statement(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    entries = [decided(uuid4()) for _ in range(50)]
    with django_assert_num_queries(1):
        written = services.append_many(entries, after={entry.claim: NO_EVENT for entry in entries if entry.claim})
    assert [event.end.claim_seq for event in written if event.end] == [1] * 50


def test_the_next_event_continues_the_chain_from_the_end_it_was_given(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    claim = uuid4()
    (first,) = services.append_many([decided(claim)], after={claim: NO_EVENT})
    assert first.end is not None
    with django_assert_num_queries(1):
        services.append_many([_opened(claim)], after={claim: first.end})
    body = json.loads(Event.objects.filter(subject=claim).latest("id").leaf)["body"]
    assert (body["claim_seq"], body["claim_prev"]) == (2, first.leaf_hash.hex())


def test_known_and_unknown_ends_may_stand_side_by_side() -> None:
    old, new = uuid4(), uuid4()
    write(decided(old))
    services.append_many([_opened(old), decided(new)], after={new: NO_EVENT})
    assert list(Event.objects.filter(subject=old).order_by("id").values_list("claim_seq", flat=True)) == [1, 2]
    assert Event.objects.get(subject=new).claim_seq == 1


def test_a_claim_wrongly_called_new_is_refused_by_the_database() -> None:
    claim = uuid4()
    write(decided(claim))
    with pytest.raises(IntegrityError, match="event_claim_seq_unique"):
        services.append_many([_opened(claim)], after={claim: NO_EVENT})


def test_an_event_about_no_claim_has_no_end() -> None:
    written = services.append(event="config.changed", actor=INTAKE, changed=["thresholds"])
    assert written.end is None


def _opened(claim: UUID) -> Entry:
    return Entry("task.opened", INTAKE, claim, {"task": uuid4()})
