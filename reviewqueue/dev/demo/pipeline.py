"""The demo's pipeline and its first policy."""

from __future__ import annotations

from typing import Any, Final

from examples.quiz_bot import ANSWERS, PIPELINE, TOPICS
from reviewqueue.accounts.models import Source, User
from reviewqueue.dev.demo.people import SETUP
from reviewqueue.pipelines import services as pipelines
from reviewqueue.pipelines.models import Pipeline, Role
from reviewqueue.policy import services as policies
from reviewqueue.policy.models import PolicyStatus

QUESTION: Final = "Is the model's answer right?"
GUIDELINE: Final = """\
The input is a question that somebody typed into a search box. The output is the model's answer: true means yes, false \
means no.

Judge the answer as it stands, for the question as it was most likely meant.
- Correct: a good encyclopedia gives the same answer.
- Incorrect: it gives the other one.
- Cannot judge: the question has no yes or no, or you found nothing either way.
Look it up when you are not sure; the address under Evidence starts the search. How sure the model said it was is \
hidden until you have answered, so that it cannot sway you."""

SIGNALS: Final = {
    "token_probability": {
        "family": "internal",
        "elicitation": "logprob",
        "higher_is": "better",
        "description": "The probability of the answer's own token, where the model's provider tells it.",
    },
}

COSTS: Final = {"currency": "EUR", "review": 0.35, "error": 5.0, "steps": {"retry": 0.001, "secondary": 0.004}}

POLICY: Final[dict[str, Any]] = {
    "schema": 1,
    "bands": [
        {"low": 0.0, "high": 0.6, "route": "review"},
        {"low": 0.6, "high": 0.85, "route": "review"},
        {"low": 0.85, "high": 1.0, "route": "accept", "required_accuracy": 0.85, "audit_rate": 0.1},
    ],
    "mandatory": {"categories": ["health"], "segments": {}, "route": "review"},
    "calibrators": [],
    "review": {"lease_minutes": 10, "labels_needed": 1, "due_minutes": 240, "blind": "score", "undo_seconds": 10},
    "sampling": {"epoch": "demo-1"},
}


def ensure_pipeline(*, upstream: Source, people: dict[str, User]) -> Pipeline:
    """The pipeline with everybody's role in it and an active policy."""
    pipeline = Pipeline.objects.filter(slug=PIPELINE).first() or pipelines.create_pipeline(
        slug=PIPELINE,
        name="Yes/no answers",
        description="Answers of language models to questions people typed into a search box (BoolQ).",
        question=QUESTION,
        guideline=GUIDELINE,
        owner=people["owner1"],
        deputy=people["owner2"],
        categories=TOPICS,
        segment_values={"answer": list(ANSWERS.values())},
        review_form={"kind": "judgement", "error_types": ["wrong fact", "misread question", "out of date"]},
        signals=SIGNALS,
        costs=COSTS,
        sources=[upstream],
        actor=SETUP,
    )
    for name in ("reviewer1", "reviewer2"):
        pipelines.grant(user=people[name], role=Role.REVIEWER, pipeline=pipeline, actor=SETUP)
    pipelines.grant(user=people["senior"], role=Role.SENIOR, pipeline=pipeline, actor=SETUP)
    pipelines.grant(user=people["auditor"], role=Role.AUDITOR, actor=SETUP)
    _ensure_policy(pipeline, people)
    return pipeline


def _ensure_policy(pipeline: Pipeline, people: dict[str, User]) -> None:
    """Version 1: proposed by owner1, approved and activated by owner2. Later versions are the owners' business."""
    if pipeline.policies.filter(status=PolicyStatus.ACTIVE).exists():
        return
    draft = pipeline.policies.filter(status=PolicyStatus.DRAFT, proposed_by=people["owner1"]).first()
    draft = draft or policies.propose(
        pipeline=pipeline,
        document=POLICY,
        proposer=people["owner1"],
        note="The start: nothing decides by itself until its accuracy is measured.",
    )
    policies.approve_and_activate(version=draft, approver=people["owner2"])
