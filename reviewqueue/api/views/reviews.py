"""Review for tools and scripts; the web pages use the same services."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from reviewqueue.api import bodies
from reviewqueue.api.authentication import person_of
from reviewqueue.api.bodies import read_as
from reviewqueue.api.idempotency import Reply
from reviewqueue.api.operation import Operation
from reviewqueue.api.shapes import labelled_answer, lease_answer
from reviewqueue.pipelines.selectors import WORKING_ROLES, pipeline_for
from reviewqueue.review.selectors import Nothing, task_view
from reviewqueue.review.services import labels, leases
from reviewqueue.review.services.labels import LabelAnswer


class ReviewTake(Operation):
    scopes = {"POST": "review"}

    def post(self, request: Request) -> HttpResponse:
        reviewer = person_of(request)

        def take(body: Any) -> Reply:
            wanted = read_as(bodies.Take, body)
            pipeline = pipeline_for(reviewer, wanted.pipeline, WORKING_ROLES) if wanted.pipeline else None
            taken = leases.take(reviewer=reviewer, pipeline=pipeline, purpose=wanted.purpose)
            if isinstance(taken, Nothing):
                return Reply(204, headers={"X-Queue-Reason": taken.reason}, effect=False)
            return Reply(200, task_view(taken))

        return self.write(take, empty={})


class LeaseRenew(Operation):
    scopes = {"POST": "review"}

    def post(self, request: Request, lease_id: UUID) -> HttpResponse:
        reviewer = person_of(request)

        def renew(body: Any) -> Reply:
            read_as(bodies.Nothing, body)
            return Reply(200, {"lease": lease_answer(leases.renew(reviewer=reviewer, lease_id=lease_id))})

        return self.write(renew, empty={})


class LeaseRelease(Operation):
    scopes = {"POST": "review"}

    def post(self, request: Request, lease_id: UUID) -> HttpResponse:
        reviewer = person_of(request)

        def release(body: Any) -> Reply:
            why = read_as(bodies.Release, body)
            leases.release(reviewer=reviewer, lease_id=lease_id, reason=why.reason, note=why.note)
            return Reply(204)

        return self.write(release, empty={})


class LeaseLabel(Operation):
    scopes = {"POST": "review"}

    def post(self, request: Request, lease_id: UUID) -> HttpResponse:
        reviewer = person_of(request)

        def label(body: Any) -> Reply:
            answer = _answer_in(read_as(bodies.LabelBody, body))
            labelled = labels.submit_label(reviewer=reviewer, lease_id=lease_id, answer=answer)
            return Reply(201 if labelled.created else 200, labelled_answer(labelled))

        return self.write(label)


class LabelRevise(Operation):
    scopes = {"POST": "review"}

    def post(self, request: Request, label_id: UUID) -> HttpResponse:
        reviewer = person_of(request)

        def revise(body: Any) -> Reply:
            given = read_as(bodies.Revision, body)
            labelled = labels.revise_label(
                reviewer=reviewer, label_id=label_id, answer=_answer_in(given), reason=given.reason
            )
            return Reply(201 if labelled.created else 200, labelled_answer(labelled))

        return self.write(revise)


def _answer_in(given: bodies.LabelBody) -> LabelAnswer:
    return LabelAnswer(
        verdict=given.verdict,
        output=given.output,
        error_types=tuple(given.error_types),
        note=given.note,
        answers=given.answers,
        seconds=given.seconds,
    )
