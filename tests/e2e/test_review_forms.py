"""Review forms in Chromium: answered with keys alone, compared while typing, and built by their owner."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from reviewqueue.review.models import Label
from tests.e2e.support.screenshots import picture
from tests.e2e.support.site import NARROW, WIDE, Site, start_reviewing
from tests.e2e.test_accessibility import findings
from tests.services.review.steps import ask_by
from tests.web.test_review_forms import INVOICE, OUTPUT, QUESTIONS
from tests.world import World


def saved(page: Page) -> Label:
    """Saves with Enter, and waits for the queue page, as there is no other task."""
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/queue/")
    return Label.objects.get()


def shown(site: Site, world: World, name: str, *keys: str) -> None:
    """Pictures of the task as it is after these keys: wide and narrow, light and dark."""
    for scheme in ("light", "dark"):
        for size, options in (("wide", {}), ("narrow", {"viewport": NARROW})):
            page = site.visitor(world.rita, color_scheme=scheme, **options)
            page.goto("/queue/")
            page.get_by_role("link", name="Go on").first.click()
            for key in keys:
                page.keyboard.press(key)
            picture(page, f"form-{name}-{size}-{scheme}")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert findings(page) == [], (name, scheme, size)
            page.context.close()


def test_questions_are_answered_with_digits_and_reached_with_arrows(site: Site, committed_world: World) -> None:
    world = committed_world
    ask_by(world, QUESTIONS)
    world.claim(output="The plan costs 18 EUR.")
    page = site.visitor(world.rita)
    start_reviewing(page)
    expect(page.get_by_text("How bad?")).to_be_hidden()
    page.keyboard.press("x")
    expect(page.get_by_text("How bad?")).to_be_visible()
    page.keyboard.press("o")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("2")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("1")
    page.keyboard.press("2")
    page.keyboard.press("ArrowDown")
    page.keyboard.type("15")
    page.keyboard.press("Tab")
    page.keyboard.type("18 EUR")
    page.get_by_label("Why?").fill("It rose.")
    label = saved(page)
    assert label.error_types == ["outdated"]
    assert label.answers == {
        "severity": "serious",
        "tags": ["tone", "facts"],
        "price": 15,
        "where": {"start": 15, "end": 21},
        "why": "It rose.",
    }


def test_a_passage_is_taken_from_what_is_marked(site: Site, committed_world: World) -> None:
    world = committed_world
    ask_by(world, QUESTIONS)
    world.claim(output="18 EUR per seat and month.")
    page = site.visitor(world.rita)
    start_reviewing(page)
    page.keyboard.press("x")
    page.get_by_text("18 EUR per seat and month.").first.select_text()
    page.get_by_role("button", name="Take what is marked").click()
    expect(page.get_by_label("Where?")).to_have_value("18 EUR per seat and month.")


def test_a_correction_is_compared_word_by_word_while_it_is_typed(site: Site, committed_world: World) -> None:
    world = committed_world
    ask_by(world, {"kind": "text"})
    world.claim(output="The plan costs 18 EUR per seat <b>now</b>.")
    page = site.visitor(world.rita)
    start_reviewing(page)
    page.keyboard.press("x")
    page.keyboard.press("c")
    field = page.locator("#correction")
    expect(field).to_be_focused()
    expect(page.locator("[data-diff]")).to_be_hidden()
    field.fill("The plan costs 15 EUR per seat <b>now</b>. \u202eReally.")
    expect(page.locator("[data-diff] del")).to_have_text(["18"])
    expect(page.locator("[data-diff] ins")).to_have_text(["15", ". [U+202E]Really"])
    assert page.locator("[data-diff] b").count() == 0
    assert saved(page).output == "The plan costs 15 EUR per seat <b>now</b>. \u202eReally."


def test_a_comparison_of_long_texts_stays_quick(site: Site, committed_world: World) -> None:
    world = committed_world
    ask_by(world, {"kind": "text"})
    world.claim(output=" ".join(f"a{number}" for number in range(3_000)))
    page = site.visitor(world.rita)
    start_reviewing(page)
    page.keyboard.press("x")
    took = page.evaluate(
        """() => {
          const field = document.getElementById("correction");
          field.value = Array.from({ length: 3000 }, (_, number) => `b${number}`).join(" ");
          const start = performance.now();
          field.dispatchEvent(new Event("input", { bubbles: true }));
          return performance.now() - start;
        }"""
    )
    assert took < 1_000
    expect(page.locator("[data-diff] ins").first).to_be_visible()


def test_json_is_judged_field_by_field_with_digits(site: Site, committed_world: World) -> None:
    world = committed_world
    ask_by(world, INVOICE)
    world.claim(output=OUTPUT)
    page = site.visitor(world.rita)
    start_reviewing(page)
    expect(page.get_by_role("group", name="Total")).to_be_hidden()
    page.keyboard.press("x")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("group", name="Total")).to_be_focused()
    page.keyboard.press("2")
    page.locator("#value-0").fill("15")
    page.keyboard.press("Escape")
    page.get_by_role("group", name="paid").focus()
    for _ in range(3):
        page.keyboard.press("1")
    label = saved(page)
    assert (label.verdict, label.output) == ("partially_correct", {**OUTPUT, "total": 15})


@pytest.mark.parametrize(
    ("name", "form", "output", "keys"),
    [
        ("questions", QUESTIONS, "The plan costs 18 EUR.", ("x",)),
        ("json", INVOICE, OUTPUT, ("x", "ArrowDown", "2")),
    ],
)
def test_every_kind_of_form_fits_every_screen(
    site: Site, committed_world: World, name: str, form: dict[str, Any], output: object, keys: tuple[str, ...]
) -> None:
    ask_by(committed_world, form)
    committed_world.claim(output=output)
    start_reviewing(site.visitor(committed_world.rita))
    shown(site, committed_world, name, *keys)


def test_an_owner_builds_a_form_and_sees_it_while_typing(site: Site, committed_world: World) -> None:
    world = committed_world
    page = site.visitor(world.olga)
    page.goto("/pipelines/support-answers/form/")
    preview = page.locator("#preview")
    page.get_by_label("Kinds of mistakes").fill("wrong fact\noutdated = Out of date [o]")
    expect(preview.get_by_text("Out of date")).to_be_attached()  # it renews itself while somebody types
    page.locator("#preview #verdict-incorrect").check()
    expect(preview.get_by_text("Out of date")).to_be_visible()
    page.get_by_role("button", name="Add a question").click()
    page.get_by_label("What is asked").fill("How bad is it?")
    page.get_by_label("Options", exact=False).last.fill("minor\nserious [t]")
    expect(preview.get_by_role("group", name="How bad is it?")).to_be_visible()
    for scheme in ("light", "dark"):
        for size, viewport in (("wide", WIDE), ("narrow", NARROW)):
            page.set_viewport_size(viewport)
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            page.wait_for_timeout(400)  # colours change slowly
            picture(page, f"form-builder-{size}-{scheme}")
            assert findings(page) == [], (scheme, size)
    page.get_by_role("button", name="Save as the next version").click()
    expect(page.locator("#notices")).to_contain_text("Saved as version 2.")
    assert world.pipeline.forms.get(number=2).document["questions"][0]["name"] == "how_bad_is_it"
