"""The demo from first account to last label. Safe to run again: what is there stays, what is missing is made."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from examples.client import ReviewQueue
from examples.quiz_bot import read_questions
from reviewqueue.accounts.models import Scope, Source, User
from reviewqueue.dev.demo import facts as fact_file
from reviewqueue.dev.demo import people as cast
from reviewqueue.dev.demo.day import Day
from reviewqueue.dev.demo.facts import Facts
from reviewqueue.dev.demo.golden import ensure_golden_set
from reviewqueue.dev.demo.pipeline import ensure_pipeline
from reviewqueue.dev.demo.plan import Plan, Reviewers, plan_of
from reviewqueue.pipelines import services as pipelines
from reviewqueue.pipelines.models import Pipeline, Role
from reviewqueue.policy.models import PolicyStatus

Say = Callable[[str], None]

KEYS = {
    "intake": [Scope.INTAKE, Scope.READ],  # read as well: whoever posts wants to see what became of it
    "read": [Scope.READ],
    "outcomes": [Scope.OUTCOMES],
    "webhooks": [Scope.WEBHOOKS],
}
WORKING = ("reviewer1", "reviewer2", "senior")
DAY_KEY = "demo: simulated day"
DRAFT_WITHIN = 40.0


def run_empty(*, url: str, local: Path, say: Say) -> None:
    """One administrator and nothing else."""
    known = fact_file.read(local) or Facts(url)
    user, log_in = cast.user_with_log_in("admin", Role.ADMIN, known.users.get("admin"))
    pipelines.grant(user=user, role=Role.ADMIN, actor=cast.SETUP)
    fact_file.write(local, Facts(url, keys=known.keys, users=known.users | {"admin": log_in}, pipeline=known.pipeline))
    say("There is one account, admin, and no pipeline yet; examples/README.md shows how to make one.")
    say(f"To have the demo instead: python3 manage.py demo --url {url}")


def run(*, url: str, local: Path, say: Say) -> None:
    """The pipeline, its people, a reviewed day, an open queue, and the draft the sweeps make of it.

    The file of log-ins is written last: as long as it is missing, the demo is not complete.
    """
    begun = time.monotonic()
    known = fact_file.read(local) or Facts(url)
    say("Making accounts, keys and the pipeline")
    people, log_ins = _people(known)
    upstream = cast.source("quiz-bot", "Quiz bot")
    pipeline = ensure_pipeline(upstream=upstream, people=people)
    keys = _keys(upstream, people, known)
    questions = read_questions()
    plan = plan_of(questions)
    _play(pipeline, plan, url=url, intake=keys["intake"], people=people, say=say)
    owner, bot = ReviewQueue(url, keys["owner"]), ReviewQueue(url, keys["intake"])
    if ensure_golden_set(owner=owner, bot=bot, plan=plan, questions=questions):
        say("Two models were measured by a golden set")
    fact_file.write(local, Facts(url, keys=keys, users=log_ins, pipeline=pipeline.slug))
    _wait_for_draft(pipeline, say)
    say(f"The demo is ready after {time.monotonic() - begun:.0f} s")


def _people(known: Facts) -> tuple[dict[str, User], dict[str, fact_file.LogIn]]:
    people, log_ins = {}, {}
    for name, role in cast.PEOPLE.items():
        people[name], log_ins[name] = cast.user_with_log_in(name, role, known.users.get(name))
    pipelines.grant(user=people["admin"], role=Role.ADMIN, actor=cast.SETUP)
    return people, log_ins


def _keys(upstream: Source, people: dict[str, User], known: Facts) -> dict[str, str]:
    keys = {
        name: cast.key_text(upstream, f"demo: {name}", scopes, known.keys.get(name)) for name, scopes in KEYS.items()
    }
    keys["review"] = cast.key_text(people["reviewer1"], "demo: review", [Scope.REVIEW], known.keys.get("review"))
    # An owner's: they keep the golden sets. With it policies could be proposed and approved, as owner1 could on a page.
    keys["owner"] = cast.key_text(people["owner1"], "demo: owner", [Scope.ADMIN, Scope.READ], known.keys.get("owner"))
    return keys


def _play(pipeline: Pipeline, plan: Plan, *, url: str, intake: str, people: dict[str, User], say: Say) -> None:
    reviewed, left_open = plan.claims(ends_at=pipeline.created_at)
    with _day_keys([people[name] for name in WORKING]) as keys:
        day = Day(ReviewQueue(url, intake), [ReviewQueue(url, key) for key in keys], Reviewers(plan), say)
        day.play(reviewed)
        day.post(left_open)
    say(f"{len(reviewed)} claims were posted and reviewed, {len(left_open)} wait in the queue")


@contextmanager
def _day_keys(people: list[User]) -> Iterator[list[str]]:
    """Keys with which the simulated reviewers work; they end with the day."""
    try:
        yield [cast.key_text(person, DAY_KEY, [Scope.REVIEW]) for person in people]
    finally:
        for person in people:
            cast.revoke_keys(person, DAY_KEY)


def _wait_for_draft(pipeline: Pipeline, say: Say) -> None:
    """The calibration sweep needs a moment to fit and judge; without a worker there is nothing to wait for."""
    say("Waiting for the sweeps to measure, fit and judge")
    until = time.monotonic() + DRAFT_WITHIN
    drafts = pipeline.policies.filter(status=PolicyStatus.DRAFT, proposed_by__isnull=True)
    while time.monotonic() < until:
        draft = drafts.order_by("number").last()
        if draft is not None:
            say(f"The sweeps propose policy version {draft.number}; owner1 or owner2 can activate it")
            return
        time.sleep(1)
    say("No proposal yet: it comes once the worker has measured the labels")
