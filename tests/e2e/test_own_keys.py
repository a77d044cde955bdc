"""A person's own keys do what the standard ones did; and what is half written is kept when the page is left."""

from __future__ import annotations

from playwright.sync_api import expect

from reviewqueue.accounts import services as accounts
from reviewqueue.accounts.key_bindings import ACTIONS
from reviewqueue.review.models import Label, Lease
from tests.e2e.support.site import Site, start_reviewing
from tests.world import World

STANDARD = {action: action for action in ACTIONS}


def test_own_keys_answer_and_a_key_that_was_given_away_does_nothing(site: Site, committed_world: World) -> None:
    committed_world.claim()
    accounts.set_key_bindings(user=committed_world.rita, keys={**STANDARD, "a": "f"}, off=False)
    page = site.visitor(committed_world.rita)
    start_reviewing(page)
    page.keyboard.press("a")
    assert not page.locator("#verdict-correct").is_checked()
    page.keyboard.press("f")
    expect(page.locator("#verdict-correct")).to_be_checked()
    page.keyboard.press("?")
    expect(page.locator("#keys-sheet")).to_be_visible()
    expect(page.locator("#keys-sheet div", has_text="correct").first).to_contain_text("f")
    page.keyboard.press("Escape")
    expect(page.locator("#keys-sheet")).to_be_hidden()
    page.keyboard.press("Enter")
    page.wait_for_url("**/queue/")
    assert Label.objects.get().verdict == "correct"


def test_with_single_keys_off_only_tab_and_control_enter_answer(site: Site, committed_world: World) -> None:
    committed_world.claim()
    accounts.set_key_bindings(user=committed_world.rita, keys=STANDARD, off=True)
    page = site.visitor(committed_world.rita)
    start_reviewing(page)
    for key in ("a", "s", "h", "n"):
        page.keyboard.press(key)
    assert not page.locator("#verdict-correct").is_checked()
    assert page.locator(".other-ways details[open]").count() == 0
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/queue/")
    assert Label.objects.get().verdict == "correct"


def test_keys_alone_change_a_key_and_it_works_at_once(site: Site, committed_world: World) -> None:
    committed_world.claim()
    page = site.visitor(committed_world.rita)
    page.goto("/keys/")
    page.get_by_label("correct", exact=True).focus()
    page.keyboard.press("f")
    page.keyboard.press("Enter")
    expect(page.locator("#notices")).to_contain_text("Saved")
    start_reviewing(page)
    page.keyboard.press("f")
    expect(page.locator("#verdict-correct")).to_be_checked()


def test_what_is_written_in_the_last_moment_before_leaving_is_kept(site: Site, committed_world: World) -> None:
    committed_world.claim()
    page = site.visitor(committed_world.rita)
    start_reviewing(page)
    page.keyboard.press("n")
    page.keyboard.type("half a thou")
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    page.wait_for_url("**/labels/")
    page.get_by_role("link", name="Back to your task").press("Enter")
    page.wait_for_url("**/review/**")
    expect(page.locator("#note")).to_have_value("half a thou")
    assert Lease.objects.get().draft["note"] == "half a thou"
