"""The page of a pipeline's open tasks: finding, previewing, changing, undoing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.http import HttpResponse
from pytest_django import DjangoAssertNumQueries

from reviewqueue.review.models import Lease, ReviewSlot, ReviewTask
from tests.services.review.steps import submit, taken
from tests.web.visitor import Visitor, text_of
from tests.world import World

LIST = "/pipelines/support-answers/tasks/"
CHANGE = f"{LIST}change/"


@pytest.fixture
def sam(world: World) -> Visitor:
    return Visitor(world.sam)


def slots_on(page: str) -> list[str]:
    return re.findall(r'name="slot" value="(\d+)"', page)


def sent_on(page: str) -> dict[str, Any]:
    """What the form of a preview would send."""
    fields: dict[str, Any] = dict(re.findall(r'type="hidden" name="(do|hours|to|until)" value="([^"]*)"', page))
    return {**fields, "slot": slots_on(page), "sure": "1"}


def do(visitor: Visitor, **wanted: Any) -> HttpResponse:
    """Previews a change of everything and confirms it."""
    page = text_of(visitor.post(CHANGE, {"all": "1", **wanted}))
    return visitor.post(CHANGE, sent_on(page), follow=True)


def test_the_list_shows_who_has_what(world: World, sam: Visitor) -> None:
    world.claim(category="pricing")
    world.claim()
    taken(world.rita)
    page = text_of(sam.get(LIST))
    assert len(slots_on(page)) == 2
    assert "Rita" in page
    assert "in hand until" in page
    assert "pricing" in page


def test_it_says_nothing_about_the_claim_behind_a_task(world: World, sam: Visitor) -> None:
    claim = world.claim()
    page = text_of(sam.get(LIST))
    for hidden in (str(claim.pk), claim.external_id, "acme-lm", "18 EUR", "0.95", "95"):
        assert hidden not in re.sub(r"[A-Za-z0-9]{64}", "", page[page.index("<main") : page.index("</main")])


@pytest.mark.parametrize("purpose", ["audit", "gold", "review"])
def test_what_is_judged_blind_looks_the_same(world: World, sam: Visitor, purpose: str) -> None:
    world.claim()
    ReviewTask.objects.update(purpose=purpose, blind="score")
    ReviewSlot.objects.update(purpose=purpose)
    page = text_of(sam.get(LIST))
    row = page[page.index("<tbody>") : page.index("</tbody>")]
    assert "<td>Review</td>" in row
    assert "audit" not in row.lower()
    assert "gold" not in row.lower()


def test_the_address_narrows_the_list_and_nonsense_in_it_does_no_harm(world: World, sam: Visitor) -> None:
    world.claim(category="pricing")
    world.claim(category="refunds")
    assert len(slots_on(text_of(sam.get(LIST, {"category": "refunds"})))) == 1
    assert "No open task fits" in text_of(sam.get(LIST, {"state": "held"}))
    for nonsense in ({"category": "x"}, {"after": "1_2_3"}, {"after": "9" * 30 + "_1"}, {"due_within": "-1"}):
        assert sam.get(LIST, nonsense).status_code == 200


def test_an_empty_queue_says_so(sam: Visitor) -> None:
    assert "Nothing waits for people here" in text_of(sam.get(LIST))


def test_pages_follow_each_other(world: World, sam: Visitor) -> None:
    for _ in range(52):
        world.claim()
    first = text_of(sam.get(LIST))
    [following] = re.findall(r'href="(\?after=[^"]+)">Next page', first)
    second = text_of(sam.get(LIST + following))
    assert len(slots_on(first)) == 50
    assert len(set(slots_on(first)) | set(slots_on(second))) == 52
    assert "First page" in second


def test_a_move_is_shown_before_it_is_done_and_can_be_undone(world: World, sam: Visitor) -> None:
    world.claim()
    world.claim()
    preview = text_of(sam.post(CHANGE, {"all": "1", "do": "prioritise", "hours": "24"}))
    assert "2 would change" in preview
    assert "as if due a day sooner" in preview
    assert set(ReviewSlot.objects.values_list("priority", flat=True)) == {0}
    done = sam.post(CHANGE, sent_on(preview), follow=True)
    assert "changed 2 tasks" in text_of(done)
    assert set(ReviewSlot.objects.values_list("priority", flat=True)) == {24}
    undone = sam.post(done.request["PATH_INFO"], follow=True)
    assert "2 of 2 are as they were" in text_of(undone)
    assert set(ReviewSlot.objects.values_list("priority", flat=True)) == {0}


def test_only_what_was_ticked_changes(world: World, sam: Visitor) -> None:
    world.claim()
    world.claim()
    [first, _] = slots_on(text_of(sam.get(LIST)))
    preview = text_of(sam.post(CHANGE, {"slot": [first], "do": "prioritise", "hours": "4"}))
    sam.post(CHANGE, sent_on(preview))
    assert ReviewSlot.objects.get(priority=4).pk == int(first)


def test_the_preview_says_what_cannot_change_and_why(world: World, sam: Visitor) -> None:
    world.claim()
    world.claim()
    taken(world.rita)
    page = text_of(sam.post(CHANGE, {"all": "1", "do": "release"}))
    assert "1 would change" in page
    assert "nobody holds it" in page
    assert len(slots_on(page)) == 1


def test_tasks_are_given_to_one_person_until_the_time_that_was_shown(world: World, sam: Visitor) -> None:
    world.claim()
    assert "changed 1 task" in text_of(do(sam, do="reassign", to="ravi", keep="4"))
    slot = ReviewSlot.objects.get()
    assert slot.for_reviewer == world.ravi
    assert "Ravi" in text_of(sam.get(LIST))
    do(sam, do="reassign", to="")
    slot.refresh_from_db()
    assert slot.for_reviewer is None


def test_an_undo_says_what_somebody_acted_on_meanwhile(world: World, sam: Visitor) -> None:
    world.claim()
    world.claim()
    done = do(sam, do="prioritise", hours="24")
    submit(taken(world.rita))
    page = text_of(sam.post(done.request["PATH_INFO"], follow=True))
    assert "1 of 2 is as it was" in page
    assert "answered since" in page
    again = text_of(sam.post(done.request["PATH_INFO"], follow=True))
    assert "This change was undone before" in again


def test_when_somebody_was_faster_nothing_is_left_to_change(world: World, sam: Visitor) -> None:
    world.claim()
    preview = text_of(sam.post(CHANGE, {"all": "1", "do": "prioritise", "hours": "24"}))
    submit(taken(world.rita))
    assert "somebody was faster" in text_of(sam.post(CHANGE, sent_on(preview), follow=True))


@pytest.mark.parametrize(
    "wanted",
    [
        {"do": "prioritise", "hours": "24"},  # nothing ticked
        {"do": "explode", "all": "1"},
        {"do": "reassign", "to": "nora", "all": "1"},
        {"do": "prioritise", "hours": "9999", "all": "1"},
        {"all": "1"},
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason(world: World, sam: Visitor, wanted: dict[str, str]) -> None:
    world.claim()
    response = sam.post(CHANGE, wanted)
    assert response.status_code == 422
    assert "Nothing was changed." in text_of(response)


def test_an_administrator_takes_out_of_hands_and_does_no_more(world: World, adam: Visitor) -> None:
    world.claim()
    lease = taken(world.rita)
    page = text_of(adam.get(LIST))
    assert "Preview taking out of hands" in page
    assert "Preview the move" not in page
    assert adam.post(CHANGE, {"all": "1", "do": "prioritise", "hours": "24"}).status_code == 403
    do(adam, do="release")
    assert Lease.objects.get(pk=lease.pk).end_reason == "forced"


def test_who_only_watches_is_offered_no_change(world: World, olga: Visitor) -> None:
    world.claim()
    page = text_of(olga.get(LIST))
    assert "Open tasks" in page
    assert slots_on(page) == []
    assert "Preview" not in page


def test_whose_task_was_put_back_reads_it_on_the_page_and_can_save_all_the_same(
    world: World, sam: Visitor, rita: Visitor
) -> None:
    world.claim()
    lease = taken(world.rita)
    do(sam, do="release")
    page = text_of(rita.get(f"/review/{lease.pk}/"))
    assert "A senior put this task back" in page
    assert rita.post(f"/review/{lease.pk}/label/", {"verdict": "correct"}).status_code == 303


def test_more_rows_cost_no_more_queries(
    world: World, sam: Visitor, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(30):
        world.claim()
    sam.get(LIST)
    with django_assert_max_num_queries(16):
        sam.get(LIST)
