"""The pages about sources and their keys, and the one that opens a pipeline."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from reviewqueue.accounts import services as accounts
from reviewqueue.accounts.models import ApiKey, Source
from reviewqueue.accounts.services import key_of
from reviewqueue.ledger.models import Event
from reviewqueue.pipelines import services as pipelines
from reviewqueue.pipelines.models import Pipeline, Role
from tests.web.test_people import key_in
from tests.web.visitor import Visitor, text_of
from tests.world import SETUP, World, make_person

HELPDESK = "/sources/helpdesk/"


@pytest.fixture
def adam(world: World) -> Visitor:
    return Visitor(world.adam)


def do(visitor: Visitor, what: str, **fields: Any) -> Any:
    return visitor.post(HELPDESK, {"do": what, **fields})


def test_a_source_is_added_gets_a_pipeline_and_a_key_and_posts(world: World, adam: Visitor) -> None:
    assert adam.post("/sources/new/", {"name": "Shop", "slug": "shop"})["Location"] == "/sources/shop/"
    assert "no pipeline" in text_of(adam.get("/sources/"))
    adam.post("/sources/shop/", {"do": "pipelines", "pipelines": ["support-answers", "no-such"]})
    issued = adam.post(
        "/sources/shop/", {"do": "issue", "new-name": "live", "new-days": "365", "new-scopes": ["intake", "read"]}
    )
    posted = Visitor().post(
        "/api/v1/claims",
        world.claim_body(),
        content_type="application/json",
        headers={"Authorization": f"Bearer {key_in(text_of(issued))}"},
    )
    assert posted.status_code == 201


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "Shop", "slug": "helpdesk"}, "Another source has this name"),
        ({"name": "Shop", "slug": "two words"}, "letters, digits, hyphens"),
        ({"name": "Shop", "slug": "new"}, "letters, digits, hyphens"),
        ({"name": "", "slug": "shop"}, "What people call it."),
        ({"name": "Sh\u200bop", "slug": "shop"}, "that people can read"),
    ],
)
def test_a_source_without_a_name_of_its_own_is_not_added(
    world: World, adam: Visitor, fields: dict[str, str], said: str
) -> None:
    refused = adam.post("/sources/new/", fields)
    assert refused.status_code == 422
    assert said in text_of(refused)
    assert Source.objects.count() == 1


def test_replacing_a_key_shows_the_new_one_once_and_keeps_the_old_one_for_a_while(world: World, adam: Visitor) -> None:
    key = ApiKey.objects.get()
    text = key_in(text_of(do(adam, "replace", key=key.public_id, overlap="7")))
    assert key_of(text)
    assert key_of(world.key)
    assert "ends soon" in text_of(adam.get(HELPDESK))


def test_a_key_that_leaked_is_replaced_at_once(world: World, adam: Visitor) -> None:
    do(adam, "replace", key=ApiKey.objects.get().public_id, overlap="0")
    assert key_of(world.key) is None
    again = do(adam, "replace", key=ApiKey.objects.filter(revoked_at__isnull=False).get().public_id)
    assert again.status_code == 409
    assert "Issue a new one." in text_of(again)


def test_revoking_takes_a_second_thought_and_is_effective_at_once(world: World, adam: Visitor) -> None:
    key = ApiKey.objects.get()
    unsure = do(adam, "revoke", key=key.public_id)
    assert unsure.status_code == 422
    assert "Tick the box" in text_of(unsure)
    assert key_of(world.key)
    assert "revoked" in text_of(do(adam, "revoke", key=key.public_id, sure="1"))
    assert key_of(world.key) is None


@pytest.mark.parametrize(("wanted", "stored"), [("30", 30), ("", None)])
def test_a_key_gets_a_limit_and_loses_it(world: World, adam: Visitor, wanted: str, stored: int | None) -> None:
    do(adam, "limit", key=ApiKey.objects.get().public_id, requests_per_minute=wanted)
    assert ApiKey.objects.get().requests_per_minute == stored


@pytest.mark.parametrize("wanted", ["0", "-1", "many", "1e3", "9" * 40])
def test_a_limit_that_is_none_is_refused_beside_its_key(world: World, adam: Visitor, wanted: str) -> None:
    before = Event.objects.count()
    refused = do(adam, "limit", key=ApiKey.objects.get().public_id, requests_per_minute=wanted)
    assert refused.status_code == 422
    assert "<details open>" in text_of(refused)
    assert Event.objects.count() == before


def test_stopping_a_source_takes_a_second_thought(world: World, adam: Visitor) -> None:
    assert do(adam, "stop").status_code == 422
    assert key_of(world.key)
    do(adam, "stop", sure="1")
    assert key_of(world.key) is None
    assert "Stopped:" in text_of(adam.get(HELPDESK))
    do(adam, "start")
    assert key_of(world.key)


def test_a_key_of_another_holder_is_not_there(world: World, adam: Visitor) -> None:
    other, _ = accounts.issue_key(holder=world.rita, name="notebook", scopes=["review"], actor=SETUP)
    assert do(adam, "revoke", key=other.public_id, sure="1").status_code == 404
    assert ApiKey.objects.get(pk=other.pk).revoked_at is None


def test_many_sources_and_keys_cost_no_more_queries(
    world: World, adam: Visitor, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        source = accounts.create_source(slug=f"source-{number}", name=f"Source {number}", actor=SETUP)
        accounts.issue_key(holder=world.source, name=f"key {number}", scopes=["read"], actor=SETUP)
        source.pipelines.add(world.pipeline)
    with django_assert_max_num_queries(12):
        adam.get("/sources/")
    with django_assert_max_num_queries(14):
        adam.get(HELPDESK)


# --- a new pipeline --------------------------------------------------------------------------------------------------

PRICES: dict[str, Any] = {
    "name": "Prices",
    "slug": "prices",
    "question": "Is this price right?",
    "owner": "olga",
    "deputy": "otto",
    "categories": "vat\r\nshipping\r\nvat",
    "segments": "language: en, de\nworkflow: quote",
    "sources": ["helpdesk"],
}


def test_a_new_pipeline_opens_on_its_first_steps(world: World, adam: Visitor) -> None:
    gone = adam.post("/pipelines/new/", PRICES)
    assert gone["Location"] == "/pipelines/prices/"
    made = Pipeline.objects.get(slug="prices")
    assert made.categories == ["vat", "shipping"]
    assert made.segment_values == {"language": ["en", "de"], "workflow": ["quote"]}
    page = " ".join(re.sub(r"<[^>]+>", " ", text_of(adam.get("/pipelines/prices/"))).split())
    assert "First steps" in page
    assert "To do: Reviewers" in page
    assert "Done: Key" in page
    assert '"pipeline": "prices"' in text_of(adam.get("/pipelines/prices/")).replace("&quot;", '"')


def test_only_who_may_give_roles_and_keys_is_led_there_by_the_first_steps(world: World, adam: Visitor) -> None:
    adam.post("/pipelines/new/", {**PRICES, "sources": []})
    for visitor, led in ((adam, True), (Visitor(world.olga), False)):
        page = text_of(visitor.get("/pipelines/prices/"))
        main = page[page.index("<main") :]
        assert ('href="/people/"' in main, 'href="/sources/"' in main) == (led, led)
        assert 'href=""' not in main


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"owner": ""}, "Somebody answers for it."),
        ({"owner": "nobody"}, "There is no such person."),
        ({"deputy": "olga"}, "The deputy is somebody else than the owner."),
        ({"slug": "new"}, "not “new”"),
        ({"slug": "support-answers"}, "Another pipeline has this name"),
        ({"question": ""}, "Reviewers must be asked something."),
        ({"categories": "caf\u00e9"}, "printable ASCII"),
        ({"segments": "language"}, "is not an attribute, a colon and its values"),
        ({"segments": "language: caf\u00e9"}, "printable ASCII"),
        ({"sources": ["no-such"]}, "not one of the available choices"),
    ],
)
def test_a_pipeline_that_makes_no_sense_is_not_opened_and_what_was_typed_stays(
    world: World, adam: Visitor, fields: dict[str, Any], said: str
) -> None:
    refused = adam.post("/pipelines/new/", {**PRICES, **fields})
    assert refused.status_code == 422
    assert said in text_of(refused)
    assert "Prices" in text_of(refused)
    assert Pipeline.objects.count() == 1


def test_an_instance_without_pipelines_says_what_to_do(db: None) -> None:
    zoe = make_person("zoe")
    pipelines.grant(user=zoe, role=Role.ADMIN, actor=SETUP)
    visitor = Visitor(zoe)
    assert "There is no pipeline yet." in text_of(visitor.get("/pipelines/"))
    assert "No system posts claims yet." in text_of(visitor.get("/sources/"))
    assert visitor.get("/pipelines/new/").status_code == 200
