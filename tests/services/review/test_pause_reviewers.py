"""Who is surely below the bar gets no tasks until a senior lets them go on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from reviewqueue.errors import Forbidden, Invalid, NotFound
from reviewqueue.ledger.models import Event
from reviewqueue.review import selectors
from reviewqueue.review.gold import GoldDraw, GoldItem, ReviewerPause
from reviewqueue.review.models import Lease
from reviewqueue.review.services import gold, gold_set, leases, pauses
from reviewqueue.review.services.pauses import PauseDecided
from tests.services.review.golden import gold_claims, gold_comes, work_through
from tests.services.review.steps import RIGHT, WRONG, submit, taken
from tests.world import World


@pytest.fixture(autouse=True)
def _always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every draw says gold, at whatever rate above zero."""
    monkeypatch.setattr(gold, "draw_number", lambda lease_id: 0.0)


def answers_gold(world: World, right: int, wrong: int) -> None:
    """rita answers so many gold tasks, and the time to change her mind passes."""
    gold_claims(world, right + wrong)
    world.claim()
    work_through(world.rita, right, RIGHT)
    work_through(world.rita, wrong, WRONG)
    time_to_undo_passes()


def time_to_undo_passes() -> None:
    GoldDraw.objects.update(answered_at=F("answered_at") - timedelta(minutes=1))


def paused(world: World) -> ReviewerPause:
    gold_comes(world, 0.03, bar=0.8, fewest=5)
    answers_gold(world, 1, 6)
    assert pauses.pause_reviewers() == 1
    return ReviewerPause.objects.get()


def test_nobody_is_paused_for_what_may_be_chance(world: World) -> None:
    """Of 7, 4 right have an upper limit of 0.87."""
    gold_comes(world, 0.03, bar=0.8, fewest=5)
    answers_gold(world, 4, 3)
    assert pauses.pause_reviewers() == 0


def test_nobody_is_paused_before_the_minimum_count(world: World) -> None:
    gold_comes(world, 0.03, bar=0.8, fewest=8)
    answers_gold(world, 0, 7)
    assert pauses.pause_reviewers() == 0


def test_who_is_surely_below_the_bar_is_paused_once(world: World) -> None:
    pause = paused(world)
    assert (pause.reviewer, pause.judged, pause.right) == (world.rita, 7, 1)
    assert pause.upper == pytest.approx(0.5207, abs=0.0001)
    assert pauses.pause_reviewers() == 0
    assert Event.objects.filter(kind="reviewer.paused").count() == 1


def test_an_answer_that_can_be_undone_does_not_count_yet(world: World) -> None:
    gold_comes(world, 0.03, bar=0.8, fewest=5)
    gold_claims(world, 6)
    world.claim()
    work_through(world.rita, 6, WRONG)
    assert pauses.pause_reviewers() == 0
    time_to_undo_passes()
    assert pauses.pause_reviewers() == 1


def test_void_keys_count_nowhere(world: World) -> None:
    gold_comes(world, 0.03, bar=0.8, fewest=5)
    answers_gold(world, 1, 6)
    for item in GoldItem.objects.all():
        gold_set.retire(pipeline=world.pipeline, item_id=item.pk, by=world.olga, void=True)
    assert pauses.pause_reviewers() == 0


def test_who_is_paused_gets_no_task_and_hears_why(world: World) -> None:
    paused(world)
    nothing = leases.take(reviewer=world.rita)
    assert isinstance(nothing, selectors.Nothing)
    assert nothing.reason == "paused"
    assert isinstance(leases.take(reviewer=world.ravi), Lease)


def test_what_is_in_hand_may_be_finished(world: World) -> None:
    gold_comes(world, 0.03, bar=0.8, fewest=5)
    answers_gold(world, 1, 6)
    lease = taken(world.rita)
    pauses.pause_reviewers()
    assert submit(lease).created


def test_an_appeal_waits_for_its_answer(world: World) -> None:
    pause = paused(world)
    with pytest.raises(Invalid):
        pauses.appeal(reviewer=world.rita, pause_id=pause.pk, text=" ")
    with pytest.raises(NotFound):
        pauses.appeal(reviewer=world.ravi, pause_id=pause.pk, text="Not mine.")
    pauses.appeal(reviewer=world.rita, pause_id=pause.pk, text="The price list was old.")
    with pytest.raises(PauseDecided):
        pauses.appeal(reviewer=world.rita, pause_id=pause.pk, text="Once more.")
    pauses.decide(by=world.sam, pipeline=world.pipeline, pause_id=pause.pk, lifted=False, note="It was not.")
    pauses.appeal(reviewer=world.rita, pause_id=pause.pk, text="It was, look at page 2.")
    assert Event.objects.filter(kind="reviewer.appealed").count() == 2


def test_a_senior_lifts_it_and_counting_starts_anew(world: World) -> None:
    pause = paused(world)
    pauses.decide(by=world.sam, pipeline=world.pipeline, pause_id=pause.pk, lifted=True, note="The keys were unclear.")
    assert pauses.pause_reviewers() == 0
    assert isinstance(leases.take(reviewer=world.rita), Lease)
    with pytest.raises(PauseDecided):
        pauses.decide(by=world.sam, pipeline=world.pipeline, pause_id=pause.pk, lifted=False, note="No.")


def test_a_senior_may_keep_it(world: World) -> None:
    pause = paused(world)
    pauses.decide(by=world.sam, pipeline=world.pipeline, pause_id=pause.pk, lifted=False, note="Read the guideline.")
    pause.refresh_from_db()
    assert (pause.ended_at, pause.note, pause.decided_by) == (None, "Read the guideline.", world.sam)


@pytest.mark.parametrize("name", ["rita", "olga", "ada", "adam"])
def test_nobody_but_a_senior_decides(world: World, name: str) -> None:
    pause = paused(world)
    by = world.people[name]
    with pytest.raises(Forbidden):
        pauses.decide(by=by, pipeline=world.pipeline, pause_id=pause.pk, lifted=True, note="Please.")


def test_no_senior_decides_about_their_own(world: World) -> None:
    pause = paused(world)
    ReviewerPause.objects.update(reviewer=world.sam)
    with pytest.raises(Forbidden):
        pauses.decide(by=world.sam, pipeline=world.pipeline, pause_id=pause.pk, lifted=True, note="I am fine.")
