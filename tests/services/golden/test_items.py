"""The items of a golden set: a draft is filled and corrected, published by an owner, and then never changes."""

from __future__ import annotations

import json

import pytest
from django.db import IntegrityError, InternalError, ProgrammingError, transaction

from reviewqueue.errors import Forbidden, Invalid
from reviewqueue.golden import items as limits
from reviewqueue.golden.items import Item
from reviewqueue.golden.models import GoldenItem, GoldenItemPayload, GoldenVersion
from reviewqueue.golden.selectors import draft_of, item_with_content, items_digest, sets_of, version_in_use
from reviewqueue.golden.services import drafts, sets
from reviewqueue.golden.services.drafts import NothingToPublish
from reviewqueue.golden.services.sets import GoldenSetExists, GoldenSetNotInUse, Terms
from reviewqueue.ledger.models import Event
from tests.services.golden.steps import erase, golden_set, publish, published, questions
from tests.world import World


def keys(version: GoldenVersion | None) -> list[str]:
    assert version is not None
    return list(version.items.order_by("place", "id").values_list("key", flat=True))


def test_a_new_set_is_in_the_ledger_with_who_sees_to_it_and_when(world: World) -> None:
    golden_set(world, every_days=14, within_days=0)
    body = json.loads(Event.objects.get(kind="golden.set_created").leaf)["body"]
    assert (body["golden_set"], body["every_days"], body["within_days"]) == ("prices", 14, 0)
    assert body["owner"] == str(world.olga.pseudonym)


@pytest.mark.parametrize(
    ("name", "terms", "pointer"),
    [
        ("Prices!", {}, "/name"),
        ("a--b", {}, "/name"),
        ("x" * 61, {}, "/name"),
        ("good", {"every_days": 0}, "/every_days"),
        ("good", {"within_days": 91}, "/within_days"),
        ("good", {"description": "x" * 2_001}, "/description"),
    ],
)
def test_a_set_needs_a_name_for_addresses_and_times_in_range(
    world: World, name: str, terms: dict[str, object], pointer: str
) -> None:
    with pytest.raises(Invalid) as refused:
        golden_set(world, name, **terms)
    assert [problem.pointer for problem in refused.value.problems] == [pointer]


def test_an_owner_of_the_pipeline_answers_for_a_set_and_nobody_else(world: World) -> None:
    with pytest.raises(Invalid):
        sets.create_set(pipeline=world.pipeline, name="prices", terms=Terms(owner=world.rita), by=world.olga)
    made = golden_set(world)
    with pytest.raises(Invalid):
        sets.change_set(golden_set=made, terms=Terms(owner=world.sam), by=world.olga)
    assert sets.change_set(golden_set=made, terms=Terms(owner=world.otto), by=world.olga).owner == world.otto


def test_a_name_is_given_once(world: World) -> None:
    golden_set(world)
    with pytest.raises(GoldenSetExists):
        golden_set(world)


def test_items_keep_their_order_and_one_of_a_known_key_takes_its_place(world: World) -> None:
    made = golden_set(world)
    drafts.put_items(golden_set=made, items=questions(3))
    put = drafts.put_items(
        golden_set=made, items=[Item(key="plan-2", answer="free"), Item(key="plan-9", answer="9 EUR")]
    )
    assert (put.added, put.replaced, put.removed, put.size) == (1, 1, 0, 4)
    assert keys(draft_of(made)) == ["plan-1", "plan-2", "plan-3", "plan-9"]
    row = put.version.items.get(key="plan-2")
    assert item_with_content(row) == Item(key="plan-2", answer="free")


def test_replacing_leaves_what_is_given(world: World) -> None:
    made = golden_set(world)
    drafts.put_items(golden_set=made, items=questions(3))
    put = drafts.put_items(golden_set=made, items=questions(4)[2:], replace=True)
    assert (put.added, put.replaced, put.removed) == (1, 1, 2)
    assert keys(put.version) == ["plan-3", "plan-4"]


def test_the_first_change_after_a_publication_begins_a_draft_with_what_is_in_use(world: World) -> None:
    made = published(world, 3)
    put = drafts.put_items(golden_set=made, items=[Item(key="new", answer="1")])
    assert (put.version.number, put.size) == (2, 4)
    assert keys(version_in_use(made)) == ["plan-1", "plan-2", "plan-3"]
    assert drafts.remove_items(golden_set=made, keys=["plan-1", "nothing"]) == 1
    assert keys(draft_of(made)) == ["plan-2", "plan-3", "new"]


def test_a_set_has_at_most_ten_thousand_items(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert limits.MOST_ITEMS == 10_000
    monkeypatch.setattr(drafts, "MOST_ITEMS", 3)
    made = golden_set(world)
    drafts.put_items(golden_set=made, items=questions(2))
    with pytest.raises(Invalid):
        drafts.put_items(golden_set=made, items=questions(5)[2:])
    assert keys(draft_of(made)) == ["plan-1", "plan-2"]


def test_published_once_and_in_the_ledger_with_a_digest_of_salted_digests(world: World) -> None:
    made = golden_set(world)
    version = publish(world, made, questions(3))
    body = json.loads(Event.objects.get(kind="golden.published").leaf)["body"]
    assert (body["golden_version"], body["size"], body["digest"]) == (1, 3, items_digest(version).hex())
    assert "EUR" not in json.dumps(body)
    assert body["actor"]["role"] == "owner"
    with pytest.raises(NothingToPublish):
        drafts.publish(golden_set=made, by=world.olga)


def test_the_same_items_are_not_published_twice(world: World) -> None:
    made = published(world, 3)
    drafts.put_items(golden_set=made, items=questions(3))
    with pytest.raises(NothingToPublish):
        drafts.publish(golden_set=made, by=world.olga)
    assert drafts.discard_draft(golden_set=made)
    assert not drafts.discard_draft(golden_set=made)


def test_only_an_owner_publishes(world: World) -> None:
    made = golden_set(world)
    drafts.put_items(golden_set=made, items=questions(3))
    for person in (world.adam, world.sam, world.ada):
        with pytest.raises(Forbidden):
            drafts.publish(golden_set=made, by=person)
    assert drafts.publish(golden_set=made, by=world.otto).number == 1


def test_what_no_machine_can_compare_is_not_published(world: World) -> None:
    made = golden_set(world)
    bad = [
        Item(key="no-answer"),
        Item(key="no/text", answer={"price": 1}),
        Item(key="no-number", answer="cheap", comparison="number"),
        Item(key="none-of", answer=[], comparison="one_of"),
        Item(key="tolerant", answer="1 EUR", tolerance=1),
    ]
    drafts.put_items(golden_set=made, items=[*questions(2), *bad])
    with pytest.raises(Invalid) as refused:
        drafts.publish(golden_set=made, by=world.olga)
    pointers = [problem.pointer for problem in refused.value.problems]
    assert pointers == [
        "/no-answer/answer",
        "/no~1text/answer",
        "/no-number/answer",
        "/none-of/answer",
        "/tolerant/answer",
    ]
    assert version_in_use(made) is None


def test_an_empty_or_retired_set_is_not_published(world: World) -> None:
    made = golden_set(world)
    with pytest.raises(NothingToPublish):
        drafts.publish(golden_set=made, by=world.olga)
    drafts.put_items(golden_set=made, items=questions(1))
    sets.retire_set(golden_set=made, by=world.olga)
    with pytest.raises(GoldenSetNotInUse):
        drafts.publish(golden_set=made, by=world.olga)


@pytest.mark.parametrize(
    "change",
    [
        lambda version: GoldenVersion.objects.filter(pk=version.pk).update(size=1),
        lambda version: GoldenVersion.objects.filter(pk=version.pk).update(published_at=None),
        lambda version: version.delete(),
        lambda version: GoldenItem.objects.filter(version=version).update(comparison="exact"),
        lambda version: version.items.first().delete(),
        lambda version: GoldenItem.objects.create(
            version=version, key="more", place=9, comparison="text", fingerprint=b"", commitment=b""
        ),
        lambda version: GoldenItemPayload.objects.filter(item__version=version).update(ciphertext=b""),
    ],
)
def test_the_database_refuses_to_change_what_is_published(world: World, change) -> None:  # type: ignore[no-untyped-def]
    version = version_in_use(published(world, 3))
    with pytest.raises((ProgrammingError, InternalError, IntegrityError)), transaction.atomic():
        change(version)


def test_what_was_erased_is_not_taken_into_the_next_draft(world: World) -> None:
    made = published(world, 3)
    version = version_in_use(made)
    assert version is not None
    erase(world, made, "plan-2")
    assert items_digest(version) == bytes(version.digest)
    drafts.put_items(golden_set=made, items=[Item(key="new", answer="1")])
    assert keys(draft_of(made)) == ["plan-1", "plan-3", "new"]


def test_the_list_says_what_is_in_use_and_what_is_drafted_in_one_query(world: World, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    drafts.put_items(golden_set=published(world, 3), items=questions(5))
    golden_set(world, "empty")
    for number in range(5):
        published(world, 1, name=f"more-{number}")
    with django_assert_num_queries(1):
        rows = list(sets_of(world.pipeline))
    found = {row.name: (row.in_use, row.items, row.drafted, row.drafted_items) for row in rows}
    assert found["prices"] == (1, 3, 2, 5)
    assert found["empty"] == (None, None, None, None)
