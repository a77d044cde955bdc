"""A claim that is handed back is waited for, and not for ever."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from reviewqueue.cascade.models import Step
from reviewqueue.claims.models import Claim
from reviewqueue.intake import submit_batch
from tests.services.cascade.steps import STEP_MINUTES, cascading, step_of, unsure
from tests.world import World


def test_a_claim_that_is_handed_back_gets_a_step_with_the_policys_time_limit(world: World) -> None:
    world.activate(cascading("retrieve"))
    claim = unsure(world)
    step = step_of(claim)
    assert (step.kind, step.attempt, step.closed_at, step.closed_how) == ("retrieve", 1, None, "")
    assert step.due_at == claim.received_at + timedelta(minutes=STEP_MINUTES)
    assert step.event_id == claim.event_id


def test_a_claim_that_goes_anywhere_else_gets_none(world: World) -> None:
    world.activate(cascading())
    world.validate_band()
    for confidence in (0.7, 0.95):
        world.claim(confidence=confidence)
    world.claim(confidence=0.5, category="refunds")
    assert not Step.objects.exists()


def test_the_steps_of_a_batch_are_one_statement(world: World) -> None:
    world.activate(cascading())
    bodies = [world.claim_body(confidence=0.5) for _ in range(20)]
    results = submit_batch(source=world.source, bodies=bodies, now=world.policy.activated_at)
    assert {result.status for result in results} == {201}
    assert set(Step.objects.values_list("claim", flat=True)) == set(Claim.objects.values_list("pk", flat=True))


def at_commit(*statements: tuple[str, object]) -> None:
    """These, and then what the database asks at the end of a transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        for statement, claim_id in statements:
            cursor.execute(statement, [claim_id])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE cascade_step SET closed_at = now(), closed_how = 'answered' WHERE claim_id = %s",
        "DELETE FROM cascade_step WHERE claim_id = %s",
    ],
)
def test_the_database_refuses_to_end_the_step_of_a_claim_that_still_waits(world: World, statement: str) -> None:
    world.activate(cascading())
    claim = unsure(world)
    with pytest.raises(IntegrityError, match="no open one"):
        at_commit((statement, claim.pk))
    at_commit((statement, claim.pk), ("UPDATE claims_claim SET status = 'decided' WHERE id = %s", claim.pk))


def test_the_database_refuses_a_claim_that_waits_for_nothing(world: World) -> None:
    held = world.claim()
    with pytest.raises(IntegrityError, match="no open one"):
        at_commit(("UPDATE claims_claim SET status = 'awaiting_step' WHERE id = %s", held.pk))


def test_the_database_refuses_a_second_open_step_and_an_end_without_its_how(world: World) -> None:
    world.activate(cascading())
    step, other = step_of(unsure(world)), step_of(unsure(world))
    with pytest.raises(IntegrityError, match="step_one_open_per_claim"), transaction.atomic():
        Step.objects.filter(pk=other.pk).update(claim=step.claim_id)
    with pytest.raises(IntegrityError, match="step_says_how_it_ended"), transaction.atomic():
        Step.objects.filter(pk=step.pk).update(closed_at=step.due_at)
