"""Tasks that are due in working time, and that ask for skills."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reviewqueue import intake
from reviewqueue.accounts.models import User
from reviewqueue.claims.submission import parse_submission
from reviewqueue.errors import Forbidden, Invalid
from reviewqueue.ledger.models import Event
from reviewqueue.pipeline_settings import change_settings
from reviewqueue.pipelines.selectors import skills_of
from reviewqueue.pipelines.services import set_skills
from reviewqueue.policy.document import ReviewTerms
from reviewqueue.review import selectors
from reviewqueue.review.changing import Wanted
from reviewqueue.review.models import ChangeKind, ReviewSlot, ReviewTask
from reviewqueue.review.services import changes, handing_over, leases, reservations, tasks
from reviewqueue.review.services.leases import Nothing
from reviewqueue.transactions import one_transaction
from tests.services.review.steps import (
    RIGHT,
    UNSURE,
    WRONG,
    label_next,
    review_terms,
    submit,
    taken,
    undo_windows_pass,
)
from tests.world import IDENTITY, POLICY, World

OFFICE = {"zone": "UTC", "hours": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}}
SKILLS = {"categories": {"refunds": ["law"]}, "segments": {"language": {"de": ["german"]}}}
FRIDAY_EVENING = datetime(2026, 11, 27, 16, 0, tzinfo=UTC)
MONDAY = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


def rule(world: World, **rules: Any) -> None:
    change_settings(pipeline=world.pipeline, changes={"queue_rules": rules}, by=world.olga)
    world.pipeline.refresh_from_db()


def know(world: World, person: User, *skills: str) -> None:
    set_skills(pipeline=world.pipeline, user=person, skills=skills, by=world.olga)


def submitted_at(world: World, now: datetime, **changed: Any) -> ReviewTask:
    answer = intake.submit(
        source=world.source, submission=parse_submission(world.claim_body(**changed), now=now), now=now
    ).answer
    return ReviewTask.objects.get(claim=answer["id"])


# --- due times ------------------------------------------------------------------------------------------------------


def test_a_held_claim_is_due_in_working_time(world: World) -> None:
    rule(world, working_time=OFFICE)
    task = submitted_at(world, FRIDAY_EVENING)
    assert task.due_at == MONDAY + timedelta(hours=3)
    assert ReviewSlot.objects.get(task=task).due_at == task.due_at


def test_a_category_has_a_time_of_its_own(world: World) -> None:
    rule(world, working_time=OFFICE, due={"categories": {"refunds": 90}})
    assert submitted_at(world, FRIDAY_EVENING, category="refunds").due_at == MONDAY + timedelta(minutes=30)
    assert submitted_at(world, FRIDAY_EVENING, category="general").due_at == MONDAY + timedelta(hours=3)


def test_a_band_has_a_time_of_its_own_where_the_reviewer_may_know_the_band(world: World) -> None:
    rule(world, due={"bands": {"0.60-0.90": 30}})
    world.activate({**POLICY, "calibrators": [IDENTITY]})
    now = FRIDAY_EVENING
    assert submitted_at(world, now, confidence=0.7).due_at == now + timedelta(minutes=30)
    assert submitted_at(world, now, confidence=0.3).due_at == now + timedelta(minutes=240)
    world.activate({**review_terms(blind="score"), "calibrators": [IDENTITY]})
    assert submitted_at(world, now, confidence=0.7).due_at == now + timedelta(minutes=240)


def test_what_is_asked_of_seniors_is_due_in_working_time_too(world: World) -> None:
    rule(world, working_time={**OFFICE, "hours": {"wed": [["10:00", "11:00"]]}})
    claim = world.claim()
    label_next(world.rita, UNSURE)
    due_at = ReviewTask.objects.get(claim=claim, purpose="escalation").due_at
    assert (due_at.weekday(), due_at.hour, due_at.minute) == (2, 11, 0)


def test_flagged_claims_are_due_within_a_day_by_the_clock(world: World) -> None:
    bands = [
        {"low": 0.0, "high": 0.9, "route": "review"},
        {"low": 0.9, "high": 1.0, "route": "accept_flagged", "required_accuracy": 0.9},
    ]
    world.activate({**POLICY, "bands": bands, "calibrators": [IDENTITY]})
    world.validate_band()
    rule(world, working_time=OFFICE)
    assert submitted_at(world, FRIDAY_EVENING).due_at == FRIDAY_EVENING + timedelta(days=1)


def test_rules_that_make_no_sense_are_refused_and_good_ones_are_in_the_ledger(world: World) -> None:
    with pytest.raises(Invalid):
        rule(world, working_time={"zone": "Mars/Olympus", "hours": {}})
    with pytest.raises(Forbidden):
        change_settings(pipeline=world.pipeline, changes={"queue_rules": {}}, by=world.rita)
    rule(world, working_time=OFFICE)
    assert '"changed":["queue_rules"]' in Event.objects.filter(kind="pipeline.changed").latest("id").leaf


# --- skills ---------------------------------------------------------------------------------------------------------


def test_only_who_has_every_skill_is_given_the_task(world: World) -> None:
    rule(world, skills=SKILLS)
    world.claim(category="refunds", segments={"workflow": "qa", "language": "de"})
    assert ReviewSlot.objects.get().needs == ["german", "law"]
    know(world, world.rita, "german")
    know(world, world.ravi, "german", "law")
    assert isinstance(leases.take(reviewer=world.rita), Nothing)
    taken(world.ravi)


def test_others_get_what_comes_after_it(world: World) -> None:
    rule(world, skills=SKILLS)
    world.claim(category="refunds")
    plain = world.claim(category="general")
    assert taken(world.rita).task.claim_id == plain.pk


def test_nothing_for_you_says_which_skill_is_missing_and_who_can_give_it(world: World) -> None:
    rule(world, skills=SKILLS)
    world.claim(category="refunds")
    nothing = leases.take(reviewer=world.rita)
    assert isinstance(nothing, Nothing)
    assert nothing.reason == "no_skill"
    assert "law" in nothing.detail
    assert "Olga or Otto can give you them" in nothing.detail


def test_it_does_not_count_as_something_to_do(world: World) -> None:
    rule(world, skills=SKILLS)
    world.claim(category="refunds")
    know(world, world.ravi, "law")
    assert [row.open for row in selectors.queue_counts(world.rita)] == [0]
    assert [row.open for row in selectors.queue_counts(world.ravi)] == [1]


def test_nothing_is_prepared_for_who_lacks_the_skill(world: World) -> None:
    rule(world, skills=SKILLS)
    world.claim(category="refunds")
    assert reservations.reserve(reviewer=world.rita) is None


def test_a_list_of_flagged_claims_leaves_it_out(world: World) -> None:
    rule(world, skills=SKILLS)
    world.claim(category="refunds")
    ReviewSlot.objects.update(purpose="flagged")
    assert selectors.pipelines_with_flagged(world.rita) == set()
    assert selectors.flagged_batch(world.rita, world.pipeline) == []
    know(world, world.rita, "law")
    assert len(selectors.flagged_batch(world.rita, world.pipeline)) == 1


def test_a_further_answer_and_a_senior_need_the_same_skill(world: World) -> None:
    rule(world, skills=SKILLS)
    world.activate(review_terms(labels_needed=2, max_labels=3))
    world.claim(category="refunds")
    for person in (world.rita, world.ravi):
        know(world, person, "law")
    label_next(world.rita, RIGHT)
    label_next(world.ravi, WRONG)
    assert [slot.needs for slot in ReviewSlot.objects.order_by("number")] == [["law"]] * 3
    undo_windows_pass()
    assert isinstance(leases.take(reviewer=world.sam), Nothing)
    know(world, world.sam, "law")
    submit(taken(world.sam), UNSURE)
    opened = ReviewTask.objects.filter(purpose="adjudication")
    assert [slot.needs for slot in ReviewSlot.objects.filter(task__in=opened)] == [["law"]]


def test_a_second_look_at_a_settled_claim_needs_it_too(world: World) -> None:
    rule(world, skills=SKILLS, due={"categories": {"refunds": 15}})
    claim = world.claim(category="refunds")
    now = datetime.now(UTC)
    with one_transaction():
        tasks.open_second_looks([claim.pk], pipeline=world.pipeline, terms=ReviewTerms(), now=now)
    slot = ReviewSlot.objects.get(purpose="relabel")
    assert (slot.needs, slot.due_at) == (["law"], now + timedelta(minutes=15))


def test_nobody_is_given_it_by_name_who_lacks_the_skill(world: World) -> None:
    rule(world, skills=SKILLS)
    world.claim(category="refunds")
    wanted = Wanted(ChangeKind.REASSIGN, person=world.ravi, until=datetime.now(UTC) + timedelta(hours=1))
    slots = list(ReviewSlot.objects.values_list("pk", flat=True))
    [planned] = changes.preview(by=world.sam, pipeline=world.pipeline, slot_ids=slots, wanted=wanted)
    assert planned.why_not == "no_skill"
    know(world, world.rita, "law")
    lease = taken(world.rita)
    with pytest.raises(Invalid) as refused:
        handing_over.hand_over(reviewer=world.rita, lease_id=lease.pk, to="ravi")
    assert "lacks a skill" in refused.value.problems[0].detail


def test_skills_are_given_and_taken_away_by_owners_and_administrators_and_the_ledger_knows(world: World) -> None:
    rule(world, skills=SKILLS)
    know(world, world.rita, "law", "german")
    set_skills(pipeline=world.pipeline, user=world.rita, skills=["law"], by=world.adam)
    assert skills_of(world.rita) == {"law"}
    last = Event.objects.filter(kind="skills.changed").latest("id")
    assert '"skills":["law"]' in last.leaf
    assert '"skills_from":["german","law"]' in last.leaf
    written = Event.objects.count()
    know(world, world.rita, "law")
    assert Event.objects.count() == written


def test_others_give_no_skills_and_nobody_gets_one_that_is_not_asked_for(world: World) -> None:
    rule(world, skills=SKILLS)
    for person in (world.rita, world.sam, world.ada):
        with pytest.raises(Forbidden):
            set_skills(pipeline=world.pipeline, user=world.rita, skills=["law"], by=person)
    with pytest.raises(Invalid):
        know(world, world.rita, "surgery")
    with pytest.raises(Invalid):
        know(world, world.nora, "law")


def test_skills_of_other_pipelines_stay_as_they_are(world: World) -> None:
    rule(world, skills=SKILLS)
    know(world, world.rita, "law")
    rule(world, skills={"categories": {"refunds": ["german"]}})
    know(world, world.rita, "german")
    assert skills_of(world.rita) == {"law", "german"}
