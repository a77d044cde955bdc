"""From a posted claim to its recorded decision, as an upstream system sees it."""

from __future__ import annotations

from reviewqueue.accounts import services as accounts
from reviewqueue.claims.models import Claim
from reviewqueue.review.models import ReviewTask
from tests.api.caller import Caller, assert_problem, key_for, row_counts
from tests.world import IDENTITY, MODEL, POLICY, SETUP, World

CALIBRATED = {**POLICY, "calibrators": [IDENTITY]}


def test_a_new_claim_is_201_and_answers_with_its_decision(helpdesk: Caller, world: World) -> None:
    response = helpdesk.post("/claims", world.claim_body(external_id="ticket-1/answer-1"))
    assert response.status_code == 201
    answer = response.json()
    assert set(answer) == {
        "id",
        "external_id",
        "pipeline",
        "status",
        "decision",
        "outcome",
        "received_at",
        "links",
    }
    assert set(answer["decision"]) == {
        "route",
        "next_step",
        "band",
        "confidence",
        "calibrated_confidence",
        "reasons",
        "policy_version",
        "calibrator",
        "audit_sampled",
        "inclusion_probability",
        "decided_at",
    }
    assert answer["status"] == "in_review"
    assert answer["decision"]["reasons"] == ["band_unvalidated", "uncalibrated_model"]
    assert helpdesk.get(f"/claims/{answer['id']}").json() == answer


def test_the_same_claim_again_is_200_with_the_first_answer_to_the_byte(helpdesk: Caller, world: World) -> None:
    # B34
    body = world.claim_body()
    first = helpdesk.post("/claims", body)
    again = helpdesk.post("/claims", dict(reversed(body.items())))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.content == first.content
    assert Claim.objects.count() == 1


def test_the_first_answer_is_repeated_whatever_has_happened_since(helpdesk: Caller, world: World) -> None:
    body = world.claim_body()
    first = helpdesk.post("/claims", body)
    helpdesk.post(f"/claims/{first.json()['id']}/outcome", {"correct": False})
    assert helpdesk.post("/claims", body).content == first.content
    assert helpdesk.get(f"/claims/{first.json()['id']}").json()["status"] == "settled"


def test_other_content_under_the_same_external_id_is_409_and_names_the_fields(helpdesk: Caller, world: World) -> None:
    # B35
    body = world.claim_body()
    helpdesk.post("/claims", body)
    before = row_counts()
    changed = helpdesk.post("/claims", {**body, "confidence": 0.5, "output": "canary", "metadata": {"a": 1}})
    problem = assert_problem(changed, 409, "claim_conflict")
    assert problem["fields"] == ["confidence", "metadata", "output"]
    assert "canary" not in changed.content.decode()
    assert row_counts() == before


def test_a_claim_of_another_source_is_404(helpdesk: Caller, world: World) -> None:
    other = accounts.create_source(slug="other", name="Other", actor=SETUP)
    world.pipeline.sources.add(other)
    stranger = Caller(key_for(other, "intake", "read", "outcomes"))
    claim = world.claim(external_id="shared")
    path = f"/claims/{claim.pk}"
    missing = assert_problem(stranger.get("/claims/0198f0c2-0000-7000-8000-000000000000"), 404)
    hidden = assert_problem(stranger.get(path), 404)
    assert {**missing, "instance": ""} == {**hidden, "instance": ""}
    assert_problem(stranger.post(f"{path}/outcome", {"correct": True}), 404)
    assert stranger.get("/claims").json()["results"] == []
    assert stranger.post("/claims", world.claim_body(external_id="shared")).status_code == 201


def test_a_preview_decides_and_stores_nothing(helpdesk: Caller, world: World) -> None:
    world.activate(CALIBRATED)
    world.validate_band()
    before = row_counts()
    previews = [helpdesk.post("/claims/preview", world.claim_body(confidence=0.97)) for _ in range(12)]
    assert {preview.status_code for preview in previews} == {200}
    decisions = [preview.json()["decision"] for preview in previews]
    assert all({**decision, "decided_at": None} == {**decisions[0], "decided_at": None} for decision in decisions)
    assert not any(decision["audit_sampled"] for decision in decisions)
    assert (decisions[0]["route"], decisions[0]["band"]) == ("accept", "0.90-1.00")
    assert decisions[0]["inclusion_probability"] == 0.2
    assert row_counts() == before


def test_a_preview_refuses_what_a_submission_would(helpdesk: Caller, world: World) -> None:
    assert_problem(helpdesk.post("/claims/preview", world.claim_body(confidence=7)), 422)
    assert_problem(helpdesk.post("/claims/preview", world.claim_body(category="nope")), 422)


def test_hostile_text_comes_back_as_it_was_sent(helpdesk: Caller, world: World) -> None:
    output = "<script>alert(1)</script> \u202e {{7*7}} ${jndi:x} =1+1 \U0001f600"
    answer = helpdesk.post("/claims", world.claim_body(output=output, metadata={"k": output})).json()
    assert Claim.objects.get(pk=answer["id"]).payload.content["output"] == output


def test_a_claim_that_supersedes_another_names_one_of_its_own_source(helpdesk: Caller, world: World) -> None:
    first = helpdesk.post("/claims", world.claim_body()).json()
    second = helpdesk.post("/claims", world.claim_body(supersedes=first["id"])).json()
    assert str(Claim.objects.get(pk=second["id"]).supersedes_id) == first["id"]


def test_a_moment_is_the_same_whatever_its_offset(helpdesk: Caller, world: World) -> None:
    body = world.claim_body(occurred_at="2026-01-01T00:00:00Z")
    assert helpdesk.post("/claims", body).status_code == 201
    for spelled in ("2026-01-01T19:04:00+19:04", "2025-12-31T00:01:00-23:59"):  # no database time has such an offset
        assert helpdesk.post("/claims", {**body, "occurred_at": spelled}).status_code == 200


def test_reading_a_claim_takes_a_few_queries(helpdesk: Caller, world: World, django_assert_max_num_queries) -> None:
    claim = world.claim()
    helpdesk.get("/claims")
    with django_assert_max_num_queries(5):
        helpdesk.get(f"/claims/{claim.pk}")


def test_submitting_takes_a_bounded_number_of_queries(
    helpdesk: Caller, world: World, django_assert_max_num_queries
) -> None:
    helpdesk.post("/claims", world.claim_body(**MODEL))
    with django_assert_max_num_queries(21):
        helpdesk.post("/claims", world.claim_body())
    assert ReviewTask.objects.count() == 2
