"""Writing events, as every service of the application does it."""

from __future__ import annotations

import json
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django import DjangoAssertNumQueries

from reviewqueue.ledger import services
from reviewqueue.ledger.canonical import NotCanonical, read_leaf
from reviewqueue.ledger.events import Entry, EventRefused
from reviewqueue.ledger.models import AppendOnly, Event, Pending
from reviewqueue.ledger.roles import WEB, acting_as
from reviewqueue.ledger.tree import leaf_hash
from tests.services.ledger.cast import ADA, INTAKE, changed, decided, one, write

pytestmark = pytest.mark.django_db


def test_the_application_writes_events_under_its_own_role() -> None:
    assert one("SELECT current_user") == WEB
    (written,) = write(changed(1))
    assert Event.objects.get().id == written.id


def test_the_text_of_an_event_is_canonical_and_its_hash_is_the_leaf_hash() -> None:
    written = services.append(event="config.changed", actor=ADA, changed=["thresholds"], reason="é")
    event = Event.objects.get(id=written.id)
    document = read_leaf(event.leaf)
    assert document["body"] == {
        "actor": {"id": ADA.id, "kind": "user", "role": "reviewer"},
        "changed": ["thresholds"],
        "event": "config.changed",
        "reason": "é",
    }
    assert leaf_hash(event.leaf.encode()) == bytes(event.leaf_hash) == written.leaf_hash


def test_id_and_time_are_the_databases() -> None:
    before = one("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
    (written,) = write(changed(1))
    after = one("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
    event = Event.objects.get()
    document = json.loads(event.leaf)
    assert before <= event.recorded_us == document["recorded_us"] <= after
    assert event.event_uuid == written.uuid == UUID(document["id"])
    assert written.uuid.version == 7
    assert written.uuid.int >> 80 == event.recorded_us // 1000


def test_what_lists_are_filtered_by_is_taken_from_the_text() -> None:
    claim = uuid4()
    write(decided(claim))
    event = Event.objects.get()
    assert (event.kind, event.subject, event.claim_seq, event.actor) == ("claim.decided", claim, 1, "system:intake")


def test_the_events_of_a_claim_are_numbered_and_each_states_the_hash_of_the_one_before() -> None:
    claim = uuid4()
    (first,) = write(decided(claim))
    write(changed(1), decided(uuid4()))
    (second,) = write(Entry("claim.rerouted", INTAKE, claim, {"pipeline": "support-answers", "route": "escalate"}))
    bodies = [json.loads(event.leaf)["body"] for event in Event.objects.filter(subject=claim).order_by("id")]
    assert [body["claim_seq"] for body in bodies] == [1, 2]
    assert [body["claim_prev"] for body in bodies] == [None, first.leaf_hash.hex()]
    assert second.id > first.id


def test_two_events_with_one_number_in_a_claim_cannot_both_be_written() -> None:
    claim = uuid4()
    write(decided(claim))
    twin = Event.objects.get().leaf.removeprefix('{"body":').partition(',"id":')[0]
    with pytest.raises(IntegrityError, match="event_claim_seq_unique"), transaction.atomic():
        connection.cursor().execute("INSERT INTO ledger.event (leaf) VALUES (%s)", [twin])


def test_a_batch_of_different_claims_is_two_statements(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    entries = [decided(uuid4()) for _ in range(50)]
    with django_assert_num_queries(2):
        services.append_many(entries)


def test_the_results_of_a_batch_come_in_the_order_given() -> None:
    ada, bob = uuid4(), uuid4()
    entries = [decided(ada), decided(bob), _opened(ada), changed(1), _opened(bob), _opened(ada)]
    written = write(*entries)
    events = {event.id: event for event in Event.objects.all()}
    assert [(events[one_.id].kind, events[one_.id].subject) for one_ in written] == [
        (entry.event, entry.claim) for entry in entries
    ]
    assert [events[written[place].id].claim_seq for place in (0, 2, 5)] == [1, 2, 3]
    for earlier, later in ((0, 2), (2, 5), (1, 4)):
        stated = json.loads(events[written[later].id].leaf)["body"]["claim_prev"]
        assert stated == written[earlier].leaf_hash.hex()


def test_an_empty_batch_writes_nothing() -> None:
    assert write() == []


def test_every_event_waits_on_the_work_list() -> None:
    written = write(changed(1), changed(2))
    assert set(Pending.objects.values_list("event_id", flat=True)) == {event.id for event in written}


@pytest.mark.parametrize("bad", [Entry("claim.guessed", ADA), Entry("config.changed", ADA, None, {"changed": [0.5]})])
def test_one_bad_event_of_a_batch_stops_it_before_the_database_is_asked(bad: Entry) -> None:
    with pytest.raises((EventRefused, NotCanonical)):
        services.append_many([changed(1), bad])
    assert not Event.objects.exists()


def test_a_row_of_another_table_cannot_point_at_an_event_that_is_not_there() -> None:
    with connection.cursor() as cursor, acting_as(cursor, "none"):
        cursor.execute("CREATE TABLE public.pointer (event_id bigint NOT NULL UNIQUE REFERENCES ledger.event (id))")
        cursor.execute(f"GRANT INSERT ON public.pointer TO {WEB}")
    (written,) = write(changed(1))
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO public.pointer VALUES (%s)", [written.id])
        with pytest.raises(IntegrityError, match="pointer_event_id_fkey"), transaction.atomic():
            cursor.execute("INSERT INTO public.pointer VALUES (%s)", [written.id + 1])


def test_the_models_write_nothing() -> None:
    write(changed(1))
    event = Event.objects.get()
    attempts = [
        event.save,
        event.delete,
        Event.objects.all().delete,
        lambda: Event.objects.create(leaf="{}"),
        lambda: Event.objects.update(leaf="{}"),
        lambda: Event.objects.bulk_create([event]),
    ]
    for attempt in attempts:
        with pytest.raises(AppendOnly):
            attempt()


def _opened(claim: UUID) -> Entry:
    return Entry("task.opened", INTAKE, claim, {"task": uuid4()})
