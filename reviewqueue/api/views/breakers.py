"""Breakers: while one is open, people decide. Tripped by drift or by a person, reset by a person alone."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from reviewqueue.api import bodies, policy_answers, policy_examples
from reviewqueue.api.authentication import person_of
from reviewqueue.api.bodies import read_as
from reviewqueue.api.contract import Answer, Body, promises
from reviewqueue.api.idempotency import Reply
from reviewqueue.api.operation import Operation
from reviewqueue.api.policy_shapes import breaker_answer
from reviewqueue.api.views.pipelines import READ, pipeline_with_figures
from reviewqueue.api.views.policies import ADMIN
from reviewqueue.pipelines.selectors import pipeline_for
from reviewqueue.policy import services
from reviewqueue.policy.rights import ALLOW_AUTOMATION, STOP_AUTOMATION
from reviewqueue.policy.selectors import breaker_for, breakers


class Breakers(Operation):
    @promises(
        "list_breakers",
        **READ,
        answers={200: Answer("Open ones first.", policy_answers.BreakerList, policy_examples.BREAKERS)},
    )
    def get(self, request: Request, slug: str) -> Response:
        """List what stops automation, or stopped it.

        The last 200 that were reset, and every open one.
        """
        found = breakers(pipeline_with_figures(request, slug))
        return Response({"results": [breaker_answer(breaker) for breaker in found]})

    @promises(
        "trip_breaker",
        **ADMIN,
        body=Body(bodies.Stop, {"every model": policy_examples.STOP, "one model": policy_examples.STOP_ONE}),
        answers={200: Answer("The open breaker, new or standing.", policy_answers.Breaker, policy_examples.BREAKER)},
    )
    def post(self, request: Request, slug: str) -> HttpResponse:
        """Stop automation.

        For seniors, owners and administrators. From the next claim on everything goes to people, or everything of one
        model, model version and prompt version. Doing it twice is once.
        """
        person = person_of(request)
        pipeline = pipeline_for(person, slug, STOP_AUTOMATION)

        def stop(body: Any) -> Reply:
            wanted = read_as(bodies.Stop, body)
            subject = (wanted.model, wanted.model_version, wanted.prompt_version)
            breaker = services.stop_automation(pipeline=pipeline, by=person, reason=wanted.reason, subject=subject)
            return Reply(200, breaker_answer(breaker))

        return self.write(stop)


class BreakerReset(Operation):
    @promises(
        "reset_breaker",
        **ADMIN,
        body=Body(bodies.Reset, {"the outputs are as good as before": policy_examples.RESET}),
        answers={200: Answer("Automation is allowed again.", policy_answers.Breaker, policy_examples.BREAKER_RESET)},
        problems=("breaker_not_open",),
    )
    def post(self, request: Request, slug: str, breaker_id: int) -> HttpResponse:
        """Allow automation again.

        For owners and administrators. Bands decide again what they have earned; nothing else changes.
        """
        person = person_of(request)
        breaker = breaker_for(pipeline_for(person, slug, ALLOW_AUTOMATION), breaker_id)

        def reset(body: Any) -> Reply:
            wanted = read_as(bodies.Reset, body)
            return Reply(200, breaker_answer(services.reset_breaker(breaker=breaker, by=person, reason=wanted.reason)))

        return self.write(reset)
