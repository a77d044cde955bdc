"""Every page passes axe-core without a serious or critical finding, light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Page

from tests.e2e.support.site import NARROW, WIDE, Site
from tests.web.test_roles import TABLE, Place
from tests.world import World

LOOKS = [("light", WIDE), ("dark", WIDE), ("light", NARROW), ("dark", NARROW)]
GRAVE = {"serious", "critical"}
PAGES: dict[str, tuple[str, Place]] = {
    name: (person, place)
    for name, method, place, statuses in reversed(TABLE)
    if method == "get"
    for person in ("rita", "olga", "adam", "sam", "ada")
    if statuses[person] == 200
}
"""Every address that shows a page, with somebody who may see it and what has to be there."""


def findings(page: Page) -> list[str]:
    """What axe-core calls serious or critical, each with the first place where it was found."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{each['id']} ({each['impact']}): {each['help']} at {each['nodes'][0]['target']}"
        for each in found
        if each["impact"] in GRAVE
    ]


def test_every_page_is_looked_at() -> None:
    shown = {name for name, method, _, statuses in TABLE if method == "get" and 200 in statuses.values()}
    assert set(PAGES) == shown
    assert len(shown) > 20


def test_a_page_with_a_barrier_would_be_found_out(site: Site, committed_world: World) -> None:
    page = site.visitor(None)
    page.goto("/login/")
    page.evaluate("document.querySelector('main').innerHTML = '<input><p>pale</p>'")
    page.evaluate("document.querySelector('main p').style.color = '#ccc'")
    assert {finding.split()[0] for finding in findings(page)} >= {"label", "color-contrast"}


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_has_no_grave_finding(site: Site, committed_world: World, name: str) -> None:
    person, place = PAGES[name]
    address = reverse(f"web:{name}", args=place(committed_world))
    look_at(lambda scheme: site.visitor(committed_world.people[person], color_scheme=scheme), address)


@pytest.mark.parametrize("address", ["/login/", "/no-such-page/"])
def test_what_strangers_see_has_none_either(site: Site, committed_world: World, address: str) -> None:
    look_at(lambda scheme: site.visitor(None, color_scheme=scheme), address)


def look_at(visitor: Callable[[str], Page], address: str) -> None:
    pages = {scheme: visitor(scheme) for scheme in ("light", "dark")}
    for scheme, size in LOOKS:
        page = pages[scheme]
        page.set_viewport_size(size)
        page.goto(address)
        assert findings(page) == [], (scheme, size["width"])
