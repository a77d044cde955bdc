"""The life of a policy in Chromium, with keys alone: drafted, tried on past claims, approved by another, active."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from reviewqueue.policy.models import PolicyVersion
from tests.e2e.support.site import NARROW, WIDE, Site
from tests.services.calibration.test_loop import settled
from tests.world import World

POLICIES = "/pipelines/support-answers/policies/"


def tab_to(page: Page, name: str, *, most: int = 120) -> None:
    """Presses Tab until what is called so has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate(NAME_OF_FOCUSED) == name:
            return
    raise AssertionError(f"no key leads to {name!r}")


NAME_OF_FOCUSED = """() => {
  const focused = document.activeElement;
  const label = focused.labels && focused.labels[0];
  return (label ? label.firstChild.textContent : focused.textContent).trim();
}"""


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_a_draft_is_tried_approved_and_activated(site: Site, committed_world: World, size: dict[str, int]) -> None:
    world = committed_world
    for correct in (True, False):
        settled(world, correct=correct, confidence=0.7)
    olga = site.visitor(world.olga)
    olga.set_viewport_size(size)
    olga.goto(POLICIES)
    tab_to(olga, "New draft")
    olga.keyboard.press("Enter")
    olga.wait_for_url("**/policies/new/**")
    tab_to(olga, "Note")
    olga.keyboard.type("More certainty from today on.")
    tab_to(olga, "Certainty")
    olga.keyboard.press("Control+a")
    olga.keyboard.type("0.99")
    tab_to(olga, "Propose the draft")
    olga.keyboard.press("Enter")
    olga.wait_for_url("**/policies/2/")
    expect(olga.locator("#page")).to_contain_text("More certainty from today on.")
    tab_to(olga, "Backtest")
    olga.keyboard.press("Enter")
    olga.wait_for_url("**/backtest/**")
    expect(olga.locator("#page")).to_contain_text("All 2 claims of 30 days. 2 of them have a label that counts.")
    assert PolicyVersion.objects.get(number=2).status == "draft"

    otto = site.visitor(world.otto)
    otto.set_viewport_size(size)
    otto.goto(f"{POLICIES}2/")
    tab_to(otto, "Approve and activate")
    otto.keyboard.press("Enter")
    expect(otto.locator("#notices")).to_contain_text("Version 2 decides from now on.")
    assert PolicyVersion.objects.get(number=2).status == "active"
    assert PolicyVersion.objects.get(number=1).status == "retired"
