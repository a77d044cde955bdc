"""Reading what claims say, outside of a lease: recorded where the pipeline says so, by break-glass always."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from reviewqueue.claims.models import Claim
from reviewqueue.claims.services import PayloadErased
from reviewqueue.errors import Forbidden, Invalid
from reviewqueue.ledger.selectors import EntryFilter, entries
from reviewqueue.pipeline_settings import change_settings
from reviewqueue.reports.at_a_glance import glance_at
from reviewqueue.reports.claim_life import claim_life
from reviewqueue.viewing.models import BreakGlass, PayloadView
from reviewqueue.viewing.services import GLASS_FOR, QUIET_FOR, break_glass, record_views
from tests.services.erasure.steps import erased
from tests.services.review.steps import label_next
from tests.world import World

REASON = "A customer asks which prices the answer named."


def ask(world: World, rule: str) -> None:
    change_settings(pipeline=world.pipeline, changes={"views_recorded": rule}, by=world.olga)


def viewed() -> list[dict[str, Any]]:
    return [entry.body for entry in entries(filters=EntryFilter(kinds=["payload.viewed"])).entries]


def read(world: World, name: str, claim: Claim, **more: Any) -> int:
    return record_views(viewer=world.people[name], claims=[claim], purpose="claim_page", **more)


@pytest.mark.parametrize(
    ("rule", "recorded"),
    [("off", set()), ("auditors", {"ada", "adam"}), ("everybody", {"ada", "adam", "olga", "sam", "rita"})],
)
def test_whose_reading_is_recorded_is_up_to_the_pipeline(world: World, rule: str, recorded: set[str]) -> None:
    ask(world, rule)
    claim = world.claim()
    found = {name for name in ("ada", "adam", "olga", "sam", "rita") if read(world, name, claim)}
    assert found == recorded


def test_the_entry_says_who_read_what_and_why_and_nothing_of_it(world: World) -> None:
    ask(world, "auditors")
    claim = world.claim()
    read(world, "ada", claim)
    [body] = viewed()
    assert body["claim"] == body["payload"] == str(claim.pk)
    assert (body["user"], body["purpose"]) == (str(world.ada.pseudonym), "claim_page")
    assert body["actor"]["role"] == "auditor"
    assert body["claim_seq"] > 1
    assert "18 EUR" not in str(body)


def test_the_same_claim_again_within_a_quarter_of_an_hour_is_the_same_reading(world: World) -> None:
    ask(world, "everybody")
    claim, now = world.claim(), timezone.now()
    moments = [now, now + QUIET_FOR - timedelta(seconds=1), now + QUIET_FOR, now + 2 * QUIET_FOR - timedelta(seconds=1)]
    assert [read(world, "ada", claim, now=moment) for moment in moments] == [1, 0, 1, 0]
    assert read(world, "olga", claim, now=now) == 1
    assert PayloadView.objects.count() == 2
    assert len(viewed()) == 3


def test_many_claims_cost_few_statements_and_those_recorded_lately_two(world: World) -> None:
    ask(world, "everybody")
    claims = [world.claim() for _ in range(20)]
    with CaptureQueriesContext(connection) as first:
        assert record_views(viewer=world.sam, claims=claims, purpose="flagged_list") == 20
    with CaptureQueriesContext(connection) as again:
        assert record_views(viewer=world.sam, claims=claims, purpose="flagged_list") == 0
    assert len(first) <= 10
    assert len(again) == 2


def test_an_admin_reads_one_claim_by_break_glass_for_half_an_hour(world: World) -> None:
    claim, other, now = world.claim(), world.claim(), timezone.now()
    assert claim_life(world.adam, claim.pk).content is None
    glass = break_glass(admin=world.adam, claim_id=claim.pk, reason=REASON, now=now)
    life = claim_life(world.adam, claim.pk)
    assert life.content is not None
    assert life.glass == glass
    assert claim_life(world.adam, other.pk).content is None
    assert claim_life(world.amir, claim.pk).content is None
    BreakGlass.objects.update(began_at=now - 2 * GLASS_FOR, until=now - GLASS_FOR)
    assert claim_life(world.adam, claim.pk).content is None


def test_break_glass_is_an_event_without_the_words_and_every_reading_names_it(world: World) -> None:
    claim = world.claim()
    glass = break_glass(admin=world.adam, claim_id=claim.pk, reason=REASON)
    [entry] = entries(filters=EntryFilter(kinds=["payload.break_glass"])).entries
    assert entry.body["break_glass"] == str(glass.pk)
    assert "customer" not in str(entry.body)
    assert read(world, "adam", claim, glass=glass) == 1
    assert viewed()[0]["break_glass"] == str(glass.pk)


def test_asking_twice_is_one_right(world: World) -> None:
    claim = world.claim()
    first = break_glass(admin=world.adam, claim_id=claim.pk, reason=REASON)
    assert break_glass(admin=world.adam, claim_id=claim.pk, reason=REASON) == first
    assert BreakGlass.objects.count() == 1


def test_nobody_else_breaks_glass_and_nobody_without_a_reason(world: World) -> None:
    claim = world.claim()
    for name in ("ada", "olga", "rita", "nora"):
        with pytest.raises(Forbidden):
            break_glass(admin=world.people[name], claim_id=claim.pk, reason=REASON)
    for reason in ("", "because", " " * 40, "x" * 2_001):
        with pytest.raises(Invalid):
            break_glass(admin=world.adam, claim_id=claim.pk, reason=reason)
    assert not BreakGlass.objects.exists()


def test_the_owner_sees_an_alarm(world: World) -> None:
    claim = world.claim()
    break_glass(admin=world.adam, claim_id=claim.pk, reason=REASON)
    alarms = {alarm.code: alarm for alarm in glance_at(world.pipeline, days=1, now=timezone.now()).alarms}
    assert alarms["break_glass"].title == "Adam took the right to read a claim by break-glass."
    assert alarms["break_glass"].place == str(claim.pk)
    assert "customer" not in alarms["break_glass"].text
    [glass] = claim_life(world.olga, claim.pk).glasses
    assert glass.reason == REASON


def test_the_reason_goes_with_the_claim(world: World) -> None:
    claim = world.claim()
    glass = break_glass(admin=world.adam, claim_id=claim.pk, reason=REASON)
    erased(world, claim)
    glass.refresh_from_db()
    assert "customer" not in glass.reason
    with pytest.raises(PayloadErased):
        break_glass(admin=world.amir, claim_id=claim.pk, reason=REASON)


def test_what_a_reviewer_answered_is_read_again_on_record(world: World) -> None:
    ask(world, "everybody")
    world.claim(confidence=0.3)
    label_next(world.rita)
    assert not viewed()
