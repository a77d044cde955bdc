"""What the sweeps will make of the demo's day: computed from its real answers by the real rules, without a server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from calibration.core.labels import in_fit_half
from calibration.evidence import Atom, LabelledClaim, Place, Subject
from calibration.measuring import Measured, measure
from calibration.proposing import Proposal, proposals
from examples.quiz_bot import GPT_4O, read_questions
from reviewqueue.claims.submission import parse_submission
from reviewqueue.dev.demo.pipeline import POLICY
from reviewqueue.dev.demo.plan import Plan, Reviewers, plan_of
from reviewqueue.policy.parsing import parse_policy

MORNING = datetime(2026, 11, 22, 8, tzinfo=UTC)
EVENING = MORNING + timedelta(hours=10)
PLAN = plan_of(read_questions())


def labels_of_the_day(plan: Plan = PLAN) -> list[LabelledClaim]:
    reviewers = Reviewers(plan)
    claims, _ = plan.claims(ends_at=EVENING)
    labels = []
    for (question, model), body in zip(plan.reviewed, claims, strict=True):
        judgement = reviewers.judge(question.text, question.answers[model].output)
        assert judgement is not None
        labels.append(_label(body, judgement.verdict == "correct", place=len(labels)))
    return labels


def _label(body: dict[str, Any], correct: bool, *, place: int) -> LabelledClaim:
    claim = parse_submission(body, now=EVENING)
    subject = Subject(claim.model, claim.model_version, claim.prompt_version or "")
    where = Place(subject, claim.category or "", tuple(sorted(claim.segments.items())), claim.confidence)
    at = MORNING + timedelta(seconds=place)
    return LabelledClaim(where, correct, 0.5, 1.0, claim.fingerprint, at, at + timedelta(seconds=10))


def measured(document: dict[str, Any], labels: list[LabelledClaim], fitted: dict[str, datetime]) -> dict[str, Measured]:
    """By band, and by segment over all bands."""
    rows = measure(parse_policy(document), atoms_of(labels), fitted=fitted, now=EVENING)
    return {row.band or row.segment: row for row in rows if not (row.band and row.segment)}


def atoms_of(labels: list[LabelledClaim]) -> list[Atom]:
    """One atom for each label."""
    seen: set[bytes] = set()
    found = []
    for label in labels:
        fresh = label.fingerprint not in seen
        seen.add(label.fingerprint)
        half, right = in_fit_half(label.fingerprint), int(label.correct)
        at = label.received_at
        found.append(
            Atom(label.place, "", "", False, 1.0, at, half, 1.0, fresh, 1, 1, 1, right, at, at, label.settled_at)
        )
    return found


LABELS = labels_of_the_day()


def fitted_on(labels: list[LabelledClaim]) -> Proposal:
    (proposal,) = proposals(parse_policy(POLICY), labels, wanted={}, attributes=[("category",), ("answer",)])
    return proposal


def test_the_top_band_of_stated_confidence_does_not_keep_its_promise() -> None:
    top = measured(POLICY, LABELS, {})["0.85-1.00"]
    assert top.labelled > 500
    assert top.state != "validated"
    assert top.error_upper > 0.15


def test_answering_no_is_a_clearly_overconfident_segment() -> None:
    no = measured(POLICY, LABELS, {})["answer=no"]
    assert no.mean_confidence is not None
    assert no.mean_confidence - no.estimate.hi > 0.1


@pytest.mark.parametrize("order", ["order", "1", "2", "3", "4", "5"])
def test_in_whatever_order_questions_come_a_calibrator_is_proposed_and_its_top_band_is_measured(order: str) -> None:
    top = after_the_fit(order)
    assert top.labelled > 250
    assert top.gate.labels > 140
    assert top.error_upper < 0.16


def test_in_the_order_of_the_demo_the_top_band_may_decide() -> None:
    assert after_the_fit("order").state == "validated"


def after_the_fit(order: str) -> Measured:
    labels = labels_of_the_day(plan_of(read_questions(), order=order))
    proposal = fitted_on(labels)
    assert proposal.status == "proposed"
    entry = {**proposal.subject._asdict(), "name": "fit-1", "map": proposal.map}
    return measured({**POLICY, "calibrators": [entry]}, labels, {"fit-1": labels[-1].settled_at})["0.85-1.00"]


def test_the_day_is_that_of_one_model() -> None:
    assert {label.place.subject.model for label in LABELS} == {GPT_4O.name}
