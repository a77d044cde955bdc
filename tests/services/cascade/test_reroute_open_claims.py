"""A policy that becomes active also holds what is not final yet, and only ever more strictly."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from reviewqueue.cascade import tasks
from reviewqueue.cascade.models import Rerouting
from reviewqueue.cascade.services import rerouting
from reviewqueue.claims.models import Claim, Decision, new_id
from reviewqueue.claims.reporting import MandatoryReview, Report, report_outcome
from reviewqueue.operations.models import SweepRun
from reviewqueue.policy.facts import facts_from_json
from reviewqueue.policy.models import PolicyVersion
from reviewqueue.policy.rerouting import rerouted
from reviewqueue.policy.routing import route
from reviewqueue.policy.selectors import policy_of
from reviewqueue.review.models import Lease, ReviewTask
from reviewqueue.review.services import leases
from tests.services.cascade.steps import cascading, step_of, unsure
from tests.services.review.steps import RIGHT, label_next, ledger_kinds, run_out, submit, taken
from tests.world import POLICY, World

EVERYTHING_MANDATORY = {"categories": ["general", "pricing", "refunds"], "segments": {}, "route": "review"}
FOR_SENIORS = {**EVERYTHING_MANDATORY, "route": "escalate"}


def standing(claim: Claim) -> Decision:
    return claim.decisions.get(standing=True)


def escalating() -> dict[str, Any]:
    return cascading(mandatory=FOR_SENIORS)


def test_a_claim_that_waits_goes_to_people_when_its_category_becomes_mandatory(world: World) -> None:
    world.activate(cascading())
    claim = unsure(world)
    version = world.activate(cascading(mandatory=EVERYTHING_MANDATORY))
    assert rerouting.reroute_open_claims() == 1
    claim.refresh_from_db()
    decision = standing(claim)
    assert (claim.status, step_of(claim).closed_how) == ("in_review", "rerouted")
    assert (decision.number, decision.route, decision.mandatory) == (2, "review", True)
    assert (decision.reasons, decision.policy_version_id) == (["mandatory_category"], version.pk)
    assert ledger_kinds(claim.pk) == ["claim.decided", "claim.rerouted", "task.opened"]
    with pytest.raises(MandatoryReview):
        report_outcome(source=world.source, claim_id=claim.pk, report=Report(correct=True))


def test_a_claim_in_review_becomes_mandatory_and_keeps_its_task(world: World) -> None:
    claim = world.claim(confidence=0.7)
    (task,) = ReviewTask.objects.all()
    world.activate({**POLICY, "mandatory": EVERYTHING_MANDATORY})
    rerouting.reroute_open_claims()
    assert standing(claim).mandatory
    assert [each.pk for each in ReviewTask.objects.filter(claim=claim)] == [task.pk]
    label_next(world.rita)
    claim.refresh_from_db()
    assert claim.status == "settled"


def test_nothing_is_loosened(world: World) -> None:
    world.activate(escalating())
    claim = world.claim(confidence=0.7)
    before = standing(claim)
    world.activate({**POLICY, "mandatory": {**EVERYTHING_MANDATORY, "categories": []}})
    assert rerouting.reroute_open_claims() == 0
    assert standing(claim) == before
    assert Decision.objects.count() == 1


def test_what_was_released_or_settled_stays_as_it_is(world: World) -> None:
    world.activate(cascading(bands=[*cascading()["bands"][:2], {**POLICY["bands"][2], "audit_rate": 0.0001}]))
    world.validate_band()
    released = world.claim(confidence=0.97)
    settled = world.claim(confidence=0.7)
    label_next(world.rita)
    world.activate(escalating())
    rerouting.reroute_open_claims()
    assert [standing(claim).number for claim in (released, settled)] == [1, 1]
    assert not standing(released).mandatory


def test_an_untouched_task_becomes_an_escalation(world: World) -> None:
    claim = world.claim(confidence=0.7)
    world.activate(escalating())
    rerouting.reroute_open_claims()
    task = ReviewTask.objects.get(claim=claim)
    assert task.purpose == "escalation"
    assert [(slot.purpose, slot.seniors_only) for slot in task.slots.all()] == [("escalation", True)]
    assert not isinstance(leases.take(reviewer=world.rita), Lease)
    assert submit(taken(world.sam), RIGHT).outcome is not None


@pytest.mark.parametrize("ran_out", [False, True])
def test_who_holds_the_task_may_finish_and_a_senior_looks_too(world: World, ran_out: bool) -> None:
    claim = world.claim(confidence=0.7)
    lease = taken(world.rita)
    if ran_out:
        run_out(lease)
    world.activate(escalating())
    rerouting.reroute_open_claims()
    lease.refresh_from_db()
    assert (lease.ended_at, standing(claim).route) == (None, "escalate")
    assert submit(lease).outcome is None
    assert not isinstance(leases.take(reviewer=world.ravi), Lease)
    assert submit(taken(world.sam)).outcome is not None
    assert ReviewTask.objects.get(claim=claim).labels_needed == 2


def test_more_labels_are_asked_for_where_the_new_version_wants_more(world: World) -> None:
    claim = world.claim(confidence=0.7)
    lease = taken(world.rita)
    world.activate({**POLICY, "review": {**POLICY["review"], "labels_needed": 2}})
    rerouting.reroute_open_claims()
    assert submit(lease).outcome is None
    assert label_next(world.ravi).outcome is not None
    assert standing(claim).number == 2


def test_the_draw_stays_and_every_decision_replays(world: World) -> None:
    world.activate(cascading())
    claims = [unsure(world), world.claim(confidence=0.7), world.claim(confidence=0.97)]
    world.activate(escalating())
    rerouting.reroute_open_claims()
    for claim in claims:
        first, second = claim.decisions.select_related("policy_version").order_by("number")
        drawn = ("audit_u", "audit_rate", "audit_sampled", "inclusion_probability")
        assert [getattr(first, name) for name in drawn] == [getattr(second, name) for name in drawn]
        version = second.policy_version
        again = route(facts_from_json(second.facts), policy_of(version.pk, version.document_hash))
        replayed = rerouted(first, again)
        assert replayed is not None
        assert (replayed.route, list(replayed.reasons), replayed.band, replayed.mandatory) == (
            second.route,
            second.reasons,
            second.band,
            second.mandatory,
        )


def test_a_run_goes_on_where_the_last_one_ended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rerouting, "BATCH", 2)
    claims = [world.claim(confidence=0.7) for _ in range(5)]
    version = world.activate(escalating())
    assert rerouting._reroute_batch(version=version, now=timezone.now()) == (2, 2)
    assert [standing(claim).number for claim in claims] == [2, 2, 1, 1, 1]
    assert rerouting.reroute_open_claims() == 3
    progress = Rerouting.objects.get(version=version)
    assert (progress.looked_at, progress.changed) == (5, 5)
    assert progress.finished_at is not None
    assert rerouting.reroute_open_claims() == 0


def test_all_are_looked_at_once_more_for_those_that_were_on_their_way_in(world: World) -> None:
    version = world.activate(escalating())
    rerouting.reroute_open_claims()
    claim = world.claim(confidence=0.7)
    as_if_routed_before(version, claim)
    assert rerouting.reroute_open_claims() == 0
    later = version.activated_at + timedelta(minutes=21)
    assert rerouting.reroute_open_claims(clock=lambda: later) == 1
    assert rerouting.reroute_open_claims(clock=lambda: later) == 0
    assert standing(claim).route == "escalate"


def as_if_routed_before(version: PolicyVersion, claim: Claim) -> None:
    """As if the claim had been decided before the version became active, and only its commit had come later."""
    decision = standing(claim)
    row = {field.attname: getattr(decision, field.attname) for field in Decision._meta.concrete_fields}
    Decision.objects.filter(pk=decision.pk).update(standing=False)
    before = {"policy_version_id": None, "route": "review", "mandatory": False, "event_id": version.event_id}
    Decision.objects.create(**row | before | {"id": new_id(), "number": 2})


def test_looking_at_many_claims_takes_few_statements(world: World, django_assert_max_num_queries: Any) -> None:
    world.activate(cascading())
    for _ in range(20):
        unsure(world)
    world.activate(cascading(mandatory=EVERYTHING_MANDATORY))
    with django_assert_max_num_queries(32):
        assert rerouting.reroute_open_claims() == 20


def test_the_scheduled_sweep_leaves_a_trace(world: World) -> None:
    world.claim(confidence=0.7)
    world.activate(escalating())
    tasks.reroute_open_claims()
    assert SweepRun.objects.get(name="cascade.reroute_open_claims").changed == 1
