"""Webhooks: where a source wants to be told what happened, and what was sent there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from msgspec import UNSET
from rest_framework.request import Request
from rest_framework.response import Response

from reviewqueue.api import bodies, webhook_answers, webhook_examples
from reviewqueue.api.authentication import holder_of, source_of
from reviewqueue.api.bodies import read_as
from reviewqueue.api.contract import Answer, Body, Holder, promises
from reviewqueue.api.idempotency import Reply
from reviewqueue.api.operation import Operation
from reviewqueue.api.queries import CURSOR, LIMIT, SINCE, UNTIL, Cursor, choice, limit_in, span_in
from reviewqueue.deliveries.models import OUTCOME_EVENTS, DeliveryState, Payload
from reviewqueue.deliveries.selectors import (
    DeliveryFilter,
    attempt_answer,
    deliveries_page,
    delivery_answer,
    delivery_for,
    endpoint_answer,
    endpoint_for,
    endpoints_for,
    with_history,
)
from reviewqueue.deliveries.services import endpoints as services
from reviewqueue.deliveries.services import replay as replays
from reviewqueue.deliveries.services.verification import challenge
from reviewqueue.deliveries.signing import Scheme
from reviewqueue.errors import FieldProblem, Invalid, NotFound

if TYPE_CHECKING:
    from reviewqueue.accounts.models import Source
    from reviewqueue.deliveries.models import Endpoint

MANAGE: Final[dict[str, Any]] = {"scope": "webhooks", "holder": Holder.SOURCE}
NOTHING: Final = Body(bodies.Nothing, {"nothing to say": {}}, required=False)
STATE: Final = choice("state", "Only in this state.", DeliveryState.values)


def _endpoint_as(text: str, example: dict[str, Any]) -> dict[int, Answer]:
    return {200: Answer(text, webhook_answers.Endpoint, example)}


class Webhooks(Operation):
    @promises(
        "list_webhooks",
        **MANAGE,
        answers={200: Answer("All of them.", webhook_answers.EndpointList, webhook_examples.ENDPOINTS)},
    )
    def get(self, request: Request) -> Response:
        """List the endpoints of the source, newest first.

        The one without a `url` stands for the addresses that single claims name.
        """
        return Response({"results": [endpoint_answer(each) for each in endpoints_for(source_of(request))]})

    @promises(
        "create_webhook",
        **MANAGE,
        body=Body(bodies.EndpointBody, {"outcomes": webhook_examples.REGISTRATION}),
        answers={
            201: Answer(
                "The endpoint, with its secret this once.", webhook_answers.NewEndpoint, webhook_examples.REGISTERED
            )
        },
        problems=("endpoint_exists", "too_many_endpoints", "too_many_challenges"),
    )
    def post(self, request: Request) -> HttpResponse:
        """Register an address.

        It is told nothing before it has repeated the challenge that goes out first.
        """
        source = source_of(request)

        def register(body: Any) -> Reply:
            wanted = read_as(bodies.EndpointBody, body)
            endpoint, secret = services.create_endpoint(
                source=source,
                url=wanted.url,
                by=source,
                events=OUTCOME_EVENTS if wanted.events is UNSET else wanted.events,
                scheme=Scheme(wanted.scheme),
                payload=Payload(wanted.payload),
            )
            return Reply(201, _shown(source, endpoint), once={"secret": secret})

        return self.write(register)


def _shown(source: Source, endpoint: Endpoint) -> dict[str, Any]:
    """As it is now."""
    return endpoint_answer(endpoint_for(source, endpoint.pk))


class Webhook(Operation):
    @promises("get_webhook", **MANAGE, answers=_endpoint_as("The endpoint.", webhook_examples.ACTIVE))
    def get(self, request: Request, endpoint_id: UUID) -> Response:
        """Get one endpoint: its state, its failures and how it is signed for."""
        return Response(endpoint_answer(endpoint_for(source_of(request), endpoint_id)))

    @promises(
        "change_webhook",
        **MANAGE,
        body=Body(bodies.EndpointChange, {"other events": webhook_examples.CHANGE}),
        answers=_endpoint_as("The endpoint as it is now.", webhook_examples.CHANGED),
        problems=("endpoint_exists", "too_many_challenges"),
    )
    def patch(self, request: Request, endpoint_id: UUID) -> HttpResponse:
        """Change what an endpoint is told, or where.

        Events that are added are told from now on. Another address is challenged first.
        """
        source = source_of(request)
        endpoint = endpoint_for(source, endpoint_id)

        def change(body: Any) -> Reply:
            wanted = read_as(bodies.EndpointChange, body)
            payload = Payload(wanted.payload) if wanted.payload else None
            events = None if wanted.events is UNSET else wanted.events
            services.change_endpoint(endpoint=endpoint, by=source, url=wanted.url, events=events, payload=payload)
            return Reply(200, _shown(source, endpoint))

        return self.write(change)

    @promises(
        "remove_webhook",
        **MANAGE,
        answers={204: Answer("Nothing is sent there any more.")},
        problems=("endpoint_not_in_state",),
    )
    def delete(self, request: Request, endpoint_id: UUID) -> Response:
        """Remove an endpoint.

        What waits for it is given up. Its secrets are gone; what happened stays in the ledger.
        """
        source = source_of(request)
        services.remove_endpoint(endpoint=endpoint_for(source, endpoint_id), by=source)
        return Response(status=204)


class WebhookStep(Operation):
    """Something that is done with an endpoint, about which there is nothing more to say."""

    def take(self, request: Request, endpoint_id: UUID, step: Callable[[Endpoint, Source], object]) -> HttpResponse:
        source = source_of(request)
        endpoint = endpoint_for(source, endpoint_id)

        def perform(body: Any) -> Reply:
            read_as(bodies.Nothing, body)
            step(endpoint, source)
            return Reply(200, _shown(source, endpoint))

        return self.write(perform)


class WebhookPause(WebhookStep):
    @promises(
        "pause_webhook",
        **MANAGE,
        body=NOTHING,
        answers=_endpoint_as("Paused.", webhook_examples.PAUSED),
        problems=("endpoint_not_in_state",),
    )
    def post(self, request: Request, endpoint_id: UUID) -> HttpResponse:
        """Send nothing for a while.

        What happens meanwhile is kept. Pausing twice is one pause.
        """
        return self.take(request, endpoint_id, lambda endpoint, source: services.pause(endpoint=endpoint, by=source))


class WebhookResume(WebhookStep):
    @promises(
        "resume_webhook",
        **MANAGE,
        body=NOTHING,
        answers=_endpoint_as("Running again, or waiting for its challenge.", webhook_examples.ACTIVE),
        problems=("too_many_challenges",),
    )
    def post(self, request: Request, endpoint_id: UUID) -> HttpResponse:
        """Send again.

        Also what has waited. What was given up is replayed separately.
        """
        return self.take(request, endpoint_id, lambda endpoint, source: services.resume(endpoint=endpoint, by=source))


class WebhookTest(Operation):
    @promises(
        "test_webhook",
        **MANAGE,
        body=NOTHING,
        answers={200: Answer("Asked.", webhook_answers.Sent, webhook_examples.SENT)},
        problems=("endpoint_not_in_state", "too_many_challenges"),
    )
    def post(self, request: Request, endpoint_id: UUID) -> HttpResponse:
        """Send a challenge.

        To the address of the endpoint, or to the hosts of callbacks that have not answered. Of an endpoint that has
        answered before it changes nothing.
        """
        source = source_of(request)
        endpoint = endpoint_for(source, endpoint_id)

        def ask(body: Any) -> Reply:
            read_as(bodies.Nothing, body)
            return Reply(200, {"sent": challenge(endpoint=endpoint, by=source)})

        return self.write(ask)


class WebhookRotate(Operation):
    @promises(
        "rotate_webhook",
        **MANAGE,
        body=Body(bodies.Rotation, {"after a leak": webhook_examples.LEAKED}, required=False),
        answers={
            200: Answer(
                "The endpoint, with its new secret this once.", webhook_answers.NewEndpoint, webhook_examples.ROTATED
            )
        },
    )
    def post(self, request: Request, endpoint_id: UUID) -> HttpResponse:
        """Replace the secret.

        The former one signs beside it for a day, unless told otherwise.
        """
        source = source_of(request)
        endpoint = endpoint_for(source, endpoint_id)

        def rotate(body: Any) -> Reply:
            wanted = read_as(bodies.Rotation, body)
            secret = services.rotate_secret(
                endpoint=endpoint,
                by=source,
                scheme=Scheme(wanted.scheme) if wanted.scheme else None,
                overlap=timedelta(seconds=wanted.overlap_seconds),
            )
            return Reply(200, _shown(source, endpoint), once={"secret": secret})

        return self.write(rotate)


class WebhookReplay(Operation):
    @promises(
        "replay_webhook",
        **MANAGE,
        body=Body(
            bodies.ReplayBody,
            {"one delivery": webhook_examples.REPLAY_ONE, "what was given up": webhook_examples.REPLAY_DEAD},
        ),
        answers={200: Answer("Sent again.", webhook_answers.Sent, webhook_examples.SENT)},
        problems=("delivery_not_replayable",),
    )
    def post(self, request: Request, endpoint_id: UUID) -> HttpResponse:
        """Send deliveries again.

        One of them, or everything of a stretch of time, under the old ids. While the endpoint is not active it waits.
        """
        source = source_of(request)
        endpoint = endpoint_for(source, endpoint_id)
        return self.write(lambda body: _replayed(source, endpoint, read_as(bodies.ReplayBody, body)))


def _replayed(source: Source, endpoint: Endpoint, wanted: bodies.ReplayBody) -> Reply:
    if wanted.delivery is not None:
        if wanted.since or wanted.until or wanted.only_dead:
            raise Invalid([FieldProblem("/delivery", "either", "Either one delivery or a stretch of time.")])
        replays.replay_delivery(delivery=_delivery(source, endpoint, wanted.delivery), by=source)
        return Reply(200, {"sent": 1})
    missing = [name for name in ("since", "until") if getattr(wanted, name) is None]
    if missing:
        raise Invalid([FieldProblem(f"/{name}", "required", "A stretch of time has two ends.") for name in missing])
    since = bodies.past_instant("/since", wanted.since, now=timezone.now())
    until = bodies.past_instant("/until", wanted.until, now=timezone.now())
    assert since is not None
    assert until is not None
    sent = replays.replay(endpoint=endpoint, by=source, since=since, until=until, only_dead=wanted.only_dead)
    return Reply(200, {"sent": sent})


def _delivery(source: Source, endpoint: Endpoint, named: str) -> Any:
    """Raises Invalid when the endpoint has no such delivery."""
    try:
        delivery = delivery_for(source, UUID(named))
    except (NotFound, ValueError):
        delivery = None
    if delivery is None or delivery.endpoint_id != endpoint.pk:
        raise Invalid([FieldProblem("/delivery", "unknown", "This endpoint has no such delivery.")])
    return delivery


class WebhookDeliveries(Operation):
    @promises(
        "list_deliveries",
        **MANAGE,
        parameters=(STATE, SINCE, UNTIL, CURSOR, LIMIT),
        answers={200: Answer("A page of them.", webhook_answers.DeliveryPage, webhook_examples.DELIVERIES)},
    )
    def get(self, request: Request, endpoint_id: UUID) -> Response:
        """List what was sent to an endpoint, newest first, each with its attempts."""
        endpoint = endpoint_for(source_of(request), endpoint_id)
        query = request.query_params
        (since, until), state, limit = span_in(query), STATE.value_in(query), limit_in(query)
        wanted = {"endpoint": endpoint.pk, "state": state, "since": since, "until": until}
        cursor = Cursor(salt="deliveries", holder=holder_of(request), wanted=wanted)
        position = cursor.position_in(query)
        found = deliveries_page(
            endpoint,
            wanted=DeliveryFilter(state=state, since=since, until=until),
            before=UUID(position) if position else None,
            limit=limit + 1,
        )
        page = with_history(found[:limit])
        results = [
            {**delivery_answer(each), "history": [attempt_answer(attempt) for attempt in each.history.all()]}
            for each in page
        ]
        return Response({"results": results, "next": cursor.text(str(page[-1].pk)) if len(found) > limit else None})
