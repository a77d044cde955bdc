"""Claims: what an upstream system submits, and the decision it gets at once."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from reviewqueue import intake
from reviewqueue.api import answers, examples
from reviewqueue.api.authentication import holder_of, source_of
from reviewqueue.api.contract import Answer, Body, Holder, Link, Rate, promises
from reviewqueue.api.idempotency import Reply
from reviewqueue.api.operation import Operation
from reviewqueue.api.queries import CURSOR, LIMIT, SINCE, UNTIL, Cursor, choice, limit_in, span_in, text
from reviewqueue.claims.selectors import ClaimFilter, answer_of, claim_of_source, claims_page
from reviewqueue.claims.submission import Submission, parse_submission
from reviewqueue.policy.document import LADDER

STATUSES: Final = ("decided", "awaiting_step", "in_review", "settled", "erased")
FILTERS: Final = (
    text("pipeline", "Only claims of this pipeline."),
    text("external_id", "Only the claim with this id of the caller's own."),
    choice("status", "Only claims in this state.", STATUSES),
    choice("route", "Only claims whose standing decision has this route.", LADDER),
    text("band", "Only claims in this band."),
    text("category", "Only claims of this category."),
    text("model_version", "Only claims of this model version."),
)
SUBMISSION: Final = Body(Submission, {"complete": examples.SUBMISSION, "shortest": examples.SHORT_SUBMISSION})
THE_CLAIM: Final = {"claim_id": "$response.body#/id"}


class Claims(Operation):
    @promises(
        "list_claims",
        scope="read",
        holder=Holder.SOURCE,
        parameters=(*FILTERS, SINCE, UNTIL, CURSOR, LIMIT),
        answers={200: Answer("A page of claims.", answers.ClaimPage, examples.CLAIM_PAGE)},
    )
    def get(self, request: Request) -> Response:
        """List claims, newest first.

        The claims of the key's source. `next` is null on the last page. Claims that come in meanwhile do not shift
        pages.
        """
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

    @promises(
        "submit_claim",
        scope="intake",
        holder=Holder.SOURCE,
        rate=Rate.INTAKE,
        body=SUBMISSION,
        answers={
            201: Answer(
                "A new claim, with its decision.",
                answers.Claim,
                examples.CLAIM,
                links={
                    "claim": Link("get_claim", THE_CLAIM),
                    "outcome": Link("report_outcome", THE_CLAIM),
                },
            ),
            200: Answer("The same claim again: the first answer, to the byte.", answers.Claim, examples.CLAIM),
        },
        problems=("claim_conflict", "superseded_already", "case_full"),
    )
    def post(self, request: Request) -> HttpResponse:
        """Submit a claim and get its decision.

        `external_id` is the caller's own name for the claim, unique within the source: the same content under it is
        the same claim, other content is a conflict that names the differing `fields`. Pipeline, category and segments
        have to be known, so that a look-alike cannot dodge mandatory review. `input`, `output` and `context` together
        have at most 256 KiB. `supersedes` names the claim that this one answers: the newest of its case, and a case
        lies in one pipeline and has at most 100 attempts.
        """
        source, now = source_of(request), timezone.now()

        def submit(body: Any) -> Reply:
            submitted = intake.submit(source=source, submission=parse_submission(body, now=now), now=now)
            return Reply(201 if submitted.created else 200, submitted.answer)

        return self.write(submit)


class ClaimPreview(Operation):
    @promises(
        "preview_claim",
        scope="intake",
        holder=Holder.SOURCE,
        rate=Rate.INTAKE,
        body=SUBMISSION,
        answers={200: Answer("The decision that would be taken.", answers.Preview, examples.PREVIEW)},
        problems=("superseded_already", "case_full"),
    )
    def post(self, request: Request) -> HttpResponse:
        """Preview the decision on a claim.

        Nothing is stored and nothing is drawn: `audit_sampled` is always false.
        """
        source, now = source_of(request), timezone.now()

        def preview(body: Any) -> Reply:
            decision = intake.preview(source=source, submission=parse_submission(body, now=now), now=now)
            return Reply(200, {"decision": decision})

        return self.write(preview)


class ClaimDetail(Operation):
    @promises(
        "get_claim",
        scope="read",
        holder=Holder.SOURCE,
        answers={200: Answer("The claim as it stands now.", answers.Claim, examples.SETTLED_CLAIM)},
    )
    def get(self, request: Request, claim_id: UUID) -> Response:
        """Get one claim."""
        return Response(answer_of(claim_of_source(source_of(request), claim_id)))


def _filter_in(request: Request) -> ClaimFilter:
    query = request.query_params
    since, until = span_in(query)
    return ClaimFilter(
        **{parameter.name: parameter.value_in(query) for parameter in FILTERS},
        since=since,
        until=until,
    )
