"""Segments by band and what the search for bad slices found; confidences side by side."""

from __future__ import annotations

from typing import Annotated, Any, Final

from django.http import HttpResponse
from msgspec import Meta, Struct
from rest_framework.request import Request
from rest_framework.response import Response

from calibration.comparing import BYS
from reviewqueue.api import segment_answers
from reviewqueue.api.authentication import person_of
from reviewqueue.api.bodies import read_as
from reviewqueue.api.contract import Answer, Body, promises
from reviewqueue.api.idempotency import Reply
from reviewqueue.api.operation import Operation
from reviewqueue.api.queries import choice, text
from reviewqueue.api.views.pipelines import READ, pipeline_with_figures
from reviewqueue.api.views.policies import ADMIN
from reviewqueue.api.views.queue_rules import SETTERS
from reviewqueue.pipeline_settings import change_settings, settings_hash
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.pipelines.selectors import pipeline_for
from reviewqueue.reports.comparison import comparison_page, plain_comparison
from reviewqueue.reports.segments import plain_segments, segment_page

BY: Final = choice("by", "What is compared.", BYS)
WITHIN: Final = text("within", "The `key` of one of `choices`: what all groups have in common.")
AGAINST: Final = text("against", "The `key` of the group that the others are held against.")
FOUND: Final = Answer("Segments, and the last search.", segment_answers.Segments, segment_answers.SEGMENTS_EXAMPLE)


class WatchedBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that is watched; none means the category and every attribute, each alone."""

    watched: Annotated[list[list[str]], Meta(description="One attribute each, or two together.", max_length=6)]
    expected: Annotated[
        str | None, Meta(description="The `revision` that was seen: if the settings moved on, nothing is changed.")
    ] = None


class PipelineSegments(Operation):
    @promises("get_segments", **READ, answers={200: FOUND})
    def get(self, request: Request, slug: str) -> Response:
        """Get every segment in every band.

        Under the active policy: what is measured of each against what is required, where more confidence goes with less
        accuracy, and which slices are worse than the rest.
        """
        return Response(_answer(pipeline_with_figures(request, slug)))

    @promises(
        "watch_segments",
        **ADMIN,
        body=Body(
            WatchedBody, {"a pair": {"watched": [["category"], ["category", "language"]]}, "each": {"watched": []}}
        ),
        answers={200: FOUND},
        problems=("settings_outdated",),
    )
    def patch(self, request: Request, slug: str) -> HttpResponse:
        """Change which segments are watched.

        For owners and administrators. Statistics follow in a moment, from all claims there are.
        """
        person = person_of(request)
        pipeline = pipeline_for(person, slug, SETTERS)

        def change(body: Any) -> Reply:
            given = read_as(WatchedBody, body)
            changed = change_settings(
                pipeline=pipeline, changes={"watched": given.watched}, by=person, expected=given.expected
            )
            return Reply(200, _answer(changed))

        return self.write(change)


class PipelineComparison(Operation):
    @promises(
        "compare_confidences",
        **READ,
        parameters=(BY, WITHIN, AGAINST),
        answers={
            200: Answer("The groups side by side.", segment_answers.Comparison, segment_answers.COMPARISON_EXAMPLE)
        },
    )
    def get(self, request: Request, slug: str) -> Response:
        """Compare ways to obtain confidence, prompt versions or model versions.

        Everything else being equal: what that is can be chosen by `within`. On the inputs that both have labels of,
        where there are thirty; otherwise on all labels of each.
        """
        pipeline = pipeline_with_figures(request, slug)
        found = comparison_page(
            pipeline,
            by=BY.value_in(request.GET) or BYS[0],
            within=WITHIN.value_in(request.GET) or "",
            against=AGAINST.value_in(request.GET) or "",
            ways={},
        )
        return Response(plain_comparison(found))


def _answer(pipeline: Pipeline) -> dict[str, Any]:
    return {**plain_segments(segment_page(pipeline)), "revision": settings_hash(pipeline)}
