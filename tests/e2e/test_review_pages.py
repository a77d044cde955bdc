"""A reviewer's and an owner's day in Chromium: keys, drafts, hostile text, and pages that renew themselves."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from calibration.services import measure_bands
from reviewqueue.accounts.models import User
from reviewqueue.policy import services as policies
from reviewqueue.review.models import Label, Lease, Skip
from tests.e2e.support.screenshots import picture
from tests.e2e.support.site import NARROW, WIDE, Site
from tests.services.policy.steps import CALIBRATED, draft_of
from tests.services.review.steps import label_next, run_out, submit, taken, time_passes
from tests.world import World


def start(page: Page) -> None:
    page.goto("/queue/")
    page.get_by_role("button", name="Start reviewing").press("Enter")
    page.wait_for_url("**/review/**")


def press_and_await_next(page: Page, *keys: str) -> None:
    before = page.evaluate("location.href")  # page.url may lag behind a page that pushed its address
    page.evaluate("document.querySelector('[data-first]').setAttribute('data-left', '')")
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_function("before => location.href !== before", arg=before)
    expect(page.locator("[data-first]:not([data-left])")).to_be_focused()  # the address may change before the page does


def test_a_reviewer_labels_skips_and_undoes_with_keys_alone(site: Site, committed_world: World) -> None:
    world = committed_world
    for _ in range(7):
        world.claim()
    page = site.visitor(world.rita)
    start(page)
    press_and_await_next(page, "a", "Enter")
    expect(page.locator("#notices")).to_contain_text("Saved: Correct")
    press_and_await_next(page, "x", "Enter")
    page.keyboard.press("c")
    page.keyboard.type("12 EUR: exactly.")
    press_and_await_next(page, "Control+Enter")
    page.keyboard.press("s")
    expect(page.get_by_role("button", name="Conflict of interest")).to_be_visible()
    press_and_await_next(page, "3")
    press_and_await_next(page, "4", "Enter")
    page.keyboard.press("z")
    page.wait_for_url("**/revise/")
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    page.wait_for_url("**/review/**")
    expect(page.locator("#notices")).to_contain_text("Changed.")
    labels = [(each.verdict, each.output, each.revision) for each in Label.objects.order_by("id")]
    assert labels == [
        ("correct", None, 0),
        ("incorrect", None, 0),
        ("incorrect", "12 EUR: exactly.", 0),
        ("cannot_judge", None, 0),
        ("correct", None, 1),
    ]
    assert Skip.objects.get().reason == "conflict_of_interest"
    assert all(seconds is not None for seconds in Label.objects.values_list("seconds", flat=True).filter(revision=0))


def test_keys_do_nothing_while_somebody_types_or_reads_the_sheet(site: Site, committed_world: World) -> None:
    world = committed_world
    world.claim()
    page = site.visitor(world.rita)
    start(page)
    here = page.url
    page.keyboard.press("n")
    page.keyboard.type("a xs? z.")
    page.keyboard.press("Enter")
    page.keyboard.type("second line")
    expect(page.locator("#note")).to_have_value("a xs? z.\nsecond line")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_be_visible()
    page.keyboard.press("x")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+a")
    assert page.locator("input[name=verdict]:checked").count() == 0
    page.keyboard.press("Enter")
    assert page.url == here
    assert not Label.objects.exists()


def test_a_draft_survives_reload_and_log_out(site: Site, committed_world: World) -> None:
    world = committed_world
    world.claim()
    page = site.visitor(world.rita)
    start(page)
    page.keyboard.press("x")
    page.keyboard.press("c")
    page.keyboard.type("half an ans")
    expect(page.locator("#draft-state")).to_contain_text("Draft saved")
    page.reload()
    expect(page.locator("#correction")).to_have_value("half an ans")
    other = site.visitor(world.rita)
    other.goto(page.url)
    expect(other.locator("#correction")).to_have_value("half an ans")
    expect(other.locator("#verdict-incorrect")).to_be_checked()


def test_text_survives_a_session_that_ended_and_is_saved_after_logging_in_again_elsewhere(
    site: Site, committed_world: World
) -> None:
    world = committed_world
    world.rita.set_password("correct horse battery staple")
    world.rita.save(update_fields=["password"])
    world.claim()
    page = site.visitor(world.rita)
    start(page)
    task = page.url
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.keyboard.press("a")
    page.keyboard.press("n")
    page.keyboard.type("words nobody has saved yet")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#notices")).to_contain_text("You are logged out")
    assert page.url == task
    assert not Label.objects.exists()
    other = page.context.new_page()
    other.goto(f"{site.url}/login/")
    other.get_by_label("User name").fill("rita")
    other.get_by_label("Password").fill("correct horse battery staple")
    other.keyboard.press("Enter")
    other.wait_for_url("**/queue/")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/queue/")
    assert Label.objects.get().note == "words nobody has saved yet"


def test_an_answer_that_came_too_late_stands_beside_the_other_one(site: Site, committed_world: World) -> None:
    world = committed_world
    world.claim()
    page = site.visitor(world.rita)
    start(page)
    page.keyboard.press("x")
    page.keyboard.press("c")
    page.keyboard.type("typed for a long time")
    run_out(Lease.objects.get())
    submit(taken(world.ravi))
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Your answer was not saved")).to_be_visible()
    expect(page.locator("main")).to_contain_text("typed for a long time")
    expect(page.get_by_role("heading", name="What stands")).to_be_visible()
    assert Label.objects.count() == 1


def test_the_clock_counts_down_and_a_key_keeps_the_task(site: Site, committed_world: World) -> None:
    world = committed_world
    world.claim()
    lease = taken(world.rita)
    time_passes(lease, minutes=9)
    page = site.visitor(world.rita)
    page.goto(f"/review/{lease.pk}/")
    clock = page.locator("[data-clock]")
    expect(clock).to_contain_text(re.compile(r"0:5\d left"))
    expect(page.locator("#notices")).to_contain_text("runs out in two minutes")
    page.keyboard.press("n")
    page.keyboard.type("a draft saved meanwhile")
    expect(page.locator("#draft-state")).to_contain_text("Draft saved")
    expect(clock).to_contain_text(re.compile(r"0:5\d left"))
    page.keyboard.press("Escape")
    page.keyboard.press(".")
    expect(clock).to_contain_text("yours until")
    expect(page.locator("#note")).to_have_value("a draft saved meanwhile")


def test_without_javascript_everything_works_by_forms(site: Site, committed_world: World) -> None:
    world = committed_world
    world.claim()
    world.claim()
    page = site.visitor(world.rita, java_script_enabled=False)
    page.goto("/queue/")
    page.get_by_role("button", name="Start reviewing").click()
    first = page.url
    page.get_by_label("Incorrect").check()
    page.get_by_label("What would be right").fill("12 EUR")
    page.get_by_role("button", name="Save and next").click()
    assert page.url != first
    page.locator("summary", has_text="Skip").click()
    page.get_by_role("button", name="Another reason").click()
    page.wait_for_url("**/queue/")
    assert Label.objects.get().output == "12 EUR"


ATTACKS = """<script>window.pwned = 1</script><img src="https://evil.example/x.png" onerror="window.pwned = 1">
<svg onload="window.pwned = 1"></svg><iframe srcdoc="<script>parent.pwned = 1</script>"></iframe>
<div hx-get="/logout/" hx-trigger="load" data-hx-post="/queue/take/" hx-on::load="window.pwned = 1">x</div>
![beacon](https://evil.example/b.png) [x](//evil.example) <style>* { display: none }</style>
</bdi></div></figure><form action="https://evil.example"><button>Lease expired, click approve</button></form>
{{ 7*7 }} {% now "Y" %} \u202eevorppa\u2066\u2067 un\u200bseen\U000e0041\U000e0042 z"""


def test_hostile_text_is_inert_and_stays_in_its_frame(site: Site, committed_world: World) -> None:
    world = committed_world
    attack = ATTACKS + "\u0301" * 1_000 + "\n" + "W" * 100_000 + "\n" * 300
    world.claim(
        input=attack[:120_000],
        output=ATTACKS + "\u0301" * 1_000,
        context=[{"kind": "document", "title": ATTACKS[:280].replace("\n", " "), "text": ATTACKS}],
        metadata={"key": ATTACKS},
    )
    page = site.visitor(world.rita)
    start(page)
    page.get_by_text("About this claim").click()
    page.wait_for_timeout(300)
    assert page.evaluate("window.pwned") is None
    assert (
        page.locator(".untrusted img, .untrusted svg, .untrusted form, .untrusted iframe, .untrusted button").count()
        == 0
    )
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.locator(".untrusted .mark").count() > 10
    frame, panel = page.locator(".untrusted").first.bounding_box(), page.locator(".decision").bounding_box()
    assert frame
    assert panel
    assert frame["x"] + frame["width"] <= panel["x"]
    expect(page.locator("#page")).to_contain_text("{{ 7*7 }}")
    expect(page.get_by_role("button", name="Save and next")).to_be_in_viewport()


def test_the_figures_renew_themselves(site: Site, committed_world: World) -> None:
    world = committed_world
    world.claim()
    label_next(world.rita)
    measure_bands()
    page = site.visitor(world.olga)
    page.goto("/pipelines/support-answers/bands/")
    expect(page.locator("main")).to_contain_text("needs 75 more labels")
    world.claim()
    label_next(world.rita)
    measure_bands()
    expect(page.locator("main")).to_contain_text("needs 74 more labels")


def test_light_and_dark_follow_the_system_until_somebody_chooses(site: Site, committed_world: World) -> None:
    page = site.visitor(committed_world.rita, color_scheme="dark")
    page.goto("/queue/")
    theme = page.locator("html")
    expect(theme).to_have_attribute("data-bs-theme", "dark")
    page.get_by_role("button", name="Light or dark").click()
    expect(theme).to_have_attribute("data-bs-theme", "light")
    page.reload()
    expect(theme).to_have_attribute("data-bs-theme", "light")


@pytest.mark.parametrize(("name", "viewport", "scheme"), [("phone", NARROW, "dark"), ("desk", WIDE, "light")])
def test_every_page_fits_its_screen(
    site: Site, committed_world: World, name: str, viewport: dict[str, int], scheme: str
) -> None:
    too_wide = []
    visitors = {}
    for user, address in every_page(committed_world):
        if user not in visitors:
            visitors[user] = site.visitor(user, viewport=viewport, color_scheme=scheme)
        page = visitors[user]
        page.goto(address)
        picture(page, f"{name}{re.sub('[/?=]', '-', address)}{user.username}")
        if page.evaluate("document.documentElement.scrollWidth") > viewport["width"]:
            too_wide.append(address)
    assert too_wide == []


def every_page(world: World) -> list[tuple[User, str]]:
    """Each page with something on it, seen by somebody who may; the last is a refusal."""
    claim = world.claim(context=[{"kind": "document", "title": "Price list", "text": "18 EUR " * 40}])
    label_next(world.sam)
    measure_bands()
    world.claim()
    lease = taken(world.sam)
    draft = draft_in_shadow(world)
    return [
        (world.sam, "/queue/"),
        (world.sam, f"/review/{lease.pk}/"),
        (world.ada, "/ledger/"),
        (world.ada, f"/claims/{claim.pk}/"),
        (world.olga, "/pipelines/"),
        (world.olga, "/pipelines/support-answers/"),
        (world.olga, "/pipelines/support-answers/bands/"),
        (world.olga, "/pipelines/support-answers/signals/"),
        (world.olga, "/pipelines/support-answers/tiers/"),
        (world.olga, "/pipelines/support-answers/settings/"),
        (world.olga, "/pipelines/support-answers/policies/"),
        (world.olga, "/pipelines/support-answers/policies/new/"),
        (world.olga, draft),
        (world.olga, f"{draft}backtest/?states=earned"),
        (world.olga, f"{draft}shadow/"),
        (world.olga, f"{draft}specification/"),
        (world.olga, "/pipelines/support-answers/breakers/"),
        (world.adam, "/pipelines/support-answers/one-person/"),
        (world.olga, "/ledger/"),
    ]


def draft_in_shadow(world: World) -> str:
    """Its address. A breaker is open as well."""
    version = draft_of(world, CALIBRATED)
    policies.start_shadow(version=version, by=world.otto)
    policies.stop_automation(pipeline=world.pipeline, by=world.sam, reason="incident")
    return f"/pipelines/support-answers/policies/{version.number}/"
