"""The keys of the review pages, as each person wants them; and the last ten answers."""

from __future__ import annotations

import json
from html import unescape
from re import search

from reviewqueue.accounts.key_bindings import ACTIONS
from reviewqueue.web.views.keys import FIELDS
from tests.services.review.steps import label_next, taken
from tests.web.visitor import Visitor, text_of
from tests.world import World


def sent(**changed: str) -> dict[str, str]:
    """The form with the standard keys, and these: `a="f"`."""
    return {"on": "on", **{FIELDS[action]: changed.get(action, action) for action in ACTIONS}}


def key_map(page: str) -> dict[str, str]:
    found = search(r'data-keys="([^"]*)"', page)
    return json.loads(unescape(found[1])) if found else {}


def test_an_own_key_is_shown_beside_its_button_and_told_to_the_browser(world: World, rita: Visitor) -> None:
    world.claim()
    assert rita.post("/keys/", sent(a="f")).status_code == 303
    page = text_of(rita.get(f"/review/{taken(world.rita).pk}/"))
    assert "Correct <kbd>f</kbd>" in page
    assert key_map(page) == {"a": "", "f": "a"}
    world.rita.refresh_from_db()
    assert world.rita.key_bindings == {"off": False, "keys": {"a": "f"}}


def test_other_people_keep_their_keys(world: World, rita: Visitor) -> None:
    rita.post("/keys/", sent(a="f"))
    world.claim()
    page = text_of(Visitor(world.ravi).get(f"/review/{taken(world.ravi).pk}/"))
    assert "Correct <kbd>a</kbd>" in page
    assert key_map(page) == {}


def test_a_clash_is_said_beside_both_keys_and_nothing_is_saved(world: World, rita: Visitor) -> None:
    answer = rita.post("/keys/", sent(a="n"))
    assert answer.status_code == 422
    assert "“n” is also: note." in text_of(answer)
    assert "“n” is also: correct." in text_of(answer)
    world.rita.refresh_from_db()
    assert world.rita.key_bindings == {}


def test_single_keys_can_be_switched_off(world: World, rita: Visitor) -> None:
    world.claim()
    rita.post("/keys/", {**sent(), "on": ""})
    page = text_of(rita.get(f"/review/{taken(world.rita).pk}/"))
    assert "<body" in page
    assert " data-keys-off>" in page
    assert "Correct </label>" in page
    assert "You switched single keys off" in page


def test_the_standard_keys_come_back(world: World, rita: Visitor) -> None:
    rita.post("/keys/", sent(a="f"))
    rita.post("/keys/", {**sent(a="f"), "standard": "1"})
    assert 'value="f"' not in text_of(rita.get("/keys/"))


def test_the_last_ten_answers_are_listed_and_the_last_one_can_be_changed(world: World, rita: Visitor) -> None:
    assert "No answers yet" in text_of(rita.get("/labels/"))
    for _ in range(12):
        world.claim()
        label_next(world.rita)
    world.claim()
    lease = taken(world.rita)
    page = text_of(rita.get("/labels/"))
    assert page.count("The claim answered") == 10
    assert 'data-key="z"' in page
    assert f'href="/review/{lease.pk}/"' in page
