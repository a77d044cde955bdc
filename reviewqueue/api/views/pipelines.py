"""Pipelines and their figures: those of the source, or those in which the person's role may see figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from calibration.narrowing import bands_within
from calibration.selectors import band_table
from reviewqueue.api import answers, examples, shapes
from reviewqueue.api.authentication import key_in, source_of
from reviewqueue.api.contract import Answer, Holder, promises
from reviewqueue.api.operation import Operation
from reviewqueue.api.queries import SINCE, text
from reviewqueue.errors import NotFound
from reviewqueue.pipelines.selectors import (
    FIGURES_ROLES,
    WORKING_ROLES,
    pipeline_for,
    pipelines_for,
    pipelines_of_source,
)
from reviewqueue.policy.selectors import active_policy, one_person_approval, open_breakers

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from reviewqueue.pipelines.models import Pipeline

SEGMENT: Final = text("segment", "Only claims of this segment, such as `language=en` or `category=pricing`.")
READ: Final[dict[str, Any]] = {"scope": "read", "holder": Holder.EITHER}


class Pipelines(Operation):
    @promises(
        "list_pipelines",
        **READ,
        answers={200: Answer("All of them.", answers.PipelineList, examples.PIPELINES)},
    )
    def get(self, request: Request) -> Response:
        """List pipelines.

        Those the source may post to, or those the person has any role in.
        """
        return Response({"results": [shapes.pipeline_answer(pipeline) for pipeline in _pipelines(request)]})


class PipelineDetail(Operation):
    @promises(
        "get_pipeline",
        **READ,
        answers={200: Answer("The pipeline.", answers.PipelineDetail, examples.PIPELINE_DETAIL)},
    )
    def get(self, request: Request, slug: str) -> Response:
        """Get one pipeline.

        With its declared signals, its costs, its active policy, the calibrators in use and the state of every band.
        Figures are for sources, seniors, owners, auditors and admins.
        """
        pipeline = pipeline_with_figures(request, slug)
        answer = shapes.pipeline_detail(
            pipeline,
            active_policy(pipeline.pk),
            band_table(pipeline),
            one_person=one_person_approval(pipeline) is not None,
            stopped=bool(open_breakers(pipeline)),
        )
        return Response(answer)


class PipelineBands(Operation):
    @promises(
        "list_bands",
        **READ,
        parameters=(SEGMENT, SINCE),
        answers={200: Answer("The bands of every model.", answers.BandTables, examples.BANDS)},
    )
    def get(self, request: Request, slug: str) -> Response:
        """Get the measured accuracy of every band.

        Under the active policy. A band decides by itself only when it is `validated`. Of one segment, or since a day,
        the state says what these claims alone would show: routing goes by the state of all of them.
        """
        pipeline = pipeline_with_figures(request, slug)
        segment, since = SEGMENT.value_in(request.GET) or "", SINCE.value_in(request.GET)
        if not segment and since is None:
            return Response({"results": shapes.bands_answer(band_table(pipeline))})
        found = bands_within(pipeline, segment=segment, since=since, now=timezone.now())
        return Response({"results": shapes.bands_answer(found)})


def _pipelines(request: Request) -> QuerySet[Pipeline]:
    """Everything the caller may know of: work in a pipeline is enough."""
    key = key_in(request)
    if key.user:
        mine = pipelines_for(key.user, FIGURES_ROLES | WORKING_ROLES)
    else:
        mine = pipelines_of_source(source_of(request))
    return mine.select_related("owner").order_by("slug")


def pipeline_with_figures(request: Request, slug: str) -> Pipeline:
    """One pipeline whose figures the caller may see; raises NotFound or Forbidden."""
    person = key_in(request).user
    if person:
        return pipeline_for(person, slug, FIGURES_ROLES)
    pipeline = _pipelines(request).filter(slug=slug).first()
    if pipeline is None:
        raise NotFound("There is no such pipeline.")
    return pipeline
