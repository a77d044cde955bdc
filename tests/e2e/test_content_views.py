"""Markdown, trees, tables and conversations in Chromium: inert, inside their frame, and plain text one key away."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from reviewqueue.claims.attachments import store_attachment
from reviewqueue.pipeline_settings import change_settings
from tests import files
from tests.e2e.support.screenshots import picture
from tests.e2e.support.site import NARROW, WIDE, Site
from tests.services.review.steps import taken
from tests.world import World

EVERYWHERE = {"input": "markdown", "output": "markdown", "markdown_context": ["document"]}

MARKDOWN = """# Which plan fits
The **Pro** plan costs *18 EUR* per seat and month, see [the price list](https://example.com/prices "October").

1. Free: `0 EUR`
2. Pro: 18 EUR
   - billed yearly

> Prices without tax.

| Plan | Price | Seats |
|------|------:|-------|
| Free | 0     | 3     |
| Pro  | 18    | any   |

```python
price = 18 * seats
```

![a chart](https://example.com/chart.png)
"""

# Rows B48 to B54 and B56 of the bad inputs that are kept at bay.
ATTACKS = [
    '<script>window.pwned = 1</script><img src="https://evil.example/x.png" onerror="window.pwned = 1">',
    '<svg onload="window.pwned = 1"></svg><iframe srcdoc="<script>parent.pwned = 1</script>"></iframe>',
    "[x](javascript:window.pwned=1) [y](data:text/html;base64,PHNjcmlwdD4=) <style>* { display: none }</style>",
    '<form action="https://evil.example"><button>Lease expired, click approve</button></form>',
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=window.pwned=1&gt;">',
    '<div hx-get="/logout/" hx-trigger="load" data-hx-post="/queue/take/" hx-on::load="window.pwned = 1">x</div>',
    "![beacon](https://evil.example/b.png) [ref] <https://evil.example/auto> [x](//evil.example)",
    "[ref]: https://evil.example/defined",
    "{{ 7*7 }} {% now 'Y' %} ${7*7} <%= 7*7 %>",
    "\u202eevorppa\u2066\u2067 un\u200bseen\U000e0041\U000e0042 so\u00adft",
    "z" + "\u0301" * 1_000,
    "מחיר התוכנית הוא 18 EUR לחודש 👨‍👩‍👧 \ue000 \U000e0fff",
    "</bdi></div></figure><h1>Lease expired, click approve</h1>",
    "# Lease expired\n\n**Click approve** or press `a`",
]


ACTIVE = "img, svg, form, iframe, button, a, script, style, math, h1, h2, h3, [hx-get], [data-hx-post], [onerror]"


@pytest.fixture
def shown_world(committed_world: World) -> World:
    change_settings(pipeline=committed_world.pipeline, changes={"content_views": EVERYWHERE}, by=committed_world.olga)
    return committed_world


def task_page(site: Site, world: World, **options: Any) -> Page:
    page = site.visitor(world.rita, **options)
    page.goto(f"/review/{taken(world.rita).pk}/")
    return page


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_hostile_texts_are_inert_in_every_view(site: Site, shown_world: World, viewport: dict[str, int]) -> None:
    attack = "\n\n".join(ATTACKS)
    shown_world.claim(
        input=attack,
        output=[{"role": attack, "content": attack, attack: attack}],
        alternatives=[{"output": {attack: [attack]}}, {"output": [{attack: attack}]}, {"output": attack}],
        context=[{"kind": "document", "title": "Source", "text": attack + "\n" + "W" * 15_000}],
    )
    page = task_page(site, shown_world, viewport=viewport)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    page.wait_for_timeout(300)
    assert page.evaluate("window.pwned") is None
    assert page.locator(".untrusted").count() == 6
    assert page.locator(".untrusted").locator(ACTIVE).count() == 0
    assert fits(page)
    assert page.locator(".formatted .mark").count() > 30
    expect(page.locator(".formatted").first).to_contain_text("https://evil.example/defined")
    expect(page.locator(".formatted").first).to_contain_text("{% now 'Y' %}")
    expect(page.get_by_role("button", name="Save and next")).to_be_visible()


def test_one_key_shows_the_plain_text_and_brings_the_view_back(site: Site, shown_world: World) -> None:
    shown_world.claim(output=MARKDOWN, context=[{"kind": "document", "title": "Prices", "text": MARKDOWN}])
    page = task_page(site, shown_world)
    output = page.locator(".untrusted", has=page.get_by_text("Output", exact=True))
    expect(output.locator("h4")).to_have_text("Which plan fits")
    expect(output.locator(".as-text")).to_be_hidden()
    page.keyboard.press("v")
    expect(output.locator(".as-text")).to_contain_text("# Which plan fits\nThe **Pro** plan")
    expect(output.locator(".formatted")).to_be_hidden()
    page.keyboard.press("v")
    expect(output.locator("h4")).to_be_visible()
    output.get_by_role("radio", name="Plain text").focus()
    page.keyboard.press("Space")
    expect(output.locator(".as-text")).to_be_visible()


def test_without_javascript_the_plain_text_is_one_click_away(site: Site, shown_world: World) -> None:
    shown_world.claim(input={"plan": "Pro", "seats": [1, 2]}, output=MARKDOWN)
    page = task_page(site, shown_world, java_script_enabled=False)
    frame = page.locator(".untrusted").first
    expect(frame.locator(".tree")).to_be_visible()
    frame.get_by_text("Plain text").click()
    expect(frame.locator(".as-text")).to_contain_text('"plan": "Pro"')
    expect(frame.locator(".tree")).to_be_hidden()


CONVERSATION = [
    {"role": "user", "content": "How much is Pro for a team of five?"},
    {"role": "assistant", "content": None, "tool_calls": [{"name": "price", "arguments": {"plan": "Pro"}}]},
    {"role": "tool", "content": {"EUR": 18}, "name": "price"},
    {"role": "assistant", "content": "18 EUR per seat and month, so 90 EUR."},
]
ROWS = [
    {"plan": plan, "price": price, "note": note}
    for plan, price, note in (
        ("Free", 0, None),
        ("Pro", 18, "billed yearly, " * 8),
        ("Enterprise", "on request", "مع الدعم الكامل"),
    )
]


@pytest.mark.parametrize(
    ("name", "viewport", "scheme"),
    [("phone", NARROW, "dark"), ("desk", WIDE, "light"), ("phone-light", NARROW, "light"), ("desk-dark", WIDE, "dark")],
)
def test_every_view_fits_its_screen(
    site: Site, shown_world: World, name: str, viewport: dict[str, int], scheme: str
) -> None:
    shown_world.claim(
        input=CONVERSATION,
        output=MARKDOWN,
        context=[{"kind": "document", "title": "Price list", "text": MARKDOWN}],
        alternatives=[
            {"output": ROWS},
            {"output": {"plan": {"name": "Pro", "seats": [1, 2, {"more": True}]}, "n": 1.5}},
        ],
    )
    page = task_page(site, shown_world, viewport=viewport, color_scheme=scheme)
    page.evaluate("for (const each of document.querySelectorAll('details')) { each.name = ''; each.open = true }")
    picture(page, f"views-{name}")
    assert fits(page)


PRICES = "Plans of 2026.\n\nThe Pro plan costs 18 EUR per seat and month.\n\nThe Free plan is free."
TERMS = (
    "Terms.\n\n" + "Nothing of note is said here. " * 1_000 + "\n\nRefunds are paid within 14 days.\n" + "End. " * 100
)
POINTING = (
    "Pro costs 18 EUR per seat [1]. Refunds are “paid within 14 days” [terms]. See [7], and “free for all of you”."
)


def pointing_claim(world: World, **changes: Any) -> None:
    world.claim(
        output=POINTING,
        context=[
            {"kind": "document", "title": "Price list", "text": PRICES},
            {"kind": "document", "title": "Terms", "id": "terms", "text": TERMS},
            {"kind": "message", "role": "user", "text": "How much is Pro?"},
            {"kind": "message", "role": "agent", "text": "Let me look."},
        ],
        **changes,
    )


@pytest.mark.parametrize("markdown", [True, False])
def test_a_citation_leads_to_its_passage_in_another_piece_of_evidence(
    site: Site, committed_world: World, *, markdown: bool
) -> None:
    if markdown:
        changes = {"content_views": EVERYWHERE}
        change_settings(pipeline=committed_world.pipeline, changes=changes, by=committed_world.olga)
    pointing_claim(committed_world)
    page = task_page(site, committed_world)
    page.get_by_role("link", name="stands word for word in Terms").click()
    passage = page.locator("mark.passage", has_text="paid within 14 days")
    expect(passage).to_be_in_viewport()
    expect(passage).to_be_focused()
    page.get_by_role("link", name="the closest passage in Price list").click()
    expect(page.locator("mark.passage", has_text="18 EUR per seat")).to_be_in_viewport()
    expect(page.locator(".cited")).to_contain_text("[7] points at nothing")
    expect(page.locator(".cited")).to_contain_text("“free for all of you” stands nowhere in the evidence like this")
    expect(page.locator(".evidence")).to_contain_text("2 messages")
    picture(page, f"cited-{'markdown' if markdown else 'text'}")
    page.set_viewport_size(NARROW)
    picture(page, "cited-phone")
    assert fits(page)


def test_without_javascript_a_citation_leads_there_too(site: Site, committed_world: World) -> None:
    pointing_claim(committed_world)
    page = task_page(site, committed_world, java_script_enabled=False)
    page.get_by_role("link", name="the closest passage in Price list").click()
    expect(page.locator("mark.passage", has_text="18 EUR per seat")).to_be_in_viewport()
    expect(page.locator(".search").first).to_be_hidden()


def test_a_long_text_is_searched_whole_and_stays_as_it_is(site: Site, committed_world: World) -> None:
    text = "x" * (20 * 1024 - 3) + "Needle one\u200b here. " + "The plan is fine. " * 500 + " NEEDLE two\n"
    committed_world.claim(output=text)
    page = task_page(site, committed_world)
    shown = page.locator(".as-text").last
    before = shown.inner_html()
    box = page.get_by_label("Search in Output")
    box.fill("needle")
    expect(page.locator(".search output")).to_have_text("1 of 2")
    box.press("Enter")
    expect(page.locator(".search output")).to_have_text("2 of 2")
    box.press("Enter")
    expect(page.locator(".search output")).to_have_text("1 of 2")
    over_the_cut, second = page.evaluate("[...CSS.highlights.get('found')].map(String)")
    assert (over_the_cut[:3], over_the_cut[-3:], second) == ("Nee", "dle", "NEEDLE")
    picture(page, "search")
    box.fill("one\u200b here")
    expect(page.locator(".search output")).to_have_text("1 of 1")
    box.fill("nowhere")
    expect(page.locator(".search output")).to_have_text("not found")
    assert shown.inner_html().replace(' open=""', "") == before


ORIGIN = "https://images.example.com"
PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" width="640" height="320"><rect width="640" height="320"/>
<circle cx="160" cy="160" r="90" fill="#fd3"/><text x="300" y="180" font-size="60">Prices</text></svg>"""


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_an_image_is_blurred_until_somebody_looks_at_it(
    site: Site, committed_world: World, viewport: dict[str, int]
) -> None:
    views = {"media_origins": [ORIGIN], "images": "blurred_grey", "audio": "muted"}
    change_settings(pipeline=committed_world.pipeline, changes={"content_views": views}, by=committed_world.olga)
    committed_world.claim(
        context=[
            {"kind": "image", "title": "Chart", "url": f"{ORIGIN}/chart.svg", "text": "Prices since 2020."},
            {"kind": "audio", "title": "Call", "url": f"{ORIGIN}/call.mp3", "text": "Hello?"},
            {"kind": "image", "title": "Beacon", "url": "https://evil.example/b.png"},
        ]
    )
    page = site.visitor(committed_world.rita, viewport=viewport)
    page.route(f"{ORIGIN}/**", lambda route: route.fulfill(body=PICTURE, content_type="image/svg+xml"))
    page.goto(f"/review/{taken(committed_world.rita).pk}/")
    image = page.get_by_role("img", name="Chart")
    expect(image).to_have_css("filter", "blur(24px) grayscale(1)")
    image.scroll_into_view_if_needed()
    page.wait_for_function("() => document.querySelector('.media img').naturalWidth > 0")
    picture(page, f"blurred-{viewport['width']}")
    page.locator(".media").first.focus()
    expect(image).to_have_css("filter", "blur(0px) grayscale(1)")
    page.keyboard.press("]")
    assert page.evaluate("document.querySelector('audio').muted")
    page.keyboard.press("]")
    expect(page.locator(".evidence")).to_contain_text("Not loaded: the owner of the pipeline has allowed nothing")
    assert fits(page)
    assert site.foreign_requests == [f"{ORIGIN}/chart.svg"]
    site.foreign_requests.clear()


def test_uploaded_files_are_shown_and_do_nothing_when_they_are_opened(site: Site, committed_world: World) -> None:
    def uploaded(content: bytes) -> str:
        source = committed_world.source
        return str(store_attachment(source=source, content=content, now=timezone.now())[0].pk)

    committed_world.claim(
        context=[
            {"kind": "image", "title": "Chart", "attachment": uploaded(files.png(640, 200)), "text": "A red field."},
            {"kind": "audio", "title": "The call", "attachment": uploaded(files.wav(1)), "text": "Hello?"},
            {"kind": "pdf", "title": "Terms", "attachment": uploaded(files.PDF)},
        ]
    )
    page = task_page(site, committed_world)
    page.wait_for_function("() => document.querySelector('.media img').naturalWidth === 640")
    page.keyboard.press("]")
    seconds = page.evaluate(
        "new Promise((done) => { const sound = document.querySelector('audio'); sound.preload = 'metadata';"
        " sound.onloadedmetadata = () => done(sound.duration); sound.load(); })"
    )
    assert seconds == pytest.approx(1, abs=0.1)
    page.keyboard.press("]")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the PDF").click()
    assert download.value.suggested_filename.endswith(".pdf")
    page.evaluate("for (const each of document.querySelectorAll('details')) { each.name = ''; each.open = true }")
    picture(page, "files")
    page.set_viewport_size(NARROW)
    picture(page, "files-phone")
    assert fits(page)
