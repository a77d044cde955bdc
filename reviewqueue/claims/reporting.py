"""Ground truth that a source learned elsewhere: reported, kept, and never mixed with what people measured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from psycopg.errors import CheckViolation

from reviewqueue.accounts.models import Source
from reviewqueue.claims.models import Claim, Outcome, OutcomeBasis
from reviewqueue.claims.selectors import outcome_answer
from reviewqueue.claims.services import check_not_erased, settle
from reviewqueue.errors import Conflict, NotFound
from reviewqueue.ledger.actors import Actor
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.redaction.masking import masked_output, masked_text
from reviewqueue.redaction.rules import rules_for
from reviewqueue.transactions import service

FEED_DELAY = timedelta(seconds=5)
"""Outcomes are shown in the order of their ids once no transaction can still commit an earlier one."""

_MANDATORY = "outcome_mandatory_needs_a_label"


class MandatoryReview(Conflict):
    """A report from outside cannot stand in for the person that this claim has to be seen by."""

    code = "mandatory_review"


@dataclass(frozen=True, slots=True)
class Report:
    """What became known of a claim: whether it was right, the right answer if known, and who said so when."""

    correct: bool | None
    output: Any = None
    told_by: str = ""
    observed_at: datetime | None = None

    def is_told_by(self, outcome: Outcome) -> bool:
        return outcome.basis == OutcomeBasis.EXTERNAL and self == Report(
            outcome.correct, outcome.output, outcome.told_by, outcome.observed_at
        )


@service
def report_outcome(*, source: Source, claim_id: UUID, report: Report) -> tuple[Outcome, bool]:
    """The standing outcome after the report, and whether that is a new one: a repeated report is one report.

    A different outcome is superseded and stays in the ledger.

    Raises:
        NotFound: this source has no such claim.
        MandatoryReview: a person has to label the claim first.
        PayloadErased: there is nothing left to say anything about.
    """
    claim = Claim.objects.select_for_update(no_key=True).filter(source=source, pk=claim_id).first()
    if claim is None:
        raise NotFound("There is no such claim.")
    report = _masked(report, claim)
    standing = claim.outcomes.filter(standing=True).first()
    if standing and report.is_told_by(standing):
        return standing, False
    check_not_erased(claim)
    with _people_first():
        outcome = settle(
            claim=claim,
            correct=report.correct,
            output=report.output,
            basis=OutcomeBasis.EXTERNAL,
            actor=Actor.source(source.slug),
            told_by=report.told_by,
            observed_at=report.observed_at,
        )
    return outcome, True


def _masked(report: Report, claim: Claim) -> Report:
    """The right answer is masked as the model's answer was: what is compared is alike."""
    declared = Pipeline.objects.values_list("redaction", flat=True).get(pk=claim.pipeline_id)
    if not declared:
        return report
    rules = rules_for(declared)
    return replace(report, output=masked_output(report.output, rules), told_by=masked_text(report.told_by, rules))


@contextmanager
def _people_first() -> Iterator[None]:
    """Asks the database at once what it would ask at commit, so that its refusal can be told in our own words."""
    try:
        with transaction.atomic():
            yield
            with connection.cursor() as cursor:
                cursor.execute(f"SET CONSTRAINTS {_MANDATORY} IMMEDIATE")
                cursor.execute(f"SET CONSTRAINTS {_MANDATORY} DEFERRED")
    except IntegrityError as error:
        cause = error.__cause__
        if isinstance(cause, CheckViolation) and cause.diag.constraint_name == _MANDATORY:
            raise MandatoryReview("This claim is in mandatory review: its first outcome comes from a person.") from None
        raise


def outcomes_page(
    *, source: Source, pipeline: str | None, since: datetime | None, after: UUID | None, limit: int, now: datetime
) -> list[dict[str, Any]]:
    """Up to `limit` standing outcomes of a source's claims, oldest first, later than `after`."""
    wanted = {
        "claim__pipeline__slug": pipeline,
        "created_at__gte": since,
        "id__gt": after,
    }
    outcomes = (
        Outcome.objects.filter(claim__source=source, standing=True, created_at__lt=now - FEED_DELAY)
        .filter(**{column: value for column, value in wanted.items() if value is not None})
        .select_related("claim__pipeline", "claim__payload__key")
        .defer("claim__payload__ciphertext")
        .order_by("id")
    )
    return [
        outcome_answer(outcome) | {"external_id": outcome.claim.external_id, "pipeline": outcome.claim.pipeline.slug}
        for outcome in outcomes[:limit]
    ]
