"""Questions about cases and next steps."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Count, Min

from reviewqueue.cascade.agreement import agreement, answer_hash
from reviewqueue.cascade.models import Attempt, HandlerCall, SecondaryHandler, Step
from reviewqueue.payloads.selectors import STORED, content_in, contents
from reviewqueue.pipelines.models import Pipeline


@dataclass(frozen=True, slots=True)
class CaseSoFar:
    """A claim that another one is to supersede, and the case they belong to, before the newcomer.

    `number` is the claim's place in the case, `stands` says whether nothing superseded it yet, and `mandatory` whether
    any attempt had to go to a person. `salt` is that of the first payload, None when it was erased.
    """

    claim_id: UUID
    case_id: UUID
    pipeline_id: int
    number: int
    stands: bool
    in_chain: bool
    mandatory: bool
    salt: bytes | None
    answers: tuple[bytes | None, ...]

    def answer(self, output: object) -> bytes | None:
        return answer_hash(self.salt, output) if self.salt else None

    def agreement(self, output: object) -> float | None:
        """How far the earlier attempts say the same as `output`."""
        own = self.answer(output)
        return agreement(own, self.answers) if own else None


def so_far(claims: Collection[UUID]) -> dict[UUID, CaseSoFar]:
    """The cases of these claims. One statement, and one more that reads the outputs of first attempts."""
    if not claims:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_SO_FAR, [list(claims)])
        rows = cursor.fetchall()
    first_answers = _first_answers({row[0]: row[7] for row in rows if not row[5] and row[7]})
    return {row[0]: _case(row, first_answers) for row in rows}


# Aggregates, because the planner would read whole tables for EXISTS.
_SO_FAR: Final = """
    SELECT claim.id, coalesce(attempt.case_id, claim.id), claim.pipeline_id, coalesce(attempt.number, 1),
           coalesce(attempt.standing, true), attempt.claim_id IS NOT NULL,
           coalesce(own.mandatory, false) OR coalesce(earlier.mandatory, false), key.salt, earlier.answers
      FROM claims_claim AS claim
      LEFT JOIN cascade_attempt AS attempt ON attempt.claim_id = claim.id
      LEFT JOIN payloads_payloadkey AS key ON key.claim_id = coalesce(attempt.case_id, claim.id)
     CROSS JOIN LATERAL (
           SELECT bool_or(mandatory) AS mandatory FROM claims_decision WHERE claim_id = claim.id) AS own
     CROSS JOIN LATERAL (
           SELECT array_agg(member.answer) AS answers, bool_or(decided.mandatory) AS mandatory
             FROM cascade_attempt AS member
            CROSS JOIN LATERAL (SELECT bool_or(mandatory) AS mandatory
                                  FROM claims_decision WHERE claim_id = member.claim_id) AS decided
            WHERE member.case_id = attempt.case_id) AS earlier
     WHERE claim.id = ANY(%s)"""


def _first_answers(salts: dict[UUID, bytes]) -> dict[UUID, bytes]:
    """The answers of claims that nothing superseded yet, read a few at a time: outputs can be long."""
    return {pk: answer_hash(bytes(salts[pk]), content["output"]) for pk, content in contents(salts)}


def _case(row: tuple[Any, ...], first_answers: dict[UUID, bytes]) -> CaseSoFar:
    claim_id, case_id, pipeline_id, number, stands, in_chain, mandatory, salt, answers = row
    return CaseSoFar(
        claim_id=claim_id,
        case_id=case_id,
        pipeline_id=pipeline_id,
        number=number,
        stands=stands,
        in_chain=in_chain,
        mandatory=mandatory,
        salt=bytes(salt) if salt else None,
        answers=tuple(answers) if in_chain else (first_answers.get(claim_id),),
    )


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """An attempt without its route: some of those who see it may yet review it blind."""

    claim_id: UUID
    number: int
    standing: bool
    external_id: str
    received_at: datetime


def attempts_of(claim_id: UUID) -> list[AttemptRow]:
    """All attempts of the case this claim belongs to, first one first; none for a claim that is alone."""
    case = Attempt.objects.filter(pk=claim_id).values("case")
    attempts = Attempt.objects.filter(case__in=case).order_by("number")
    columns = ("claim_id", "number", "standing", "claim__external_id", "claim__received_at")
    return [AttemptRow(*row) for row in attempts.values_list(*columns)]


@dataclass(frozen=True, slots=True)
class EarlierAttempt:
    number: int
    output: Any

    @property
    def title(self) -> str:
        return f"attempt {self.number}"


def earlier_attempts(claim_id: UUID, limit: int = 5) -> list[EarlierAttempt]:
    """What attempts of the case said before this one, the last of them first; without what was erased."""
    this = Attempt.objects.filter(pk=claim_id)
    before = Attempt.objects.filter(
        case__in=this.values("case"), number__lt=this.values("number"), claim__payload__isnull=False
    )
    stored = [f"claim__payload__{column}" for column in STORED]
    rows = before.order_by("-number").values_list("number", "claim_id", *stored)[:limit]
    said = ((number, content_in(*row)) for number, *row in rows)
    return [EarlierAttempt(number, content["output"]) for number, content in said if content]


def is_superseded(claim_id: UUID) -> bool:
    """Whether a newer attempt speaks for the claim's case."""
    return Attempt.objects.filter(pk=claim_id, standing=False).exists()


@dataclass(frozen=True, slots=True)
class Waiting:
    """Claims that wait for a second opinion, and when the first of them goes to people."""

    claims: int
    next_due_at: datetime | None


def handler_of(pipeline: Pipeline) -> SecondaryHandler | None:
    return SecondaryHandler.objects.select_related("changed_by").filter(pk=pipeline.pk).first()


def waiting_for_opinions(pipeline: Pipeline) -> Waiting:
    steps = Step.objects.filter(pipeline=pipeline, kind="secondary", closed_at=None)
    return Waiting(**steps.aggregate(claims=Count("id"), next_due_at=Min("due_at")))


def last_calls(pipeline: Pipeline, limit: int = 20) -> list[HandlerCall]:
    """Newest first, with their claims."""
    return list(HandlerCall.objects.filter(pipeline=pipeline).select_related("step__claim").order_by("-id")[:limit])
