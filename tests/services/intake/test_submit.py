"""From a submitted claim to its recorded decision."""

import json
from dataclasses import replace

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from reviewqueue.claims.models import Claim, Decision, new_id
from reviewqueue.claims.recording import MandatoryReviewViolated, NewClaim, record
from reviewqueue.claims.submission import parse_submission
from reviewqueue.errors import Invalid
from reviewqueue.intake import ClaimConflict
from reviewqueue.ledger.models import Event
from reviewqueue.policy.facts import Facts, facts_from_json
from reviewqueue.policy.routing import route
from reviewqueue.policy.selectors import PolicyForged, policy_of, terms_of_source
from reviewqueue.review.models import ReviewTask
from reviewqueue.transactions import one_transaction
from tests.world import IDENTITY, MODEL, POLICY, World

CALIBRATED = {**POLICY, "calibrators": [IDENTITY]}


def test_a_claim_of_an_unmeasured_model_version_is_held_with_band_unvalidated(world: World) -> None:
    decision = world.submit(confidence=0.99).answer["decision"]
    assert decision["route"] == "review"
    assert decision["reasons"][0] == "band_unvalidated"
    assert decision["inclusion_probability"] == 1.0


def test_a_validated_band_of_a_calibrated_model_is_accepted(world: World) -> None:
    world.activate(CALIBRATED)
    world.validate_band()
    answer = world.submit(confidence=0.97).answer
    assert answer["decision"]["route"] == "accept"
    assert answer["decision"]["calibrator"] == "identity-1"
    assert answer["decision"]["inclusion_probability"] == 0.2
    assert answer["status"] == "decided"


def test_another_model_version_is_held_although_the_band_is_validated_for_the_first(world: World) -> None:
    world.activate(CALIBRATED)
    world.validate_band()
    decision = world.submit(confidence=0.97, model_version="2026-11-01").answer["decision"]
    assert decision["route"] == "review"
    assert {"band_unvalidated", "uncalibrated_model"} <= set(decision["reasons"])


def test_a_mandatory_category_is_held_whatever_its_confidence(world: World) -> None:
    world.activate(CALIBRATED)
    world.validate_band()
    decision = world.submit(category="refunds", confidence=1.0).answer["decision"]
    assert decision["route"] == "review"
    assert decision["reasons"][0] == "mandatory_category"


def test_the_database_refuses_to_route_a_mandatory_claim_past_people(world: World) -> None:
    claim = world.claim(category="refunds")
    standing = Decision.objects.get(claim=claim)
    forged = {field.attname: getattr(standing, field.attname) for field in Decision._meta.concrete_fields}
    forged |= {"id": claim.pk, "number": 2, "standing": False, "route": "accept", "band_state": "validated"}
    with pytest.raises(IntegrityError, match="decision_mandatory_goes_to_people"), transaction.atomic():
        Decision.objects.create(**forged)


def test_the_same_external_id_with_the_same_content_gets_the_first_answer(world: World) -> None:
    first = world.submit(external_id="twice", input="q")
    again = world.submit(external_id="twice", input="q")
    assert first.created
    assert not again.created
    assert again.answer == first.answer
    assert Claim.objects.count() == 1


def test_the_same_external_id_with_other_content_names_the_differing_fields(world: World) -> None:
    world.submit(external_id="twice", input="q", confidence=0.5)
    with pytest.raises(ClaimConflict) as conflict:
        world.submit(external_id="twice", input="q", confidence=0.6, output="other")
    assert conflict.value.facts["fields"] == ["confidence", "output"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"pipeline": "elsewhere"}, "/pipeline"),
        ({"category": "Refunds"}, "/category"),
        ({"category": "refunds "}, "/category"),
        ({"category": "re\u0443funds"}, "/category"),
        ({"segments": {"workflow": "LEGAL"}}, "/segments"),
        ({"segments": {"mood": "good"}}, "/segments"),
        ({"supersedes": "0198f0c2-0000-7000-8000-000000000000"}, "/supersedes"),
    ],
)
def test_a_name_the_pipeline_does_not_know_is_refused(world: World, changes: dict[str, object], pointer: str) -> None:
    with pytest.raises(Invalid) as invalid:
        world.submit(**changes)
    assert [problem.pointer for problem in invalid.value.problems] == [pointer]
    assert not Claim.objects.exists()


def test_a_held_claim_has_one_task_and_an_accepted_one_only_when_drawn_for_audit(world: World) -> None:
    world.activate(CALIBRATED)
    world.validate_band()
    answers = [world.submit(confidence=0.97).answer for _ in range(60)]
    sampled = {answer["id"] for answer in answers if answer["decision"]["audit_sampled"]}
    tasks = ReviewTask.objects.values_list("claim_id", "purpose", "blind")
    assert {str(claim) for claim, _, _ in tasks} == sampled
    assert 0 < len(sampled) < 40
    assert {(purpose, blind) for _, purpose, blind in tasks} == {("audit", "score")}


def test_every_decision_replays_from_what_was_stored_with_it(world: World) -> None:
    world.activate(CALIBRATED)
    world.validate_band()
    for confidence in (0.0, 0.3, 0.6, 0.89999999999, 0.9, 1.0):
        world.submit(confidence=confidence)
    for decision in Decision.objects.select_related("policy_version"):
        version = decision.policy_version
        again = route(facts_from_json(decision.facts), policy_of(version.pk, version.document_hash))
        assert (again.route, again.band, list(again.reasons)) == (decision.route, decision.band, decision.reasons)
        assert again.audit_sampled == decision.audit_sampled


def test_the_ledger_entry_holds_no_text_of_the_claim(world: World) -> None:
    claim = world.claim(input="canary input", output="canary output", external_id="canary-id")
    leaf = Event.objects.get(pk=claim.event_id).leaf
    assert "canary" not in leaf
    assert f'"claim":"{claim.pk}"' in leaf


def test_a_claim_and_its_decision_can_be_neither_rewritten_nor_deleted(world: World) -> None:
    claim = world.claim()
    for statement in (
        "UPDATE claims_claim SET confidence = 0.1 WHERE id = %s",
        "UPDATE claims_decision SET route = 'accept' WHERE claim_id = %s",
        "UPDATE claims_claimpayload SET ciphertext = '' WHERE claim_id = %s",
        "UPDATE payloads_payloadkey SET salt = '' WHERE claim_id = %s",
        "DELETE FROM claims_decision WHERE claim_id = %s",
        "DELETE FROM claims_claim WHERE id = %s",
    ):
        with pytest.raises(Exception, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [claim.pk])


def test_the_service_refuses_to_record_a_mandatory_claim_that_would_pass_without_a_person(world: World) -> None:
    submission = parse_submission(world.claim_body(category="refunds"), now=timezone.now())
    terms = terms_of_source(world.source.pk, pipelines={submission.pipeline}, subjects={submission.subject})
    facts = Facts(**MODEL, category="refunds", confidence=0.99, audit_u=0.5, segments={"workflow": "qa"})
    routing = replace(route(facts, terms[submission.pipeline].policy.policy), route="accept")
    forged = NewClaim(new_id(), submission, terms[submission.pipeline], facts, routing, None)
    with pytest.raises(MandatoryReviewViolated), one_transaction():
        record([forged], source=world.source, now=timezone.now())
    assert not Claim.objects.exists()


def test_nothing_is_routed_by_a_policy_document_that_is_not_the_approved_one(world: World) -> None:
    loosened = {**world.policy.document, "mandatory": {"categories": [], "segments": {}, "route": "review"}}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE NONE")
        cursor.execute("SET LOCAL session_replication_role = 'replica'")
        cursor.execute(
            "UPDATE policy_policyversion SET document = %s WHERE id = %s", [json.dumps(loosened), world.policy.pk]
        )
        cursor.execute("SET LOCAL session_replication_role = 'origin'")
        cursor.execute("SET LOCAL ROLE app_web")
    policy_of.cache_clear()
    with pytest.raises(PolicyForged):
        world.submit(category="refunds")
