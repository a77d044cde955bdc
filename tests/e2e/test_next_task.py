"""The next task is there before it is asked for, and nothing is lost when saving the last answer fails."""

from __future__ import annotations

from playwright.sync_api import Page, Response, expect

from reviewqueue.review.answers import LabelAnswer
from reviewqueue.review.models import Label, Lease, Reservation, ReviewSlot, Skip
from reviewqueue.review.services import leases
from reviewqueue.review.services.leases import Nothing
from tests.e2e.support.held import Held, first_request_waits
from tests.e2e.support.site import Site, next_is_ready
from tests.running import wait_until
from tests.services.review.steps import ask_for_choices, newcomer, review_terms, submit, taken
from tests.world import World


def start(page: Page) -> None:
    page.goto("/queue/")
    page.get_by_role("button", name="Start reviewing").press("Enter")
    page.wait_for_url("**/review/**")
    next_is_ready(page)


def first_answer_waits(page: Page) -> Held:
    """The first answer is not sent before the test says so."""
    return first_request_waits(page, "**/label/")


def question(page: Page) -> str:
    return page.locator("#page .untrusted").first.inner_text()


def test_the_next_task_is_shown_before_the_answer_is_saved(site: Site, committed_world: World) -> None:
    for number in range(3):
        committed_world.claim(input=f"question {number}")
    page = site.visitor(committed_world.rita)
    start(page)
    waiting = first_answer_waits(page)
    first = page.url
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    expect(page.locator("#page")).to_contain_text("question 1")
    expect(page.locator("#page [data-first]")).to_be_focused()
    assert page.url == first
    waiting.let_go()
    expect(page.locator("#notices")).to_contain_text("Saved: Correct")
    next_is_ready(page)
    assert page.url != first
    expect(page.locator("#page #lease")).to_contain_text("yours until")
    assert page.locator("#answer").count() == 1
    assert Label.objects.count() == 1
    assert page.url.endswith(f"/review/{Lease.objects.get(ended_at=None).pk}/")


def test_who_is_faster_than_the_server_loses_no_answer(site: Site, committed_world: World) -> None:
    for number in range(4):
        committed_world.claim(input=f"question {number}")
    page = site.visitor(committed_world.rita)
    start(page)
    waiting = first_answer_waits(page)
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    expect(page.locator("#page")).to_contain_text("question 1")
    page.keyboard.press("x")
    page.keyboard.press("Enter")
    waiting.let_go()
    expect(page.locator("#page")).to_contain_text("question 2")
    expect(page.locator("#page #lease")).to_contain_text("yours until")
    given = [(label.claim.payload.content["input"], label.verdict) for label in Label.objects.order_by("id")]
    assert given == [("question 0", "correct"), ("question 1", "incorrect")]


def test_an_answer_that_waits_to_be_saved_is_not_skipped(site: Site, committed_world: World) -> None:
    """While the next task is still being fetched, the first thing that was asked for is what happens."""
    for number in range(3):
        committed_world.claim(input=f"question {number}")
    page = site.visitor(committed_world.rita)
    waiting = first_request_waits(page, "**/ready/")
    page.goto("/queue/")
    with page.expect_request("**/ready/"):
        page.get_by_role("button", name="Start reviewing").press("Enter")
    for key in ("x", "Enter", "s", "3"):
        page.keyboard.press(key)
    expect(page.locator("#page")).to_contain_text("question 0")
    answers = first_answer_waits(page)  # a skip that was sent as well would overtake it
    waiting.let_go()
    answers.arrive()  # with the next task shown already or, where fetching it took too long, in the plain way
    page.wait_for_timeout(300)
    answers.let_go()
    expect(page.locator("#page")).to_contain_text("question 1")
    expect(page.locator("#page #lease")).to_contain_text("yours until")
    assert Label.objects.get().verdict == "incorrect"
    assert not Skip.objects.exists()


def test_when_saving_fails_people_are_back_on_their_answer_with_all_they_wrote(
    site: Site, committed_world: World
) -> None:
    for number in range(3):
        committed_world.claim(input=f"question {number}")
    page = site.visitor(committed_world.rita)
    start(page)
    page.route("**/label/", lambda route: route.abort())
    page.keyboard.press("x")
    page.keyboard.press("c")
    page.keyboard.type("12 EUR, and nobody saved it")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#notices")).to_contain_text("No connection")
    expect(page.locator("#page")).to_contain_text("question 0")
    expect(page.locator("#correction")).to_have_value("12 EUR, and nobody saved it")
    page.unroute("**/label/")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#notices")).to_contain_text("Saved: Incorrect")
    expect(page.locator("#page")).to_contain_text("question 1")
    assert Label.objects.get().output == "12 EUR, and nobody saved it"
    assert all("sendError" in complaint or "afterRequest" in complaint for complaint in site.complaints)
    site.complaints.clear()


def test_a_task_that_went_to_somebody_else_makes_way_for_the_next_one(site: Site, committed_world: World) -> None:
    world = committed_world
    for number in range(3):
        world.claim(input=f"question {number}")
    page = site.visitor(world.rita)
    start(page)
    kept = Reservation.objects.get(reviewer=world.rita)
    ReviewSlot.objects.filter(pk=kept.slot_id).update(free_at=kept.expires_at.replace(year=2020))
    submit(taken(world.ravi))
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    expect(page.locator("#page")).to_contain_text("question 2")
    expect(page.locator("#notices")).to_contain_text("went to somebody else")
    assert page.locator("#answer").count() == 1


def test_leaving_the_page_gives_the_next_task_back_at_once(site: Site, committed_world: World) -> None:
    world = committed_world
    world.claim()
    world.claim()
    page = site.visitor(world.rita)
    start(page)
    assert isinstance(leases.take(reviewer=world.ravi), Nothing)
    page.goto("/queue/")
    wait_until(lambda: not Reservation.objects.exists(), what="the task that is given back")
    assert isinstance(leases.take(reviewer=world.ravi), Lease)


def test_nothing_on_the_wire_says_what_a_blind_task_hides(site: Site, committed_world: World) -> None:
    world = committed_world
    world.activate(review_terms(blind="score"))
    for number in range(3):
        world.claim(input=f"question {number}", confidence=0.7319, model="secretive-model", output="shown output")
    page = site.visitor(world.rita)
    answers: list[Response] = []
    page.on("response", lambda answer: "/review/" in answer.url and answers.append(answer))
    start(page)
    bodies = [answer.text() for answer in answers if answer.status == 200]
    assert any("question 1" in body for body in bodies)
    for body in bodies:
        assert "shown output" in body
        for hidden in ("0.7319", "73 %", "73.2", "secretive-model"):
            assert hidden not in body


def test_nothing_on_the_wire_holds_the_answer_or_what_somebody_else_said(site: Site, committed_world: World) -> None:
    world = committed_world
    ask_for_choices(world)
    world.activate(review_terms(blind="answer", labels_needed=2))
    for number in range(3):
        world.claim(input=f"question {number}", confidence=0.7319, model="secretive-model", output="canary-output")
    for _ in range(3):
        submit(taken(world.ravi), LabelAnswer(None, output="false", note="canary-note"))
    page = site.visitor(world.rita)
    answers: list[Response] = []
    page.on("response", lambda answer: "/review/" in answer.url and answers.append(answer))
    start(page)
    bodies = [answer.text() for answer in answers if answer.status == 200]
    for address in ("/labels/", "/queue/"):
        page.goto(address)
        bodies.append(page.content())
    assert any("question 1" in body for body in bodies)
    for body in bodies:
        for hidden in ("canary-output", "canary-note", "0.7319", "73 %", "secretive-model"):
            assert hidden not in body


def test_twenty_in_a_row_with_keys_alone(site: Site, committed_world: World) -> None:
    for number in range(21):
        committed_world.claim(input=f"question {number:02}")
    page = site.visitor(committed_world.rita)
    start(page)
    for number in range(20):
        expect(page.locator("#page")).to_contain_text(f"question {number:02}")
        page.keyboard.press("a")
        page.keyboard.press("Enter")
    expect(page.locator("#page")).to_contain_text("question 20")
    expect(page.locator("#page #lease")).to_contain_text("yours until")
    given = [label.claim.payload.content["input"] for label in Label.objects.order_by("id")]
    assert given == [f"question {number:02}" for number in range(20)]


def test_ten_browsers_on_one_queue_never_show_two_people_one_task(site: Site, committed_world: World) -> None:
    world = committed_world
    for number in range(40):
        world.claim(input=f"question {number:02}")
    pages = [site.visitor(newcomer(world, f"reviewer-{number}")) for number in range(10)]
    for page in pages:
        page.goto("/queue/")
        page.get_by_role("button", name="Start reviewing").press("Enter")
        page.wait_for_url("**/review/**")
    for _ in range(3):
        for page in pages:
            before = page.url
            page.keyboard.press("a")
            page.keyboard.press("Enter")
            page.wait_for_function("before => location.href !== before", arg=before)
    assert Label.objects.count() == 30
    assert Label.objects.values("task").distinct().count() == 30
    shown = [question(page) for page in pages]
    assert len(set(shown)) == 10


def test_a_key_passes_the_task_to_the_seniors_with_a_note(site: Site, committed_world: World) -> None:
    for number in range(3):
        committed_world.claim(input=f"question {number}")
    page = site.visitor(committed_world.rita)
    start(page)
    page.keyboard.press("e")
    expect(page.locator("#page #escalate-note")).to_be_focused()
    page.keyboard.type("Two lists disagree: x a e.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#page")).to_contain_text("question 1")
    expect(page.locator("#notices")).to_contain_text("Passed to the seniors")
    assert Skip.objects.get().note == "Two lists disagree: x a e."
    assert not Label.objects.exists()
