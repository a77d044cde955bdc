"""Outcomes: truth reported by those who learned it elsewhere, and the feed of settled claims."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from reviewqueue.api import answers, examples
from reviewqueue.api.authentication import holder_of, source_of
from reviewqueue.api.bodies import OutcomeBody, past_instant, read_as
from reviewqueue.api.contract import Answer, Body, Holder, promises
from reviewqueue.api.idempotency import Reply
from reviewqueue.api.operation import Operation
from reviewqueue.api.queries import CURSOR, LIMIT, SINCE, Cursor, limit_in, text
from reviewqueue.claims.reporting import Report, outcomes_page, report_outcome
from reviewqueue.claims.selectors import outcome_answer

PIPELINE: Final = text("pipeline", "Only outcomes in this pipeline.")


class ClaimOutcome(Operation):
    @promises(
        "report_outcome",
        scope="outcomes",
        holder=Holder.SOURCE,
        body=Body(OutcomeBody, {"complaint": examples.OUTCOME_REPORT, "shortest": {"correct": True}}),
        answers={
            201: Answer("The outcome that stands from now on.", answers.Outcome, examples.OUTCOME),
            200: Answer("The same report again: nothing new.", answers.Outcome, examples.OUTCOME),
        },
        problems=("mandatory_review", "payload_erased"),
    )
    def post(self, request: Request, claim_id: UUID) -> HttpResponse:
        """Report the truth about a claim.

        For ground truth learned elsewhere. It settles the claim and is never mixed into measured accuracy. A different
        report supersedes the first, and both stay in the audit trail. A claim in mandatory review gets its first
        outcome from a person.
        """
        source = source_of(request)

        def report(body: Any) -> Reply:
            told = read_as(OutcomeBody, body)
            observed_at = past_instant("/observed_at", told.observed_at, now=timezone.now())
            outcome, created = report_outcome(
                source=source,
                claim_id=claim_id,
                report=Report(told.correct, told.output, told.source, observed_at),
            )
            return Reply(201 if created else 200, outcome_answer(outcome))

        return self.write(report)


class Outcomes(Operation):
    @promises(
        "list_outcomes",
        scope="read",
        holder=Holder.SOURCE,
        parameters=(PIPELINE, SINCE, CURSOR, LIMIT),
        answers={200: Answer("A page of the feed.", answers.OutcomePage, examples.OUTCOME_PAGE)},
    )
    def get(self, request: Request) -> Response:
        """Read the feed of settled claims, oldest first.

        For those who cannot receive webhooks. Keep `next` and come back with it: it stays good when a page is empty.
        An outcome appears five seconds after it was made, so that none can slip in before one already read.
        """
        query = request.query_params
        pipeline, since = PIPELINE.value_in(query), SINCE.value_in(query)
        cursor = Cursor(salt="outcomes", holder=holder_of(request), wanted={"pipeline": pipeline, "since": since})
        position, limit = cursor.position_in(query), limit_in(query)
        page = outcomes_page(
            source=source_of(request),
            pipeline=pipeline,
            since=since,
            after=UUID(position) if position else None,
            limit=limit,
            now=timezone.now(),
        )
        further = cursor.text(page[-1]["id"]) if page else CURSOR.value_in(query)
        return Response({"results": page, "next": further})
