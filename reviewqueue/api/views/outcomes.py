from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from reviewqueue.api.authentication import holder_of, source_of
from reviewqueue.api.bodies import OutcomeBody, check_instant, read_as
from reviewqueue.api.idempotency import Reply
from reviewqueue.api.operation import Operation
from reviewqueue.api.queries import Cursor, instant_in, limit_in, text_in
from reviewqueue.claims.reporting import Report, outcomes_page, report_outcome
from reviewqueue.claims.selectors import outcome_answer


class ClaimOutcome(Operation):
    scopes = {"POST": "outcomes"}

    def post(self, request: Request, claim_id: UUID) -> HttpResponse:
        source = source_of(request)

        def report(body: Any) -> Reply:
            told = read_as(OutcomeBody, body)
            check_instant("/observed_at", told.observed_at, now=timezone.now())
            outcome, created = report_outcome(
                source=source,
                claim_id=claim_id,
                report=Report(told.correct, told.output, told.source, told.observed_at),
            )
            return Reply(201 if created else 200, outcome_answer(outcome))

        return self.write(report)


class Outcomes(Operation):
    """The feed of settled claims. `next` stays good to come back with: the last page is the newest, not the end."""

    scopes = {"GET": "read"}
    parameters = frozenset({"pipeline", "since", "cursor", "limit"})

    def get(self, request: Request) -> Response:
        query = request.query_params
        pipeline, since = text_in(query, "pipeline"), instant_in(query, "since")
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
        further = cursor.text(page[-1]["id"]) if page else query.get("cursor")
        return Response({"results": page, "next": further})
