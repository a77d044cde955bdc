"""From a draft to the version that decides, and who has to agree on the way."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from reviewqueue.errors import Forbidden, Invalid
from reviewqueue.ledger.models import Event
from reviewqueue.pipelines.models import Grant
from reviewqueue.policy import services as policies
from reviewqueue.policy.models import PolicyStatus, PolicyVersion
from tests.services.policy.steps import LOOSER, OTHER, draft_of, last_entry, third_administrator
from tests.world import POLICY, World


def test_a_version_is_approved_and_then_activated(world: World) -> None:
    draft = draft_of(world)
    approved = policies.approve(version=draft, approver=world.otto)
    assert (approved.status, approved.approved_by) == ("approved", world.otto)
    assert last_entry("policy.approved")["actor"]["role"] == "owner"
    assert last_entry("policy.approved")["one_person"] is False
    active = policies.activate(version=approved, by=world.olga)
    assert active.status == "active"
    world.policy.refresh_from_db()
    assert world.policy.status == "retired"


def test_an_administrator_approves_as_well(world: World) -> None:
    assert policies.approve_and_activate(version=draft_of(world), approver=world.adam).status == "active"
    assert last_entry("policy.approved")["actor"]["role"] == "admin"


def test_nobody_approves_their_own(world: World) -> None:
    with pytest.raises(policies.FourEyes):
        policies.approve(version=draft_of(world), approver=world.olga)


def test_the_database_refuses_an_approval_by_the_proposer(world: World) -> None:
    draft = draft_of(world)
    with pytest.raises(IntegrityError, match="policy_four_eyes"), transaction.atomic():
        PolicyVersion.objects.filter(pk=draft.pk).update(approved_by=world.olga)


def test_an_approved_version_that_is_not_wanted_is_retired(world: World) -> None:
    approved = policies.approve(version=draft_of(world), approver=world.otto)
    retired = policies.retire(version=approved, by=world.olga)
    assert retired.status == "retired"
    assert retired.retired_at is not None
    assert retired.activated_at is None
    with pytest.raises(policies.PolicyNotInState):
        policies.activate(version=retired, by=world.otto)


def test_the_active_version_is_retired_by_nothing_but_another(world: World) -> None:
    with pytest.raises(policies.PolicyNotInState, match="active now"):
        policies.retire(version=world.policy, by=world.otto)


def test_a_draft_from_before_another_version_was_activated_is_outdated(world: World) -> None:
    first, second = draft_of(world), draft_of(world, {**POLICY, "freshness_days": 20})
    policies.approve_and_activate(version=first, approver=world.otto)
    with pytest.raises(policies.PolicyOutdated):
        policies.approve(version=second, approver=world.otto)


def test_an_approved_version_does_not_undo_what_was_activated_meanwhile(world: World) -> None:
    slow = policies.approve(version=draft_of(world), approver=world.otto)
    quick = policies.approve(version=draft_of(world, {**POLICY, "freshness_days": 20}), approver=world.otto)
    policies.activate(version=quick, by=world.otto)
    with pytest.raises(policies.PolicyOutdated):
        policies.activate(version=slow, by=world.otto)


# --- what the caller saw ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["approve", "reject"])
def test_a_step_on_a_draft_needs_the_revision_that_was_seen(world: World, step: str) -> None:
    draft = draft_of(world)
    seen = draft.revision
    policies.approve(version=draft, approver=world.otto, seen=seen)
    who = {"approve": "approver", "reject": "by"}[step]
    with pytest.raises(policies.PolicyMovedOn, match="it is approved now") as stale:
        getattr(policies, step)(version=draft, seen=seen, **{who: world.adam})
    assert stale.value.version.approved_by == world.otto


def test_every_step_of_a_life_is_another_revision(world: World) -> None:
    draft = draft_of(world)
    approved = policies.approve(version=draft, approver=world.otto)
    active = policies.activate(version=approved, by=world.otto, seen=approved.revision)
    assert len({draft.revision, approved.revision, active.revision}) == 3


# --- mandatory review ------------------------------------------------------------------------------------------


def test_loosening_mandatory_review_takes_two_administrators(world: World) -> None:
    draft = draft_of(world, LOOSER)
    assert draft.loosens_mandatory
    half = policies.approve_and_activate(version=draft, approver=world.adam)
    assert (half.status, half.approved_by) == ("draft", world.adam)
    assert half.revision != draft.revision
    full = policies.approve_and_activate(version=draft, approver=world.amir)
    assert (full.status, full.second_approved_by) == ("active", world.amir)
    assert last_entry("policy.approved")["approvals"] == 2
    assert last_entry("policy.activated")["loosens_mandatory"] is True


def test_an_owner_cannot_loosen_mandatory_review(world: World) -> None:
    with pytest.raises(policies.AdministratorsDecide, match="two administrators"):
        policies.approve(version=draft_of(world, LOOSER), approver=world.otto)


def test_one_administrator_is_not_two(world: World) -> None:
    draft = draft_of(world, LOOSER)
    policies.approve(version=draft, approver=world.adam)
    with pytest.raises(policies.FourEyes, match="second administrator"):
        policies.approve(version=draft, approver=world.adam)


def test_the_administrator_who_proposed_it_does_not_count(world: World) -> None:
    with pytest.raises(policies.FourEyes):
        policies.approve(version=draft_of(world, LOOSER, proposer="adam"), approver=world.adam)


def test_an_approval_lapses_with_the_role(world: World) -> None:
    draft = draft_of(world, LOOSER)
    policies.approve(version=draft, approver=world.adam)
    Grant.objects.filter(user=world.adam).delete()
    with pytest.raises(policies.AdministratorsDecide, match="no administrator any more"):
        policies.approve(version=draft, approver=world.amir)


def test_the_database_wants_two_approvals_too(world: World) -> None:
    draft = draft_of(world, LOOSER)
    policies.approve(version=draft, approver=world.adam)
    with pytest.raises(IntegrityError, match="policy_loosening"), transaction.atomic():
        PolicyVersion.objects.filter(pk=draft.pk).update(status=PolicyStatus.APPROVED)
    with pytest.raises(IntegrityError, match="policy_approvals_differ"), transaction.atomic():
        PolicyVersion.objects.filter(pk=draft.pk).update(second_approved_by=world.adam)


def test_the_database_wants_administrators_too(world: World) -> None:
    draft = draft_of(world, LOOSER)
    policies.approve(version=draft, approver=world.adam)
    entry = Event.objects.get(pk=world.policy.event_id)
    with pytest.raises(IntegrityError, match="two administrators"), transaction.atomic():
        PolicyVersion.objects.filter(pk=draft.pk).update(
            status=PolicyStatus.APPROVED, second_approved_by=world.otto, second_approved_event=entry
        )


def test_nobody_can_say_afterwards_that_a_version_loosened_nothing(world: World) -> None:
    draft = draft_of(world, LOOSER)
    with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
        PolicyVersion.objects.filter(pk=draft.pk).update(loosens_mandatory=False)


def test_tightening_mandatory_review_takes_the_usual_second_person(world: World) -> None:
    more = {**POLICY, "mandatory": {"categories": ["refunds", "pricing"], "segments": {"workflow": ["legal"]}}}
    assert not draft_of(world, more).loosens_mandatory


# --- one person ------------------------------------------------------------------------------------------------


def test_one_person_approves_where_an_administrator_allows_it_and_the_version_says_so(world: World) -> None:
    policies.allow_one_person_approval(pipeline=world.pipeline, by=world.adam, note="Olga is alone until June.")
    active = policies.approve_and_activate(version=draft_of(world), approver=world.olga)
    assert (active.status, active.one_person) == ("active", True)
    assert last_entry("policy.approved")["one_person"] is True
    assert "June" not in str(last_entry("policy.one_person_allowed"))


def test_a_second_person_is_still_a_second_person(world: World) -> None:
    policies.allow_one_person_approval(pipeline=world.pipeline, by=world.adam, note="Olga is alone until June.")
    assert policies.approve(version=draft_of(world), approver=world.otto).one_person is False


def test_when_it_ends_it_takes_two_again(world: World) -> None:
    policies.allow_one_person_approval(pipeline=world.pipeline, by=world.adam, note="Olga is alone until June.")
    policies.end_one_person_approval(pipeline=world.pipeline, by=world.amir)
    with pytest.raises(policies.FourEyes):
        policies.approve(version=draft_of(world), approver=world.olga)
    with pytest.raises(policies.OnePersonNotInState):
        policies.end_one_person_approval(pipeline=world.pipeline, by=world.amir)


def test_allowing_it_twice_is_refused_and_so_is_doing_it_without_a_reason(world: World) -> None:
    with pytest.raises(Invalid):
        policies.allow_one_person_approval(pipeline=world.pipeline, by=world.adam, note="  ")
    policies.allow_one_person_approval(pipeline=world.pipeline, by=world.adam, note="Olga is alone until June.")
    with pytest.raises(policies.OnePersonNotInState):
        policies.allow_one_person_approval(pipeline=world.pipeline, by=world.adam, note="Again.")


@pytest.mark.parametrize("name", ["rita", "sam", "olga", "ada", "nora"])
def test_only_an_administrator_switches_it(world: World, name: str) -> None:
    with pytest.raises(Forbidden):
        policies.allow_one_person_approval(pipeline=world.pipeline, by=world.people[name], note="I am alone.")
    with pytest.raises(Forbidden):
        policies.end_one_person_approval(pipeline=world.pipeline, by=world.people[name])


def test_even_then_loosening_mandatory_review_takes_two_administrators(world: World) -> None:
    third_administrator(world)
    policies.allow_one_person_approval(pipeline=world.pipeline, by=world.adam, note="Olga is alone until June.")
    draft = draft_of(world, LOOSER, proposer="alma")
    with pytest.raises(policies.FourEyes, match="two administrators other than you"):
        policies.approve(version=draft, approver=world.people["alma"])
    with pytest.raises(IntegrityError, match="policy_loosening"), transaction.atomic():
        PolicyVersion.objects.filter(pk=draft.pk).update(
            status=PolicyStatus.APPROVED, one_person=True, approved_by=world.people["alma"]
        )


def test_the_reason_and_the_time_of_a_permission_are_never_rewritten(world: World) -> None:
    allowed = policies.allow_one_person_approval(pipeline=world.pipeline, by=world.adam, note="Olga is alone.")
    for change in ("SET note = 'nothing'", "SET allowed_by_id = allowed_by_id"):
        with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE policy_onepersonapproval {change} WHERE id = %s", [allowed.pk])


# --- shadow ----------------------------------------------------------------------------------------------------


def test_one_version_at_a_time_runs_in_shadow(world: World) -> None:
    first, second = draft_of(world), draft_of(world, {**POLICY, "freshness_days": 20})
    run = policies.start_shadow(version=first, by=world.olga)
    assert policies.start_shadow(version=first, by=world.otto) == run
    with pytest.raises(policies.ShadowTaken, match="Version 2"):
        policies.start_shadow(version=second, by=world.olga)
    ended = policies.stop_shadow(version=first, by=world.otto)
    assert (ended.pk, ended.stopped_by) == (run.pk, world.otto)
    assert policies.start_shadow(version=second, by=world.olga).version == second
    assert last_entry("policy.shadow_stopped")["policy_version"] == first.number


def test_what_does_not_run_in_shadow_cannot_be_stopped(world: World) -> None:
    with pytest.raises(policies.PolicyNotInState, match="does not run in shadow"):
        policies.stop_shadow(version=draft_of(world), by=world.olga)


def test_the_active_version_runs_in_no_shadow(world: World) -> None:
    with pytest.raises(policies.PolicyNotInState):
        policies.start_shadow(version=world.policy, by=world.olga)


@pytest.mark.parametrize("ending", ["reject", "activate"])
def test_a_shadow_run_ends_with_the_draft(world: World, ending: str) -> None:
    draft = draft_of(world)
    run = policies.start_shadow(version=draft, by=world.olga)
    if ending == "reject":
        policies.reject(version=draft, by=world.otto)
    else:
        policies.approve_and_activate(version=draft, approver=world.otto)
    run.refresh_from_db()
    assert (run.stopped_by, run.stopped_event_id is not None) == (world.otto, True)


def test_a_draft_of_the_sweep_that_is_withdrawn_leaves_the_shadow(world: World) -> None:
    draft = policies.propose(pipeline=world.pipeline, document=OTHER, proposer=None)
    run = policies.start_shadow(version=draft, by=world.olga)
    with transaction.atomic():
        policies.withdraw(version=draft)
    run.refresh_from_db()
    assert run.stopped_at is not None
    assert run.stopped_by is None
