"""The named cast: a helpdesk that posts answers, the people who review them, and those who answer for it.

rita and ravi review, sam is senior, olga and otto own the pipeline, ada audits, adam and amir administer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from reviewqueue import intake
from reviewqueue.accounts import services as accounts
from reviewqueue.accounts.models import Scope, Source, User
from reviewqueue.claims.models import Claim
from reviewqueue.claims.submission import parse_submission
from reviewqueue.intake import Submitted
from reviewqueue.ledger.actors import Actor
from reviewqueue.pipelines import services as pipelines
from reviewqueue.pipelines.models import Pipeline, Role
from reviewqueue.policy import services as policies
from reviewqueue.policy.models import BandState, PolicyVersion

SETUP = Actor.system("tests")
MODEL = {"model": "acme-lm", "model_version": "2026-10-01", "prompt_version": "v14"}

POLICY: dict[str, Any] = {
    "schema": 1,
    "bands": [
        {"low": 0.0, "high": 0.6, "route": "review", "audit_rate": 1.0},
        {"low": 0.6, "high": 0.9, "route": "review", "audit_rate": 1.0},
        {"low": 0.9, "high": 1.0, "route": "accept", "audit_rate": 0.2, "required_accuracy": 0.9},
    ],
    "mandatory": {"categories": ["refunds"], "segments": {"workflow": ["legal"]}, "route": "review"},
    "calibrators": [],
    "review": {"lease_minutes": 10, "labels_needed": 1, "due_minutes": 240, "blind": "none", "undo_seconds": 10},
    "sampling": {"epoch": "2026-1"},
}

IDENTITY = {"name": "identity-1", "map": {"kind": "identity"}, **MODEL}


@dataclass
class World:
    source: Source
    key: str
    pipeline: Pipeline
    people: dict[str, User]
    policy: PolicyVersion
    counter: int = field(default=0)

    def __getattr__(self, name: str) -> User:
        try:
            return self.__dict__["people"][name]
        except KeyError as missing:
            raise AttributeError(name) from missing

    def claim_body(self, **changes: Any) -> dict[str, Any]:
        """A good claim, each time with the next external_id."""
        self.counter += 1
        return {
            "pipeline": self.pipeline.slug,
            "external_id": f"ticket-{self.counter}",
            "category": "general",
            "segments": {"workflow": "qa"},
            "input": f"What does plan {self.counter} cost?",
            "output": "18 EUR per seat and month.",
            "confidence": 0.95,
            "elicitation": "verbalized_after",
            **MODEL,
            **changes,
        }

    def submit(self, **changes: Any) -> Submitted:
        now = timezone.now()
        return intake.submit(
            source=self.source, submission=parse_submission(self.claim_body(**changes), now=now), now=now
        )

    def claim(self, **changes: Any) -> Claim:
        return Claim.objects.get(pk=self.submit(**changes).answer["id"])

    def activate(self, document: dict[str, Any]) -> PolicyVersion:
        """Proposed by olga and approved by otto; by both administrators when it loosens mandatory review."""
        draft = policies.propose(pipeline=self.pipeline, document=document, proposer=self.olga)
        for approver in (self.adam, self.amir) if draft.loosens_mandatory else (self.otto,):
            self.policy = policies.approve_and_activate(version=draft, approver=approver)
        return self.policy

    def validate_band(self, band: str = "0.90-1.00", state: str = "validated") -> None:
        """Gives a band its state through the service that calibration uses."""
        from reviewqueue.transactions import one_transaction

        with one_transaction():
            policies.set_band_state(version=self.policy, band=band, state=state, figures={"labelled": 400}, **MODEL)
        assert BandState.objects.filter(policy_version=self.policy, band=band, state=state).exists()


def make_world() -> World:
    people = {
        name: make_person(name) for name in ("rita", "ravi", "sam", "olga", "otto", "ada", "adam", "amir", "nora")
    }
    source = accounts.create_source(slug="helpdesk", name="Helpdesk", actor=SETUP)
    _, key = accounts.issue_key(
        holder=source, name="tests", scopes=[Scope.INTAKE, Scope.READ, Scope.OUTCOMES], actor=SETUP
    )
    pipeline = pipelines.create_pipeline(
        slug="support-answers",
        name="Support answers",
        question="Is this answer right?",
        guideline="Prices are those of the current price list.",
        owner=people["olga"],
        deputy=people["otto"],
        categories=["general", "pricing", "refunds"],
        segment_values={"workflow": ["qa", "legal"], "language": ["en", "de"]},
        sources=[source],
        actor=SETUP,
    )
    for name, role in (("rita", Role.REVIEWER), ("ravi", Role.REVIEWER), ("sam", Role.SENIOR)):
        pipelines.grant(user=people[name], role=role, pipeline=pipeline, actor=SETUP)
    pipelines.grant(user=people["ada"], role=Role.AUDITOR, actor=SETUP)
    for name in ("adam", "amir"):
        pipelines.grant(user=people[name], role=Role.ADMIN, actor=SETUP)
    draft = policies.propose(pipeline=pipeline, document=POLICY, proposer=people["olga"])
    active = policies.approve_and_activate(version=draft, approver=people["otto"])
    return World(source=source, key=key, pipeline=pipeline, people=people, policy=active)


def make_person(name: str) -> User:
    """Without a password: tests log people in by force, or set one. nora gets no grant anywhere, the stranger."""
    return User.objects.create_user(username=name, first_name=name.capitalize())
