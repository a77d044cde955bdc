"""What was said in a claim goes for good when two persons agree; its record and its proofs stay."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from reviewqueue.cascade.services.steps import expire_steps
from reviewqueue.claims.models import Claim, ClaimStatus, Outcome
from reviewqueue.claims.repeats import ClaimConflict
from reviewqueue.claims.reporting import Report, report_outcome
from reviewqueue.claims.selectors import contents_of
from reviewqueue.claims.services import PayloadErased
from reviewqueue.erasure import services
from reviewqueue.erasure.models import Erasure
from reviewqueue.erasure.selectors import erasure_of
from reviewqueue.erasure.services import ErasureDecided
from reviewqueue.errors import Forbidden, Invalid, NotFound
from reviewqueue.ledger.models import Event
from reviewqueue.ledger.services import seal
from reviewqueue.ledger.verify import verify
from reviewqueue.payloads.models import ClaimPayload, PayloadKey
from reviewqueue.payloads.selectors import opened
from reviewqueue.pipelines import services as pipelines
from reviewqueue.pipelines.models import Role
from reviewqueue.review.answers import LabelAnswer
from reviewqueue.review.gold import GoldItem
from reviewqueue.review.models import Label, Lease, ReviewSlot, ReviewTask
from reviewqueue.review.services.gold_set import Known, import_known
from reviewqueue.review.services.labels import revise_label, submit_label
from tests.services.cascade.steps import cascading, unsure
from tests.services.erasure.steps import erased
from tests.services.ledger.cast import prepare_sealing
from tests.services.payloads.test_encrypt import tables_with
from tests.services.review.steps import RIGHT, another_pipeline, submit, taken
from tests.world import SETUP, World

pytestmark = pytest.mark.django_db

CANARY = "canary-91b2"
WRONG = LabelAnswer(verdict="incorrect", output=f"{CANARY} is right", note=f"{CANARY} noted")


def held_claim(world: World, **said: Any) -> Claim:
    return world.claim(**{"confidence": 0.5, "input": f"in {CANARY}", "output": f"out {CANARY}", **said})


def test_nothing_that_was_said_is_left_in_any_table(world: World) -> None:
    claim = held_claim(world)
    submit(taken(world.rita), WRONG)
    assert contents_of([claim.pk])
    erased(world, claim)
    assert contents_of([claim.pk]) == {}
    assert opened([claim.pk]) == {}
    assert not ClaimPayload.objects.filter(pk=claim.pk).exists()
    assert not PayloadKey.objects.filter(pk=claim.pk).exists()
    assert tables_with(CANARY) == []


def test_the_record_stays(world: World) -> None:
    claim = held_claim(world)
    label = submit(taken(world.rita), WRONG).label
    erased(world, claim)
    kept = Label.objects.get(pk=label.pk)
    assert (kept.verdict, kept.output, kept.note) == ("incorrect", None, "")
    outcome = Outcome.objects.get(claim=claim)
    assert (outcome.correct, outcome.output) == (False, None)
    assert Claim.objects.get(pk=claim.pk).status == ClaimStatus.SETTLED


def test_the_ledger_names_both_persons_and_why_and_still_verifies(world: World, settings: Any, tmp_path: Path) -> None:
    key = prepare_sealing(settings, tmp_path)
    claim = held_claim(world)
    submit(taken(world.rita), WRONG)
    seal()
    erasure = erased(world, claim)
    seal()
    assert erasure.event_id
    body = json.loads(Event.objects.get(pk=erasure.event_id).leaf)["body"]
    assert body["actor"] == {"kind": "user", "id": str(world.adam.pseudonym), "role": "admin"}
    assert body["second_approver"] == str(world.ada.pseudonym)
    assert (body["basis"], body["payload"], body["claim"]) == ("objection", str(claim.pk), str(claim.pk))
    report = verify(keys=[key])
    assert report.sound, report.findings


def test_nobody_erases_alone(world: World) -> None:
    claim = held_claim(world)
    wish = services.ask_for_claim(by=world.adam, claim_id=claim.pk, basis="objection")
    with pytest.raises(Forbidden):
        services.decide(by=world.adam, erasure_id=wish.pk, approve=True)
    assert contents_of([claim.pk])


@pytest.mark.parametrize(
    ("name", "refusal"), [("rita", Forbidden), ("sam", Forbidden), ("olga", Forbidden), ("ada", Forbidden),
                          ("nora", Forbidden)],
)  # fmt: skip
def test_only_an_admin_asks(world: World, name: str, refusal: type[Exception]) -> None:
    claim = held_claim(world)
    with pytest.raises(refusal):
        services.ask_for_claim(by=getattr(world, name), claim_id=claim.pk, basis="objection")


@pytest.mark.parametrize(
    ("name", "refusal"), [("amir", Forbidden), ("rita", NotFound), ("olga", NotFound), ("nora", NotFound)]
)
def test_only_an_auditor_or_a_senior_of_the_pipeline_agrees(world: World, name: str, refusal: type[Exception]) -> None:
    wish = services.ask_for_claim(by=world.adam, claim_id=held_claim(world).pk, basis="objection")
    with pytest.raises(refusal):
        services.decide(by=getattr(world, name), erasure_id=wish.pk, approve=True)


def test_a_senior_of_the_pipeline_agrees(world: World) -> None:
    claim = held_claim(world)
    assert erased(world, claim, agreed=world.sam).state == "erased"
    assert contents_of([claim.pk]) == {}


def test_a_senior_of_another_pipeline_sees_nothing(world: World) -> None:
    stranger = world.nora
    pipelines.grant(user=stranger, role=Role.SENIOR, pipeline=another_pipeline(world), actor=SETUP)
    wish = services.ask_for_claim(by=world.adam, claim_id=held_claim(world).pk, basis="objection")
    with pytest.raises(NotFound):
        services.decide(by=stranger, erasure_id=wish.pk, approve=True)


def test_what_was_refused_stays_and_may_be_asked_for_again(world: World) -> None:
    claim = held_claim(world)
    wish = services.ask_for_claim(by=world.adam, claim_id=claim.pk, basis="objection")
    services.decide(by=world.ada, erasure_id=wish.pk, approve=False)
    assert contents_of([claim.pk])
    with pytest.raises(ErasureDecided):
        services.decide(by=world.ada, erasure_id=wish.pk, approve=True)
    assert erased(world, claim).state == "erased"


def test_it_is_asked_for_once_and_with_a_known_basis(world: World) -> None:
    claim = held_claim(world)
    for basis in ("", "because", "retention"):
        with pytest.raises(Invalid):
            services.ask_for_claim(by=world.adam, claim_id=claim.pk, basis=basis)
    services.ask_for_claim(by=world.adam, claim_id=claim.pk, basis="objection")
    with pytest.raises(ErasureDecided):
        services.ask_for_claim(by=world.amir, claim_id=claim.pk, basis="unlawful")


def test_work_on_it_ends(world: World) -> None:
    claim = held_claim(world)
    lease = taken(world.rita)
    erased(world, claim)
    assert not ReviewTask.objects.filter(claim=claim, closed_at=None).exists()
    assert not ReviewSlot.objects.filter(task__claim=claim, done=False).exists()
    assert not Lease.objects.filter(pk=lease.pk, ended_at=None).exists()
    with pytest.raises(PayloadErased):
        submit_label(reviewer=world.rita, lease_id=lease.pk, answer=RIGHT)
    assert Claim.objects.get(pk=claim.pk).status == ClaimStatus.ERASED


def test_a_label_is_not_changed_any_more(world: World) -> None:
    claim = held_claim(world)
    label = submit(taken(world.rita)).label
    erased(world, claim)
    with pytest.raises(PayloadErased):
        revise_label(reviewer=world.rita, label_id=label.pk, answer=WRONG, reason="slip")


def test_nothing_is_reported_about_it_any_more(world: World) -> None:
    claim = held_claim(world, confidence=0.95)
    erased(world, claim)
    with pytest.raises(PayloadErased):
        report_outcome(source=world.source, claim_id=claim.pk, report=Report(correct=False, output=CANARY))


def test_its_name_stays_taken(world: World) -> None:
    body = world.claim_body()
    claim = world.claim(**body)
    erased(world, claim)
    with pytest.raises(ClaimConflict, match="erased"):
        world.submit(**body)


def test_a_later_attempt_may_still_supersede_it(world: World) -> None:
    claim = held_claim(world)
    erased(world, claim)
    assert world.claim(supersedes=str(claim.pk))


def test_the_database_lets_no_payload_go_without_an_erasure(world: World) -> None:
    claim = held_claim(world)
    for table in ("claims_claimpayload", "payloads_payloadkey"):
        with pytest.raises(Exception, match="no erasure"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table} WHERE claim_id = %s", [claim.pk])


def test_before_it_is_erased_words_are_never_changed_and_afterwards_only_emptied(world: World) -> None:
    claim = held_claim(world)
    submit(taken(world.rita), WRONG)
    changes = [
        "UPDATE review_label SET words = NULL WHERE claim_id = %s",
        "UPDATE claims_outcome SET words = NULL WHERE claim_id = %s",
        "UPDATE claims_claim SET content_hash = '' WHERE id = %s",
    ]
    refused(changes, claim)
    erased(world, claim)
    refused(
        [
            "UPDATE review_label SET words = 'other words' WHERE claim_id = %s",
            "UPDATE review_label SET verdict = 'correct' WHERE claim_id = %s",
            "UPDATE claims_outcome SET words = '1' WHERE claim_id = %s",
            "UPDATE claims_claim SET confidence = 0.1 WHERE id = %s",
        ],
        claim,
    )


def refused(statements: list[str], claim: Claim) -> None:
    for statement in statements:
        with pytest.raises(Exception, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [claim.pk])


def test_a_claim_that_waits_for_a_next_step_waits_no_longer(world: World) -> None:
    world.activate(cascading())
    claim = unsure(world)
    erased(world, claim)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert Claim.objects.get(pk=claim.pk).status == ClaimStatus.ERASED
    assert expire_steps(clock=lambda: timezone.now() + timedelta(days=30)) == 0


def test_it_is_told_by_whom_and_when(world: World) -> None:
    claim = held_claim(world)
    assert erasure_of(claim.pk) is None
    erased(world, claim)
    done = erasure_of(claim.pk)
    assert isinstance(done, Erasure)
    assert (done.requested_by, done.decided_by) == (world.adam, world.ada)


def test_it_is_no_gold_task_any_more(world: World) -> None:
    claim = world.claim()
    import_known(pipeline=world.pipeline, known=[Known(claim.external_id, correct=False, output=CANARY)], by=world.olga)
    erased(world, claim)
    item = GoldItem.objects.get(claim=claim)
    assert item.retired_at is not None
    assert item.output is None
