"""Working on a part of a pipeline, and keeping filters under a name."""

from __future__ import annotations

import re

from reviewqueue.review.models import Lease, Reservation, SavedFilter
from tests.services.review.steps import keep_filter
from tests.web.visitor import Visitor, text_of
from tests.world import World

PART = "/queue/part/support-answers/"
SAVE = f"{PART}save/"
TASKS = "/pipelines/support-answers/tasks/"


def start(visitor: Visitor, **asked: str) -> str:
    return text_of(visitor.post("/queue/take/", {"pipeline": "support-answers", **asked}, follow=True))


def categories_in_hand() -> list[str]:
    return list(Lease.objects.filter(ended_at=None).values_list("task__claim__category", flat=True))


def test_only_the_part_that_was_asked_for_is_given_task_after_task(world: World, rita: Visitor) -> None:
    for category in ("general", "refunds", "general", "refunds"):
        world.claim(category=category)
    start(rita, category="refunds")
    assert categories_in_hand() == ["refunds"]
    lease = Lease.objects.get()
    rita.post(f"/review/{lease.pk}/ready/")
    assert Reservation.objects.get().slot.task.claim.category == "refunds"
    rita.post(f"/review/{lease.pk}/label/", {"verdict": "correct"})
    assert categories_in_hand() == ["refunds"]
    rita.post(f"/review/{Lease.objects.get(ended_at=None).pk}/label/", {"verdict": "correct"})
    assert categories_in_hand() == []
    start(rita)
    assert categories_in_hand() == ["general"]


def test_what_is_in_hand_is_gone_on_with_when_it_is_of_that_part(world: World, rita: Visitor) -> None:
    for category in ("general", "refunds"):
        world.claim(category=category)
    start(rita, category="refunds")
    start(rita, category="refunds")
    assert categories_in_hand() == ["refunds"]
    start(rita, category="general")
    assert sorted(categories_in_hand()) == ["general", "refunds"]


def test_a_part_is_kept_under_a_name_and_started_from_the_queue_page(world: World, rita: Visitor) -> None:
    for category in ("general", "refunds"):
        world.claim(category=category)
    page = text_of(rita.post(SAVE, {"category": "refunds", "purpose": "", "name": "Money"}, follow=True))
    assert "Kept as “Money”" in page
    queue = text_of(rita.get("/queue/"))
    assert "Money" in queue
    [fields] = re.findall(r'name="category" value="([^"]+)"', queue)
    start(rita, category=fields)
    assert categories_in_hand() == ["refunds"]


def test_filters_are_personal_and_can_be_forgotten_by_their_owner_alone(
    world: World, rita: Visitor, ada: Visitor
) -> None:
    kept = keep_filter(world, world.rita)
    assert kept.name not in text_of(Visitor(world.ravi).get("/queue/"))
    ada.post(f"/queue/filters/{kept.pk}/forget/")
    assert SavedFilter.objects.count() == 1
    rita.post(f"/queue/filters/{kept.pk}/forget/")
    assert SavedFilter.objects.count() == 0


def test_the_same_name_again_takes_the_place_of_the_first(world: World, rita: Visitor) -> None:
    rita.post(SAVE, {"category": "refunds", "name": "Mine"})
    rita.post(SAVE, {"category": "general", "name": " Mine "})
    assert SavedFilter.objects.get().asked == {"category": "general"}


def test_a_filter_needs_a_name_and_something_to_ask_for(world: World, rita: Visitor) -> None:
    for sent in ({"category": "refunds", "name": " "}, {"name": "All"}, {"category": "nonsense", "name": "X"}):
        rita.post(SAVE, sent)
    assert SavedFilter.objects.count() == 0


def test_thirty_are_kept_at_most(world: World, rita: Visitor) -> None:
    for number in range(31):
        rita.post(SAVE, {"category": "refunds", "name": f"Filter {number}"})
    assert SavedFilter.objects.count() == 30
    rita.post(SAVE, {"category": "general", "name": "Filter 3"})
    assert SavedFilter.objects.get(name="Filter 3").asked == {"category": "general"}


def test_a_senior_keeps_the_filter_of_a_list_and_comes_back_to_it(world: World) -> None:
    sam = Visitor(world.sam)
    world.claim(category="refunds")
    sent = {"state": "free", "category": "refunds", "name": "Free refunds", "from": "tasks"}
    page = text_of(sam.post(SAVE, sent, follow=True))
    assert "Free refunds" in page
    [address] = re.findall(r'<a href="(\?[^"]+)">Free refunds</a>', page)
    assert set(address[1:].replace("amp;", "").split("&")) == {"state=free", "category=refunds"}
    assert "in lists only" in text_of(sam.get(PART))
