"""Every page passes axe-core without a serious or critical finding, light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page

from reviewqueue.claims.attachments import store_attachment
from reviewqueue.pipeline_settings import change_settings
from tests import files
from tests.e2e.support.site import NARROW, WIDE, Site
from tests.services.review.steps import taken
from tests.web.test_roles import TABLE, Place
from tests.world import World

LOOKS = [("light", WIDE), ("dark", WIDE), ("light", NARROW), ("dark", NARROW)]
GRAVE = {"serious", "critical"}
FILES = {"attachment", "claim_file", "claim_bundle"}
"""Addresses that show no page of ours."""
PAGES: dict[str, tuple[str, Place]] = {
    name: (person, place)
    for name, method, place, statuses in reversed(TABLE)
    if method == "get" and name not in FILES
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
    assert set(PAGES) == shown - FILES
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


def test_a_task_with_every_kind_of_content_has_none(site: Site, committed_world: World) -> None:
    """Long texts too, which scroll in their frames."""
    world = committed_world
    views = {"output": "markdown", "markdown_context": ["document"], "images": "blurred"}
    change_settings(pipeline=world.pipeline, changes={"content_views": views}, by=world.olga)
    image, _ = store_attachment(source=world.source, content=files.png(), now=timezone.now())
    sound, _ = store_attachment(source=world.source, content=files.wav(), now=timezone.now())
    world.claim(
        input=[{"role": "user", "content": "How much?"}, {"role": "assistant", "content": None, "call": {"plan": 1}}],
        output="# Prices\n\n18 EUR [1], [see](https://example.com) `code`\n\n" + "- a line of a list\n" * 300,
        alternatives=[
            {"output": {"plan": {"name": "Pro", "seats": [1, 2]}}},
            {"output": [{"plan": "Pro", "price": 18}, {"plan": "Free"}] * 60},
            {"output": "long words " * 4_000},
        ],
        context=[
            {"kind": "note", "title": "Prices", "text": "18 EUR\u200b per seat.\n" * 400},
            {"kind": "image", "title": "Chart", "attachment": str(image.pk)},
            {"kind": "audio", "title": "Call", "attachment": str(sound.pk), "text": "Hello?"},
            {"kind": "message", "role": "user", "text": "Hi"},
            {"kind": "message", "role": "agent", "text": "Hello"},
        ],
    )
    task = reverse("web:task", args=[taken(world.rita).pk])
    pages = {scheme: site.visitor(world.rita, color_scheme=scheme) for scheme in ("light", "dark")}
    for scheme, size in LOOKS:
        page = pages[scheme]
        page.set_viewport_size(size)
        page.goto(task)
        page.evaluate(
            "for (const each of document.querySelectorAll('main details')) { each.name = ''; each.open = true }"
        )
        assert findings(page) == [], (scheme, size["width"])
        page.keyboard.press("v")
        assert findings(page) == [], (scheme, size["width"], "plain text")


@pytest.mark.parametrize(
    ("address", "button"),
    [
        ("/pipelines/support-answers/breakers/", "Stop automation"),
        ("/pipelines/support-answers/second-opinion/", "Save"),
    ],
)
def test_a_form_that_is_refused_has_none_beside_its_fields(
    site: Site, committed_world: World, address: str, button: str
) -> None:
    page = site.visitor(committed_world.olga)
    page.goto(address)
    page.get_by_role("button", name=button, exact=True).click()
    page.locator(".errors").first.wait_for()
    assert findings(page) == []
    site.complaints.clear()  # the browser tells of every 422
