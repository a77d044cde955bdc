"""Who takes part: one upstream system, reviewers, two owners, and a pipeline of its own for every scenario."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from examples.client import ReviewQueue
from reviewqueue.accounts import services as accounts
from reviewqueue.accounts.models import Scope, Source, User
from reviewqueue.dev.demo.passwords import new_password
from reviewqueue.dev.simulation.loop import Loop
from reviewqueue.ledger.actors import Actor
from reviewqueue.pipelines import services as pipelines
from reviewqueue.pipelines.models import Role
from reviewqueue.policy import services as policies

SETUP: Final = Actor.system("simulation")
REVIEWERS: Final = 4


@dataclass(frozen=True)
class Cast:
    url: str
    source: Source
    upstream: ReviewQueue
    reader: ReviewQueue
    owners: tuple[User, User]
    reviewers: dict[User, ReviewQueue]

    @classmethod
    def at(cls, url: str) -> Cast:
        source = accounts.create_source(slug="models", name="Models", actor=SETUP)
        owners = (_person("owner1"), _person("owner2"))
        people = [_person(f"reviewer{number + 1}") for number in range(REVIEWERS)]
        return cls(
            url=url,
            source=source,
            upstream=_client(url, source, [Scope.INTAKE]),
            reader=_client(url, source, [Scope.READ]),
            owners=owners,
            reviewers={person: _client(url, person, [Scope.REVIEW]) for person in people},
        )

    def pipeline(self, slug: str, title: str, document: dict[str, Any], say: Callable[[str], None]) -> Loop:
        """A new pipeline, its first policy active, with nothing measured."""
        first, second = self.owners
        pipeline = pipelines.create_pipeline(
            slug=slug,
            name=title,
            question="Is the output right?",
            owner=first,
            deputy=second,
            sources=[self.source],
            actor=SETUP,
        )
        for person in self.reviewers:
            pipelines.grant(user=person, role=Role.REVIEWER, pipeline=pipeline, actor=SETUP)
        draft = policies.propose(pipeline=pipeline, document=document, proposer=first, note="The start.")
        policies.approve_and_activate(version=draft, approver=second)
        return Loop(pipeline, self.upstream, list(self.reviewers.values()), second, say)


def _person(name: str) -> User:
    return User.objects.create_user(name, password=new_password())


def _client(url: str, holder: Source | User, scopes: list[Scope]) -> ReviewQueue:
    return ReviewQueue(url, accounts.issue_key(holder=holder, name="simulation", scopes=scopes, actor=SETUP)[1])
