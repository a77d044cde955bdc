"""Batches: up to a thousand claims in one request."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final, Literal

import msgspec
from django.http import HttpResponse
from django.utils import timezone
from msgspec import UNSET, Meta, Struct, UnsetType
from rest_framework.request import Request

from reviewqueue import intake
from reviewqueue.api import answers, examples
from reviewqueue.api.authentication import source_of
from reviewqueue.api.bodies import read_as
from reviewqueue.api.component_schemas import SCHEMA_REF, problem_example
from reviewqueue.api.contract import Answer, Body, Holder, Rate, promises
from reviewqueue.api.idempotency import Reply
from reviewqueue.api.operation import Operation
from reviewqueue.api.problems import problem_response
from reviewqueue.intake import BatchResult

MAX_BYTES: Final = 32 * 1024 * 1024


class Batch(Struct, frozen=True, forbid_unknown_fields=True):
    claims: Annotated[
        list[Any],
        Meta(
            description="At most 1,000. What is no good claim is refused in its own place.",
            extra_json_schema={"items": {"anyOf": [{"$ref": SCHEMA_REF.format(name="Submission")}, {}]}},
        ),
    ]


class BatchElement(Struct, frozen=True, kw_only=True):
    """What a claim of a batch would have been answered alone: a `claim`, or the `problem` that it has."""

    index: Annotated[int, Meta(ge=0, description="Its place in the batch.")]
    status: Literal[201, 200, 409, 422]
    claim: answers.Claim | UnsetType = UNSET
    problem: answers.Problem | UnsetType = UNSET


class BatchAnswer(Struct, frozen=True, kw_only=True):
    results: Annotated[list[BatchElement], Meta(description="One for each claim, in the order given.")]
    accepted: answers.Count
    rejected: answers.Count


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """A batch makes a hundred thousand objects and no cycle. Meanwhile the collector would walk through all that the
    process has ever loaded, again and again, which is a tenth of the work. Nested or side by side, the first one in
    wakes it.
    """
    was_at_work = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_at_work:
            gc.enable()


class ClaimBatch(Operation):
    body_limit = MAX_BYTES

    @promises(
        "submit_claims",
        scope="intake",
        holder=Holder.SOURCE,
        rate=Rate.INTAKE,
        body=Body(Batch, {"two": {"claims": [examples.SUBMISSION, examples.SHORT_SUBMISSION]}}),
        answers={
            200: Answer(
                "What became of each claim, also when none was accepted.",
                BatchAnswer,
                {
                    "results": [
                        {"index": 0, "status": 201, "claim": examples.CLAIM},
                        {"index": 1, "status": 422, "problem": problem_example("invalid")},
                    ],
                    "accepted": 1,
                    "rejected": 1,
                },
            )
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Submit up to 1,000 claims at once.

        Each is judged and answered as if it had come alone, in the order given: two equal ones are one claim, and of
        two different ones with the same `external_id` the first stands. All that are accepted are recorded together.
        The body has at most 32 MiB.
        """
        source, now = source_of(request), timezone.now()

        def submit(body: Any) -> Reply:
            claims = read_as(Batch, body).claims
            results = intake.submit_batch(source=source, bodies=claims, now=now)
            accepted = sum(result.error is None for result in results)
            return Reply(
                200,
                {
                    "results": [self._element(result) for result in results],
                    "accepted": accepted,
                    "rejected": len(results) - accepted,
                },
            )

        with collector_at_rest():
            return self.write(submit)

    def _element(self, result: BatchResult) -> dict[str, Any]:
        named = {"index": result.index, "status": result.status}
        if result.error is None:
            return {**named, "claim": result.answer}
        refusal = problem_response(result.error, {"request": self.request, "view": self})
        return {**named, "problem": msgspec.Raw(refusal.content)}
