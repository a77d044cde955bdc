"""An auditor finds an entry, keeps a checkpoint and compares two, with keys alone."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Locator, Page, expect
from pytest_django import Settings

from reviewqueue.ledger import services as ledger
from tests.e2e.support.site import Site
from tests.services.ledger.cast import prepare_sealing
from tests.services.review.steps import label_next
from tests.world import World

LONGEST_WAY = 90
WITHOUT_CLIPBOARD = "Object.defineProperty(Navigator.prototype, 'clipboard', {get: () => undefined})"


def tab_to(page: Page, wanted: Locator) -> Locator:
    """Presses Tab until `wanted` has the focus, as somebody without a mouse does."""
    handle = wanted.element_handle()
    for _ in range(LONGEST_WAY):
        page.keyboard.press("Tab")
        if handle.evaluate("element => element === document.activeElement"):
            return wanted
    raise AssertionError(f"{wanted} cannot be reached with Tab")


def follow(page: Page, name: str, *, role: str = "link") -> None:
    tab_to(page, page.get_by_role(role, name=name).first)  # type: ignore[arg-type]
    page.keyboard.press("Enter")


def test_from_a_search_to_a_proof_a_pin_and_a_comparison(
    site: Site, committed_world: World, settings: Settings, tmp_path: Path
) -> None:
    world = committed_world
    prepare_sealing(settings, tmp_path)
    world.claim(external_id="ticket-7")
    label_next(world.rita)
    ledger.seal()
    page = site.visitor(world.ada)
    page.goto("/ledger/")

    tab_to(page, page.get_by_label("Claim", exact=True))
    page.keyboard.type("ticket-7")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row")).to_have_count(1 + 6)
    follow(page, ": the entry and its proof")
    expect(page.get_by_role("heading", name="The proof that it is in the ledger")).to_be_visible()

    follow(page, "Ledger")
    follow(page, "Checkpoints")
    tab_to(page, page.get_by_label("Remark").first)
    page.keyboard.type("spring audit")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Part of today's ledger")).to_be_visible()
    expect(page.get_by_text("spring audit")).to_be_visible()

    world.claim()
    ledger.seal()
    page.goto("/ledger/compare/")
    tab_to(page, page.get_by_label("The first, from the list"))
    page.keyboard.type("your pin")
    tab_to(page, page.get_by_label("The second, from the list"))
    page.keyboard.press("ArrowDown")
    follow(page, "Compare", role="button")
    expect(page.get_by_role("heading", name="One history: the smaller is the beginning of the larger")).to_be_visible()


def test_a_checkpoint_is_copied_where_the_browser_keeps_its_clipboard(
    site: Site, committed_world: World, settings: Settings, tmp_path: Path
) -> None:
    prepare_sealing(settings, tmp_path)
    ledger.seal()
    page = site.visitor(committed_world.ada)
    page.add_init_script(WITHOUT_CLIPBOARD)
    page.goto("/ledger/checkpoints/")
    tab_to(page, page.get_by_role("button", name="Copy").first)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Copied").first).to_be_visible()
    selected = page.evaluate("getSelection().toString()")
    assert selected.strip() == page.locator("#note").text_content().strip()  # type: ignore[union-attr]
