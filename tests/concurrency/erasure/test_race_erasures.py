"""Somebody answers, somebody else erases, two people agree at once: nothing readable is ever left over."""

from __future__ import annotations

from reviewqueue.claims.models import Claim
from reviewqueue.erasure import services
from reviewqueue.erasure.models import Erasure
from reviewqueue.errors import DomainError
from reviewqueue.ledger.models import Event
from reviewqueue.payloads.models import ClaimPayload, PayloadKey
from reviewqueue.review.answers import LabelAnswer
from reviewqueue.review.models import ReviewTask
from tests.concurrency.review.test_race_for_leases import at_once
from tests.services.payloads.test_encrypt import tables_with
from tests.services.review.steps import submit, taken
from tests.world import World

CANARY = "canary-c0de"
SAID = LabelAnswer(verdict="incorrect", output=CANARY, note=CANARY)


def asked(world: World, claim: Claim) -> Erasure:
    return services.ask_for_claim(by=world.adam, claim_id=claim.pk, basis="objection")


def test_an_answer_and_an_erasure_that_meet_leave_nothing_readable(committed_world: World) -> None:
    world = committed_world
    for _ in range(4):
        claim = world.claim(confidence=0.5, output=CANARY)
        lease, wish = taken(world.rita), asked(world, claim)
        results = at_once(
            [
                lambda lease=lease: submit(lease, SAID),
                lambda wish=wish: services.decide(by=world.ada, erasure_id=wish.pk, approve=True),
            ]
        )
        assert not [each for each in results if isinstance(each, Exception) and not isinstance(each, DomainError)]
        assert Erasure.objects.get(pk=wish.pk).state == "erased"
        assert not ReviewTask.objects.filter(claim=claim, closed_at=None).exists()
    assert not ClaimPayload.objects.exists()
    assert not PayloadKey.objects.exists()
    assert tables_with(CANARY) == []


def test_two_who_agree_at_once_erase_once(committed_world: World) -> None:
    world = committed_world
    wish = asked(world, world.claim())
    results = at_once(
        [lambda by=by: services.decide(by=by, erasure_id=wish.pk, approve=True) for by in (world.ada, world.sam)]
    )
    assert sorted(type(each).__name__ for each in results) == ["Erasure", "ErasureDecided"]
    assert Event.objects.filter(kind="payload.erased").count() == 1


def test_one_who_agrees_and_one_who_refuses_at_once_are_not_both_heard(committed_world: World) -> None:
    world = committed_world
    wish = asked(world, world.claim())
    results = at_once(
        [
            lambda: services.decide(by=world.ada, erasure_id=wish.pk, approve=True),
            lambda: services.decide(by=world.sam, erasure_id=wish.pk, approve=False),
        ]
    )
    assert sum(isinstance(each, Erasure) for each in results) == 1
    is_erased = Erasure.objects.get(pk=wish.pk).state == "erased"
    assert ClaimPayload.objects.exists() is not is_erased
