"""Policy versions: read, compared, approved by a second person."""

from __future__ import annotations

import re
from typing import Any

import pytest

from calibration.services import measure_bands
from reviewqueue.policy import services as policies
from reviewqueue.policy.models import PolicyVersion
from tests.services.review.steps import label_next
from tests.web.visitor import Visitor, text_of
from tests.world import IDENTITY, POLICY, World

POLICIES = "/pipelines/support-answers/policies/"
LOOSER: dict[str, Any] = {**POLICY, "certainty": 0.9, "calibrators": [IDENTITY]}
EVIDENCE = {
    "calibrator": "isotonic-7",
    "judged_labels": 412,
    "champion": {"name": "stated confidence", "log_loss": 0.41, "brier": 0.12, "auroc": 0.7},
    "candidate": {"name": "isotonic", "log_loss": 0.35, "brier": 0.13, "auroc": 0.7},
    "comparison": {"log_loss_difference": -0.06, "low": -0.09, "high": -0.03, "inputs": 400},
    "bands": [{"band": "0.90-1.00", "accuracy": 0.97, "state": "validated"}],
    "reasons": ["better"],
    "warnings": ["small_segment"],
}


@pytest.fixture
def draft(world: World) -> PolicyVersion:
    return policies.propose(
        pipeline=world.pipeline, document=LOOSER, proposer=world.olga, note="Try it.", evidence=EVIDENCE
    )


def test_the_list_shows_who_proposed_and_who_approved(world: World, draft: PolicyVersion, otto: Visitor) -> None:
    page = text_of(otto.get(POLICIES))
    assert "Version 1" in page
    assert "Version 2" in page
    assert "by Olga" in page
    assert "by Otto" in page


def test_rules_over_signals_are_read_in_words(world: World, olga: Visitor) -> None:
    rule = {"name": "changes its mind", "signal": "attempt_agreement", "below": 0.5, "route": "escalate"}
    world.activate({**POLICY, "rules": [rule]})
    page = text_of(olga.get(f"{POLICIES}2/"))
    rules = re.sub(r"<[^>]+>", "", page[page.index("Rules over signals.") :])
    assert "changes its mind: attempt_agreement below 0.5 or missing" in rules
    assert "can only make the answer of the band stricter" in page


def test_the_rules_can_be_read_as_a_specification(world: World, olga: Visitor) -> None:
    page = text_of(olga.get(f"{POLICIES}1/"))
    assert "category refunds" in page
    assert "workflow legal" in page
    assert "0.90-1.00" in page
    assert "with 95 % certainty, on labels no older than 30 days" in page


def test_a_draft_says_what_it_loosens_and_on_which_figures(world: World, draft: PolicyVersion, otto: Visitor) -> None:
    page = text_of(otto.get(f"{POLICIES}2/"))
    assert "What changes against version 1" in page
    assert "The certainty asked of a measured accuracy: 0.95 becomes 0.9" in page
    assert "looser" in page
    assert "isotonic-7" in page
    assert "0.4100" in page
    assert "better" in page
    assert "worse" in page
    assert "small segment" in page


def test_whoever_proposed_is_told_that_somebody_else_approves(
    world: World, draft: PolicyVersion, olga: Visitor
) -> None:
    page = text_of(olga.get(f"{POLICIES}2/"))
    assert "You proposed this version, so somebody else has to approve it." in page
    assert "Approve and activate" not in page
    refused = olga.post(f"{POLICIES}2/activate/")
    assert refused.status_code == 403
    assert "somebody else has to approve it" in text_of(refused)


def test_a_second_owner_approves_and_the_version_decides(world: World, draft: PolicyVersion, otto: Visitor) -> None:
    assert "Approve and activate" in text_of(otto.get(f"{POLICIES}2/"))
    assert otto.post(f"{POLICIES}2/activate/")["Location"] == f"{POLICIES}2/"
    page = text_of(otto.get(f"{POLICIES}2/"))
    assert "Version 2 decides from now on." in page
    assert "What changes against version 1" in page
    draft.refresh_from_db()
    assert draft.status == "active"


def test_a_rejected_draft_cannot_be_activated_any_more(world: World, draft: PolicyVersion, otto: Visitor) -> None:
    assert otto.post(f"{POLICIES}2/reject/").status_code == 303
    late = otto.post(f"{POLICIES}2/activate/")
    assert late.status_code == 409
    assert "This version is rejected now." in text_of(late)


def test_an_auditor_reads_and_finds_no_buttons(world: World, draft: PolicyVersion, ada: Visitor) -> None:
    page = text_of(ada.get(f"{POLICIES}2/"))
    assert "An owner of this pipeline or an administrator who did not propose it can approve it." in page
    assert "Approve and activate" not in page
    assert "Reject</button>" not in page


def test_a_draft_of_the_sweep_names_the_sweep(world: World, otto: Visitor) -> None:
    policies.propose(pipeline=world.pipeline, document=POLICY, proposer=None)
    assert "the calibration sweep" in text_of(otto.get(f"{POLICIES}2/"))
    assert "the calibration sweep" in text_of(otto.get(POLICIES))


def test_a_draft_shows_what_its_bands_measured(world: World, draft: PolicyVersion, otto: Visitor) -> None:
    world.claim(confidence=0.95)
    label_next(world.rita)
    measure_bands()
    page = text_of(otto.get(f"{POLICIES}2/"))
    assert "Measured under these rules" in page
    assert "<strong>100.0 %</strong>" in page


def test_verifiers_and_what_they_release_are_read_in_words(world: World, olga: Visitor) -> None:
    verifier = {"name": "in <euros>", "kind": "pattern", "pattern": "EUR", "route": "escalate"}
    release = {"verifiers": ["in <euros>"], "route": "accept", "required_accuracy": 0.8, "audit_rate": 0.5}
    low, gray, high = POLICY["bands"]
    world.activate({**POLICY, "bands": [low, {**gray, "release": release}, high], "verifiers": [verifier]})
    for page in (text_of(olga.get(f"{POLICIES}2/")), text_of(olga.get(f"{POLICIES}2/specification/"))):
        assert "<euros>" not in page
        rules = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page[page.index("The rules") :]))
        assert "0.60-0.90+verifiedof these, what verifiers pass" in rules
        assert "in &lt;euros&gt;: regular expression" in rules
        assert "fails or cannot be made: held for a senior" in rules
