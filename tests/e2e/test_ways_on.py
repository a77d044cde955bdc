"""The other ways on from a task, with keys alone: keeping it, handing it over, being late, and a returned label."""

from __future__ import annotations

from playwright.sync_api import expect

from reviewqueue.review.models import HandOver, Label, Lease, Reservation, ReviewSlot, ReviewTask
from reviewqueue.review.services import leases
from reviewqueue.review.services.returning import return_label
from tests.e2e.support.held import first_request_waits
from tests.e2e.support.site import Site, next_is_ready, start_reviewing
from tests.services.review.steps import run_out, submit, taken
from tests.world import World


def ask(world: World, number: int) -> None:
    for place in range(number):
        world.claim(input=f"question {place}")


def test_a_task_is_kept_for_later_with_what_was_written_and_found_again(site: Site, committed_world: World) -> None:
    ask(committed_world, 3)
    page = site.visitor(committed_world.rita)
    start_reviewing(page)
    page.keyboard.press("n")
    page.keyboard.type("ask the shop")
    page.keyboard.press("Escape")
    page.keyboard.press("h")
    page.keyboard.press("2")
    expect(page.locator("#page")).to_contain_text("question 1")
    expect(page.locator("#notices")).to_contain_text("Kept for you until")
    kept = Lease.objects.get(held_until__isnull=False)
    assert kept.draft["note"] == "ask the shop"
    page.goto("/queue/")
    page.get_by_role("link", name="Go on").first.press("Enter")
    expect(page.locator("#page")).to_contain_text("question 0")
    expect(page.locator("#note")).to_have_value("ask the shop")
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    expect(page.locator("#notices")).to_contain_text("Saved: Correct")
    assert Label.objects.get().lease == kept


def test_a_task_is_handed_to_a_colleague(site: Site, committed_world: World) -> None:
    ask(committed_world, 2)
    page = site.visitor(committed_world.rita)
    start_reviewing(page)
    page.keyboard.press("g")
    expect(page.locator("#page #hand-over-to")).to_be_focused()
    page.keyboard.type("Ravi")
    page.keyboard.press("Tab")
    page.keyboard.type("You know this list.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#page")).to_contain_text("question 1")
    expect(page.locator("#notices")).to_contain_text("Handed to Ravi")
    assert HandOver.objects.get().note == "You know this list."
    ravi = site.visitor(committed_world.ravi)
    start_reviewing(ravi)
    expect(ravi.locator("#page")).to_contain_text("question 0")
    expect(ravi.locator("#page")).to_contain_text("You know this list.")


def test_who_is_still_typing_when_the_hold_runs_out_is_saved_late(site: Site, committed_world: World) -> None:
    ask(committed_world, 1)
    page = site.visitor(committed_world.rita)
    start_reviewing(page)
    page.keyboard.press("x")
    page.keyboard.press("c")
    page.keyboard.type("typed before")
    run_out(Lease.objects.get())
    leases.expire_leases()
    page.keyboard.type(" and after")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/queue/")
    label = Label.objects.get()
    assert (label.output, label.late) == ("typed before and after", True)


def test_what_a_senior_returned_is_changed_from_the_queue_page(site: Site, committed_world: World) -> None:
    world = committed_world
    ask(world, 1)
    label = submit(taken(world.rita)).label
    ReviewTask.objects.update(undo_seconds=0)
    return_label(senior=world.sam, label_id=label.pk, comment="Look at the list of March.")
    page = site.visitor(world.rita)
    page.goto("/queue/")
    page.get_by_role("link", name="correct").press("Enter")
    expect(page.locator("#page")).to_contain_text("Look at the list of March.")
    expect(page.locator("#page [data-first]")).to_be_focused()
    page.keyboard.press("x")
    page.keyboard.press("Enter")
    page.wait_for_url("**/queue/")
    expect(page.locator("#notices")).to_contain_text("Changed.")
    assert list(Label.objects.order_by("revision").values_list("verdict", flat=True)) == ["correct", "incorrect"]


def test_words_written_on_a_task_that_went_to_somebody_else_are_shown_once_more(
    site: Site, committed_world: World
) -> None:
    world = committed_world
    ask(world, 3)
    page = site.visitor(world.rita)
    start_reviewing(page)
    next_is_ready(page)
    kept = Reservation.objects.get(reviewer=world.rita)
    ReviewSlot.objects.filter(pk=kept.slot_id).update(free_at=kept.expires_at.replace(year=2020))
    submit(taken(world.ravi))
    waiting = first_request_waits(page, "**/label/")
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    expect(page.locator("#page")).to_contain_text("question 1")
    page.keyboard.press("n")
    page.keyboard.type("<b>a thought</b>")
    waiting.let_go()
    expect(page.locator("#page")).to_contain_text("question 2")
    expect(page.locator("#notices")).to_contain_text("went to somebody else: <b>a thought</b>")
