"""What happens on the demo's day: which answers are posted, which of them are reviewed, and how. Pure.

Everything is drawn by hashing, so that a day that was interrupted continues as the same day.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import NormalDist

from examples.client import Json
from examples.quiz_bot import GPT_4O, HAIKU, Model, Question, claim_of

REVIEWED = 800
LEFT_OPEN = 45
UNMEASURED = 15
"""Answers of a model nobody has measured yet; they wait in the queue too."""

SLIP_RATE = 0.01
"""How often a simulated reviewer answers against the truth."""

HOURS = 8.0
TYPICAL_SECONDS = 9.0


@dataclass(frozen=True)
class Plan:
    """`reviewed` is posted and worked off during the day, `left_open` is what the newcomer finds in the queue."""

    reviewed: Sequence[tuple[Question, Model]]
    left_open: Sequence[tuple[Question, Model]]

    def claims(self, *, ends_at: datetime) -> tuple[list[Json], list[Json]]:
        """The bodies of both, with times spread evenly over the day that ended at `ends_at`."""
        posts = [*self.reviewed, *self.left_open]
        begins_at, pause = ends_at - timedelta(hours=HOURS), timedelta(hours=HOURS) / len(posts)
        bodies = [
            claim_of(question, model, occurred_at=begins_at + pause * place)
            for place, (question, model) in enumerate(posts)
        ]
        return bodies[: len(self.reviewed)], bodies[len(self.reviewed) :]


def plan_of(questions: Sequence[Question], *, order: str = "order") -> Plan:
    """One order for all: the first questions are the day's, the next ones stay open, no question comes twice."""
    drawn = sorted(questions, key=lambda question: chance(question, order))
    reviewed, rest = drawn[:REVIEWED], drawn[REVIEWED:]
    left_open = [(question, GPT_4O) for question in rest[:LEFT_OPEN]]
    unmeasured = [(question, HAIKU) for question in rest[LEFT_OPEN:] if HAIKU in question.answers][:UNMEASURED]
    mixed = sorted([*left_open, *unmeasured], key=lambda post: chance(post[0], "queue"))
    return Plan([(question, GPT_4O) for question in reviewed], mixed)


@dataclass(frozen=True)
class Judgement:
    verdict: str
    seconds: float


class Reviewers:
    """Simulated reviewers: they know the truth, slip now and then, and take a plausible time."""

    def __init__(self, plan: Plan) -> None:
        self._questions = {question.text: question for question, _ in plan.reviewed}

    def judge(self, asked: object, output: object) -> Judgement | None:
        """None for a question that is left to the newcomer."""
        question = self._questions.get(str(asked))
        if question is None:
            return None
        slips = chance(question, "slip") < SLIP_RATE
        right = (output == question.truth) != slips
        spread = math.exp(NormalDist(0, 0.5).inv_cdf(0.001 + 0.998 * chance(question, "seconds")))
        return Judgement("correct" if right else "incorrect", round(TYPICAL_SECONDS * spread, 1))


def chance(question: Question, purpose: str) -> float:
    """A number in [0, 1), the same for ever for one question and purpose."""
    digest = hashlib.blake2b(f"demo/{purpose}/{question.item}".encode(), digest_size=7).digest()
    return (int.from_bytes(digest, "big") >> 3) / (1 << 53)
