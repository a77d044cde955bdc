"""An administrator's morning in Chromium, with keys alone: somebody new, a system that posts, a pipeline for both."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from reviewqueue.accounts.models import ApiKey
from reviewqueue.accounts.services import key_of
from reviewqueue.pipelines.models import Grant
from tests.e2e.support.site import NARROW, WIDE, Site
from tests.e2e.test_policy_life import tab_to
from tests.world import World

PASSWORD = "a long sentence nobody says"


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_somebody_new_is_let_in_and_reviews(site: Site, committed_world: World, size: dict[str, int]) -> None:
    world = committed_world
    world.claim(input="What does it cost?")
    adam = site.visitor(world.adam, viewport=size)
    adam.goto("/people/")
    tab_to(adam, "Add a person")
    adam.keyboard.press("Enter")
    adam.wait_for_url("**/people/new/")
    tab_to(adam, "User name")
    adam.keyboard.type("zoe")
    tab_to(adam, "Add")
    adam.keyboard.press("Enter")
    expect(adam.get_by_role("heading", name="zoe")).to_be_visible()
    tab_to(adam, "Role")
    adam.keyboard.type("Reviewer")
    tab_to(adam, "Pipeline")
    adam.keyboard.type("Support")
    tab_to(adam, "Give")
    adam.keyboard.press("Enter")
    expect(adam.locator("#notices")).to_contain_text("The role is given.")
    assert Grant.objects.get(user__username="zoe").pipeline == world.pipeline
    tab_to(adam, "Make a link")
    adam.keyboard.press("Enter")
    link = adam.locator("#link").input_value()

    zoe = site.visitor(None, viewport=size)
    zoe.goto(link)
    zoe.keyboard.type(PASSWORD)
    tab_to(zoe, "The same again")
    zoe.keyboard.type(PASSWORD)
    zoe.keyboard.press("Enter")
    zoe.wait_for_url("**/queue/")
    tab_to(zoe, "Start reviewing")
    zoe.keyboard.press("Enter")
    expect(zoe.locator("#page")).to_contain_text("What does it cost?")


def test_a_system_gets_a_key_that_is_shown_once_and_a_pipeline(site: Site, committed_world: World) -> None:
    adam = site.visitor(committed_world.adam)
    adam.goto("/sources/")
    tab_to(adam, "Add a source")
    adam.keyboard.press("Enter")
    adam.wait_for_url("**/sources/new/")
    tab_to(adam, "Name")
    adam.keyboard.type("Shop")
    tab_to(adam, "Short name")
    adam.keyboard.type("shop")
    adam.keyboard.press("Enter")
    adam.wait_for_url("**/sources/shop/")
    tab_to(adam, "Name")
    adam.keyboard.type("live")
    tab_to(adam, "")  # the box of the first scope, which its label says
    adam.keyboard.press("Space")
    tab_to(adam, "Issue")
    adam.keyboard.press("Enter")
    text = adam.locator("#new-key").input_value()
    found = key_of(text)
    assert found is not None
    assert (found.name, found.scopes) == ("live", ["intake"])
    adam.reload()  # which sends the form again
    expect(adam.get_by_role("alert")).to_contain_text("A key was issued here since this form was opened.")
    expect(adam.locator("#page")).not_to_contain_text(text)

    adam.goto("/pipelines/")
    tab_to(adam, "Open a pipeline")
    adam.keyboard.press("Enter")
    adam.wait_for_url("**/pipelines/new/")
    for name, typed in (("Name", "Prices"), ("Short name", "prices"), ("Owner", "Olga")):
        tab_to(adam, name)
        adam.keyboard.type(typed)
    tab_to(adam, "Open it")
    adam.keyboard.press("Enter")
    expect(adam.get_by_role("heading", name="First steps")).to_be_visible()
    assert ApiKey.objects.count() == 2
