"""What was there before steps and cases gets the rows that it would have today."""

from __future__ import annotations

from importlib import import_module

from django.db import connection

from reviewqueue.cascade.models import Attempt, Step
from reviewqueue.claims.models import Claim
from tests.services.cascade.steps import cascading, unsure
from tests.world import World

STEPS = import_module("reviewqueue.cascade.migrations.0002_no_claim_waits_for_nothing")
CASES = import_module("reviewqueue.cascade.migrations.0004_cases_that_were_there")


def run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_claims_that_wait_get_their_steps(world: World) -> None:
    world.activate(cascading("ask"))
    unsure(world)
    world.claim(confidence=0.7)
    columns = ("claim", "pipeline", "kind", "attempt", "opened_at", "due_at", "closed_at", "closed_how", "event")
    before = list(Step.objects.values(*columns))
    Step.objects.all().delete()
    run(STEPS.FILL)
    assert list(Step.objects.values(*columns)) == before


def test_claims_that_superseded_others_get_their_places(world: World) -> None:
    world.activate(cascading())
    first = unsure(world)
    second = world.claim(confidence=0.7, supersedes=str(first.pk))
    world.claim(confidence=0.7, supersedes=str(second.pk))
    world.claim(confidence=0.7)
    columns = ("claim", "case", "number", "standing")
    before = list(Attempt.objects.order_by("number").values(*columns))
    Attempt.objects.all().delete()
    Step.objects.filter(claim=first).update(closed_at=None, closed_how="")
    Claim.objects.filter(pk=first.pk).update(status="awaiting_step")
    run(CASES.FILL, CASES.ANSWER)
    assert list(Attempt.objects.order_by("number").values(*columns)) == before
    assert Step.objects.get(claim=first).closed_how == "answered"
    assert Claim.objects.get(pk=first.pk).status == "decided"
