"""The sweep over next steps whose time is over."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from reviewqueue.cascade import tasks
from reviewqueue.cascade.models import Step
from reviewqueue.cascade.services import steps
from reviewqueue.claims.models import Claim, Decision
from reviewqueue.claims.reporting import Report, report_outcome
from reviewqueue.ledger.models import Event
from reviewqueue.operations.models import SweepRun
from reviewqueue.policy import services as policies
from reviewqueue.policy.facts import facts_from_json
from reviewqueue.policy.models import PolicyVersion
from reviewqueue.policy.rerouting import rerouted
from reviewqueue.policy.routing import route
from reviewqueue.policy.selectors import PolicyForged, policy_of
from reviewqueue.review.models import ReviewTask
from tests.services.cascade.steps import cascading, step_of, time_passes, unsure
from tests.services.review.steps import another_pipeline, label_next, ledger_kinds
from tests.world import World

NOTHING = {"categories": [], "segments": {}, "route": "review"}


def test_a_step_that_nobody_answered_in_time_sends_its_claim_to_people(world: World) -> None:
    world.activate(cascading("abstain"))
    claim = unsure(world)
    time_passes(claim, minutes=31)
    assert steps.expire_steps() == 1
    claim.refresh_from_db()
    decision = claim.decisions.get(standing=True)
    assert (claim.status, step_of(claim).closed_how) == ("in_review", "expired")
    assert (decision.number, decision.route, decision.next_step) == (2, "review", None)
    assert decision.reasons == ["step_timeout"]
    assert ledger_kinds(claim.pk) == ["claim.decided", "claim.rerouted", "task.opened"]
    task = ReviewTask.objects.get(claim=claim)
    assert (task.purpose, task.closed_at) == ("review", None)
    assert task.due_at > timezone.now()
    label_next(world.rita)
    claim.refresh_from_db()
    assert claim.status == "settled"


def test_the_draw_stays_as_it_was_and_the_decision_replays(world: World) -> None:
    world.activate(cascading())
    claim = unsure(world)
    time_passes(claim, minutes=31)
    steps.expire_steps()
    first, second = claim.decisions.order_by("number")
    drawn = ("audit_u", "audit_rate", "audit_sampled", "inclusion_probability")
    assert [getattr(first, name) for name in drawn] == [getattr(second, name) for name in drawn]
    version = second.policy_version
    again = route(facts_from_json(second.facts), policy_of(version.pk, version.document_hash))
    replayed = rerouted(first, again)
    assert replayed is not None
    assert (replayed.route, list(replayed.reasons)) == (second.route, second.reasons)
    assert replayed.inclusion_probability == second.inclusion_probability


def test_a_claim_is_routed_again_by_the_version_that_asked_for_the_step(world: World) -> None:
    asked = world.activate(cascading())
    claim = unsure(world)
    world.activate(cascading("ask"))
    time_passes(claim, minutes=31)
    steps.expire_steps()
    assert claim.decisions.get(standing=True).policy_version_id == asked.pk


def test_sweeping_twice_changes_nothing_more_and_what_is_not_due_is_left_alone(world: World) -> None:
    world.activate(cascading())
    over, waiting = unsure(world), unsure(world)
    time_passes(over, minutes=31)
    assert [steps.expire_steps() for _ in range(3)] == [1, 0, 0]
    assert step_of(waiting).closed_at is None
    assert Decision.objects.filter(claim=waiting).count() == 1


def test_a_step_of_a_claim_that_was_settled_from_outside_only_ends(world: World) -> None:
    world.activate(cascading())
    claim = unsure(world)
    report_outcome(source=world.source, claim_id=claim.pk, report=Report(correct=False))
    time_passes(claim, minutes=31)
    assert steps.expire_steps() == 0
    claim.refresh_from_db()
    assert (claim.status, step_of(claim).closed_how) == ("settled", "settled")
    assert not ReviewTask.objects.exists()


def test_a_pipeline_whose_policy_was_tampered_with_does_not_hold_up_the_others(world: World) -> None:
    world.activate(cascading())
    stuck = unsure(world)
    other = another_pipeline(world)
    draft = policies.propose(pipeline=other, document=cascading(mandatory=NOTHING), proposer=world.olga)
    policies.approve_and_activate(version=draft, approver=world.otto)
    free = unsure(world, pipeline=other.slug, category=None, segments={})
    tamper_with(world.policy)
    for claim in (stuck, free):
        time_passes(claim, minutes=31)
    with pytest.raises(PolicyForged):
        steps.expire_steps()
    assert [step_of(claim).closed_how for claim in (stuck, free)] == ["", "expired"]


def tamper_with(version: PolicyVersion) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE NONE")
        cursor.execute("SET LOCAL session_replication_role = 'replica'")
        cursor.execute("UPDATE policy_policyversion SET document = '{}' WHERE id = %s", [version.pk])
        cursor.execute("SET LOCAL session_replication_role = 'origin'")
        cursor.execute("SET LOCAL ROLE app_web")
    policy_of.cache_clear()


def test_many_steps_end_in_few_statements(world: World, django_assert_max_num_queries: Any) -> None:
    world.activate(cascading())
    for _ in range(12):
        unsure(world)
    later = timezone.now() + timedelta(minutes=31)
    with django_assert_max_num_queries(20):
        assert steps.expire_steps(clock=lambda: later) == 12
    assert not Step.objects.filter(closed_at=None).exists()
    assert set(Claim.objects.values_list("status", flat=True)) == {"in_review"}
    assert ReviewTask.objects.count() == 12


def test_the_scheduled_sweep_leaves_a_trace(world: World) -> None:
    world.activate(cascading())
    time_passes(unsure(world), minutes=31)
    tasks.expire_steps()
    assert SweepRun.objects.get(name="cascade.expire_steps").changed == 1
    assert Event.objects.filter(kind="claim.rerouted").count() == 1
