"""The queue page: what waits, in what order, and why there is nothing."""

from __future__ import annotations

import re

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.services.review.steps import another_pipeline, label_next, taken
from tests.web.visitor import Visitor, text_of
from tests.world import World

POLL = {"HX-Target": "work"}


def version_in(page: str) -> str:
    found = re.search(r'If-None-Match": "\\"(\w+)\\""', page)
    assert found
    return f'"{found[1]}"'


def test_the_queue_counts_and_states_its_order(world: World, rita: Visitor) -> None:
    for _ in range(3):
        world.claim()
    page = text_of(rita.get("/queue/"))
    assert "<strong>3</strong> to do" in page
    assert "what is due first, and of what is due together what waits longest" in page
    assert "Start reviewing" in page


def test_a_poll_without_news_is_304_and_with_news_brings_the_part(world: World, rita: Visitor) -> None:
    world.claim()
    version = version_in(text_of(rita.get("/queue/")))
    quiet = rita.ajax("get", "/queue/", **POLL, **{"If-None-Match": version})
    assert (quiet.status_code, quiet.content) == (304, b"")
    world.claim()
    moved = rita.ajax("get", "/queue/", **POLL, **{"If-None-Match": version})
    assert moved.status_code == 200
    assert "<strong>2</strong> to do" in text_of(moved)
    assert "<html" not in text_of(moved)
    assert version_in(text_of(moved)) != version


def test_what_is_in_hand_can_be_returned_to_or_put_back(world: World, rita: Visitor) -> None:
    world.claim()
    lease = taken(world.rita)
    page = text_of(rita.get("/queue/"))
    assert "In your hands" in page
    assert f"/review/{lease.pk}/" in page
    rita.post(f"/review/{lease.pk}/release/")
    assert "In your hands" not in text_of(rita.get("/queue/"))


def test_nothing_to_do_says_that_others_hold_the_rest(world: World) -> None:
    world.claim()
    taken(world.ravi)
    page = text_of(Visitor(world.rita).get("/queue/"))
    assert "Others hold what is left (1)." in page
    assert "The next one comes free" in page


def test_nothing_to_do_without_access_names_who_can_give_it(world: World) -> None:
    page = text_of(Visitor(world.nora).get("/queue/"))
    assert "You do not review in any pipeline here. Adam or Amir can give you access." in page
    assert "Start reviewing" not in page


def test_an_owner_sees_the_queue_and_cannot_start(world: World, olga: Visitor) -> None:
    world.claim()
    page = text_of(olga.get("/queue/"))
    assert "<strong>1</strong> to do" in page
    assert "you do not review here" in page
    assert "Start reviewing" not in page


def test_reviewing_one_pipeline_only_stays_there(world: World, rita: Visitor) -> None:
    another_pipeline(world)
    world.claim()
    task = rita.post("/queue/take/", {"pipeline": world.pipeline.slug})["Location"]
    assert rita.post(task + "label/", {"verdict": "correct"})["Location"] == "/queue/"
    assert rita.post("/queue/take/", {"pipeline": "translations"}).status_code == 404


def test_starting_again_goes_on_with_what_somebody_holds_instead_of_filling_their_hands(
    world: World, rita: Visitor
) -> None:
    for _ in range(3):
        world.claim()
    first = rita.post("/queue/take/")["Location"]
    assert "/review/" in first
    assert rita.post("/queue/take/")["Location"] == first


def test_the_number_of_queries_does_not_grow_with_the_queue(world: World, rita: Visitor) -> None:
    for _ in range(2):
        world.claim()
    label_next(world.rita)
    few = queries_of(rita)
    for _ in range(8):
        world.claim()
    for _ in range(6):
        label_next(world.rita)
    taken(world.rita)
    assert queries_of(rita) == few
    assert few <= 15


def queries_of(visitor: Visitor) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        visitor.get("/queue/")
    return len(queries)
