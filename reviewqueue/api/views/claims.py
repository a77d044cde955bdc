from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from reviewqueue import intake
from reviewqueue.api.authentication import holder_of, source_of
from reviewqueue.api.idempotency import Reply
from reviewqueue.api.operation import Operation
from reviewqueue.api.queries import Cursor, choice_in, limit_in, span_in, text_in
from reviewqueue.claims.selectors import ClaimFilter, answer_of, claim_of_source, claims_page
from reviewqueue.claims.submission import parse_submission
from reviewqueue.policy.document import LADDER

STATUSES: Final = ("decided", "awaiting_step", "in_review", "settled")
TEXTS: Final = ("pipeline", "external_id", "band", "category", "model_version")


class Claims(Operation):
    scopes = {"GET": "read", "POST": "intake"}
    parameters = frozenset({*TEXTS, "status", "route", "since", "until", "cursor", "limit"})

    def get(self, request: Request) -> Response:
        wanted = _filter_in(request)
        cursor = Cursor(salt="claims", holder=holder_of(request), wanted=asdict(wanted))
        position, limit = cursor.position_in(request.query_params), limit_in(request.query_params)
        found = claims_page(
            sources=[source_of(request)],
            wanted=wanted,
            before=UUID(position) if position else None,
            limit=limit + 1,
        )
        page = found[:limit]
        further = cursor.text(str(page[-1].pk)) if len(found) > limit else None
        return Response({"results": [answer_of(claim) for claim in page], "next": further})

    def post(self, request: Request) -> HttpResponse:
        source, now = source_of(request), timezone.now()

        def submit(body: Any) -> Reply:
            submitted = intake.submit(source=source, submission=parse_submission(body, now=now), now=now)
            return Reply(201 if submitted.created else 200, submitted.answer)

        return self.write(submit)


class ClaimPreview(Operation):
    scopes = {"POST": "intake"}

    def post(self, request: Request) -> HttpResponse:
        source, now = source_of(request), timezone.now()

        def preview(body: Any) -> Reply:
            decision = intake.preview(source=source, submission=parse_submission(body, now=now), now=now)
            return Reply(200, {"decision": decision})

        return self.write(preview)


class ClaimDetail(Operation):
    scopes = {"GET": "read"}

    def get(self, request: Request, claim_id: UUID) -> Response:
        return Response(answer_of(claim_of_source(source_of(request), claim_id)))


def _filter_in(request: Request) -> ClaimFilter:
    query = request.query_params
    since, until = span_in(query)
    return ClaimFilter(
        **{name: text_in(query, name) for name in TEXTS},
        status=choice_in(query, "status", STATUSES),
        route=choice_in(query, "route", LADDER),
        since=since,
        until=until,
    )
