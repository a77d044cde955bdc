"""Sources and keys, as administrators look after them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from reviewqueue.accounts.models import ApiKey, Source
from reviewqueue.accounts.services import KeyEnded, key_of
from reviewqueue.administration import systems
from reviewqueue.administration.opening import open_pipeline
from reviewqueue.errors import Forbidden, Invalid
from reviewqueue.ledger.models import Event
from reviewqueue.pipelines.models import Grant, Pipeline, Role
from tests.services.administration.steps import entries
from tests.world import World

pytestmark = pytest.mark.django_db
YEAR = timedelta(days=365)


def issue(world: World, **changes: object) -> tuple[ApiKey, str]:
    terms = {
        "holder": world.source,
        "name": "nightly",
        "scopes": ["intake", "read"],
        "lifetime": YEAR,
        "by": world.adam,
    }
    return systems.issue_key(**{**terms, **changes})  # type: ignore[arg-type]


def test_only_administrators_look_after_sources_and_keys(world: World) -> None:
    key = ApiKey.objects.get()
    for by in (world.rita, world.sam, world.olga, world.ada, world.nora):
        for attempt in (
            lambda by=by: systems.create_source(slug="shop", name="Shop", by=by),
            lambda by=by: systems.set_source_active(source=world.source, active=False, by=by),
            lambda by=by: systems.set_pipelines(source=world.source, pipelines=[], by=by),
            lambda by=by: issue(world, by=by),
            lambda by=by: systems.rotate_key(key=key, by=by, overlap=timedelta(days=1)),
            lambda by=by: systems.revoke_key(key=key, by=by),
            lambda by=by: systems.limit_key(key=key, requests_per_minute=5, by=by),
            lambda by=by: open_pipeline(slug="x", name="X", question="?", owner=world.olga, deputy=None, by=by),
        ):
            before = Event.objects.count()
            with pytest.raises(Forbidden):
                attempt()
            assert Event.objects.count() == before
    assert key_of(world.key)


def test_a_key_opens_what_it_was_issued_for_and_its_text_is_nowhere(world: World) -> None:
    key, text = issue(world, requests_per_minute=30)
    found = key_of(text)
    assert found == key
    assert (found.scopes, found.requests_per_minute, found.source) == (["intake", "read"], 30, world.source)
    assert entries("apikey.created")[-1]["requests_per_minute"] == 30
    assert text not in str(entries("apikey.created"))


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["review"]}, "/scopes"),
        ({"scopes": ["everything"]}, "/scopes"),
        ({"lifetime": timedelta(0)}, "/days"),
        ({"lifetime": timedelta(days=3_651)}, "/days"),
        ({"name": " "}, "/name"),
        ({"name": "nightly\u202e"}, "/name"),
        ({"requests_per_minute": 0}, "/requests_per_minute"),
        ({"requests_per_minute": 10**9}, "/requests_per_minute"),
    ],
)
def test_a_key_that_makes_no_sense_is_not_issued(world: World, changes: dict[str, object], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        issue(world, **changes)
    assert [problem.pointer for problem in refused.value.problems] == [pointer]
    assert ApiKey.objects.count() == 1


def test_a_persons_key_never_posts_claims(world: World) -> None:
    with pytest.raises(Invalid):
        issue(world, holder=world.rita)
    assert key_of(issue(world, holder=world.rita, scopes=["review"])[1])


def test_the_old_key_works_beside_the_new_one_for_as_long_as_was_said(world: World) -> None:
    old, old_text = issue(world, requests_per_minute=30)
    new, text = systems.rotate_key(key=old, by=world.adam, overlap=timedelta(days=7))
    assert (new.name, new.scopes, new.requests_per_minute, new.source) == (
        "nightly",
        ["intake", "read"],
        30,
        world.source,
    )
    assert key_of(old_text)
    assert key_of(text)
    old.refresh_from_db()
    assert timedelta(days=6) < old.expires_at - timezone.now() < timedelta(days=8)
    assert new.expires_at - new.created_at == YEAR
    [entry] = entries("apikey.rotated")
    assert (entry["key"], entry["replaces"]) == (new.prefix, old.prefix)


def test_a_key_that_leaked_ends_with_its_successor(world: World) -> None:
    old, old_text = issue(world)
    _, text = systems.rotate_key(key=old, by=world.adam, overlap=timedelta(0))
    assert key_of(old_text) is None
    assert key_of(text)
    with pytest.raises(KeyEnded):
        systems.rotate_key(key=old, by=world.adam, overlap=timedelta(0))


def test_replacing_never_makes_the_old_key_live_longer(world: World) -> None:
    old, _ = issue(world, lifetime=timedelta(days=1))
    systems.rotate_key(key=old, by=world.adam, overlap=timedelta(days=30))
    old.refresh_from_db()
    assert old.expires_at < timezone.now() + timedelta(days=2)


def test_a_revoked_key_opens_nothing_and_a_limit_is_on_record(world: World) -> None:
    key, text = issue(world)
    systems.limit_key(key=key, requests_per_minute=5, by=world.adam)
    systems.revoke_key(key=key, by=world.adam)
    assert key_of(text) is None
    assert [body["key"] for body in entries("apikey.limited") + entries("apikey.revoked")] == [key.prefix, key.prefix]


def test_a_stopped_source_opens_nothing_until_it_is_started_again(world: World) -> None:
    for _ in range(2):
        systems.set_source_active(source=world.source, active=False, by=world.adam)
    assert key_of(world.key) is None
    systems.set_source_active(source=world.source, active=True, by=world.adam)
    assert key_of(world.key)
    assert [body["active"] for body in entries("source.changed")] == [False, True]


def test_a_source_may_post_to_exactly_what_was_chosen(world: World) -> None:
    shop = systems.create_source(slug="shop", name="Shop", by=world.adam)
    systems.set_pipelines(source=shop, pipelines=[world.pipeline], by=world.adam)
    systems.set_pipelines(source=shop, pipelines=[world.pipeline], by=world.adam)
    assert list(shop.pipelines.all()) == [world.pipeline]
    systems.set_pipelines(source=shop, pipelines=[], by=world.adam)
    assert [(body["pipeline"], body["active"]) for body in entries("source.changed")] == [
        ("support-answers", True),
        ("support-answers", False),
    ]


@pytest.mark.parametrize("slug", ["", "new", "two words", "helpdesk", "x" * 61, "ümläut", "a/b"])
def test_a_source_has_a_short_name_of_its_own(world: World, slug: str) -> None:
    with pytest.raises(Invalid):
        systems.create_source(slug=slug, name="Shop", by=world.adam)
    assert Source.objects.count() == 1


def opened(world: World, **changes: object) -> Pipeline:
    terms = {"slug": "prices", "name": "Prices", "question": "Right?", "owner": world.olga, "deputy": world.otto}
    return open_pipeline(**{**terms, "by": world.adam, **changes})  # type: ignore[arg-type]


def test_a_new_pipeline_is_its_owners_and_takes_claims_of_its_sources(world: World) -> None:
    made = opened(world, categories=["vat"], segment_values={"language": ["de"]}, sources=[world.source])
    owners = Grant.objects.filter(pipeline=made, role=Role.OWNER).values_list("user__username", flat=True)
    assert set(owners) == {"olga", "otto"}
    answer = world.submit(pipeline="prices", category="vat", segments={"language": "de"}).answer
    assert answer["decision"]["route"] == "review"  # nothing is accepted before there is a policy
    assert entries("pipeline.created")[-1]["actor"] == {
        "kind": "user",
        "id": str(world.adam.pseudonym),
        "role": "admin",
    }


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"slug": "new"}, "/slug"),
        ({"slug": "support-answers"}, "/slug"),
        ({"slug": "two words"}, "/slug"),
        ({"name": "Pri\u202ecers"}, "/name"),
        ({"name": "  "}, "/name"),
        ({"categories": ["caf\u00e9"]}, "/categories"),
        ({"segment_values": {"language": ["d\u202ee"]}}, "/segment_values/language"),
    ],
)
def test_a_pipeline_that_makes_no_sense_is_not_opened(world: World, changes: dict[str, object], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        opened(world, **changes)
    assert [problem.pointer for problem in refused.value.problems] == [pointer]
    assert Pipeline.objects.count() == 1


def test_owner_and_deputy_are_two_people_with_open_accounts(world: World) -> None:
    with pytest.raises(Invalid):
        opened(world, deputy=world.olga)
    world.otto.is_active = False
    with pytest.raises(Invalid):
        opened(world)
