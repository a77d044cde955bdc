"""The figures of the owner's pages, as they are shown there."""

from __future__ import annotations

from typing import Final

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from calibration.evidence import Subject
from reviewqueue.api import owner_answers
from reviewqueue.api.contract import Answer, promises
from reviewqueue.api.operation import Operation
from reviewqueue.api.queries import Parameter, choice, number, text
from reviewqueue.api.views.pipelines import READ, pipeline_with_figures
from reviewqueue.errors import NotFound
from reviewqueue.reports.at_a_glance import glance_at, glance_figures
from reviewqueue.reports.calibrators import history_figures, history_of
from reviewqueue.reports.coverage import coverage_page
from reviewqueue.reports.drift_series import USUAL, WINDOWS, drift_series
from reviewqueue.reports.plain import plain
from reviewqueue.reports.planner import planner_page
from reviewqueue.reports.quality import quality_of, subjects_listed

GLANCE_DAYS: Final = choice("days", "How far back the flow goes.", ("1", "7", "30"))
DRIFT_DAYS: Final = choice("days", "How far back it goes; in 90 days each point is a week.", tuple(map(str, WINDOWS)))
MODEL: Final = text("model", "Only versions of this model.")
MAX_ERROR: Final = number("max_error", "The error allowed among the accepted. The policy's, if left out.", 0.001, 0.5)
CONFIDENCE: Final = number("confidence", "How sure the promise is to hold. The policy's, if left out.", 0.5, 0.999)
VERSION: Final = (
    text("model", "Of this model."),
    text("model_version", "Of this version of it."),
    text("prompt_version", "Of this prompt version; left out, of none."),
)
LARGEST: Final = 1_000_000_000
PLANNED: Final[tuple[Parameter[float], ...]] = (
    number("minutes", "Minutes of review a day. What people gave lately, if left out.", 0, 1_000_000),
    number("minutes_each", "Minutes per claim. As measured, if left out.", 0.001, 10_000),
    number("error", "The cost of an error. As set in the pipeline, if left out.", 0.000001, LARGEST),
    number("review", "The cost of a review. As set in the pipeline, if left out.", 0, LARGEST),
    number("catch", "The chance that a review finds an error.", 0.01, 1),
    number("spoil", "The chance that a review ruins a right output.", 0, 1),
)


class PipelineOverview(Operation):
    @promises(
        "get_overview",
        **READ,
        parameters=(GLANCE_DAYS,),
        answers={200: Answer("The pipeline at a glance.", owner_answers.Overview, owner_answers.OVERVIEW)},
    )
    def get(self, request: Request, slug: str) -> Response:
        """Get a pipeline at a glance.

        Where claims went and what came of them, how often the accepted ones are wrong, what waits for people, what
        comes in against what gets done, and what somebody should look at.
        """
        pipeline = pipeline_with_figures(request, slug)
        days = int(GLANCE_DAYS.value_in(request.GET) or 1)
        return Response(glance_figures(glance_at(pipeline, days=days, now=timezone.now())))


class PipelineCoverage(Operation):
    @promises(
        "get_coverage",
        **READ,
        parameters=(MAX_ERROR, CONFIDENCE),
        answers={200: Answer("Error against coverage.", owner_answers.Coverage, owner_answers.COVERAGE)},
    )
    def get(self, request: Request, slug: str) -> Response:
        """Get error against coverage.

        For every threshold that was tested: the share it would automate, its measured error and the one that is not
        exceeded, and the hours of review that are left. Error and confidence are the active policy's, if left out.
        """
        found = coverage_page(
            pipeline_with_figures(request, slug),
            max_error=MAX_ERROR.value_in(request.GET),
            certainty=CONFIDENCE.value_in(request.GET),
            now=timezone.now(),
        )
        return Response(plain(found))


class PipelineCalibrators(Operation):
    @promises(
        "list_calibrators",
        **READ,
        answers={200: Answer("The newest fifty.", owner_answers.CalibratorHistory, owner_answers.CALIBRATORS)},
    )
    def get(self, request: Request, slug: str) -> Response:
        """List calibrators.

        With their parameters, the figures they were judged by, and when they were in use by whose approval.
        """
        return Response(history_figures(history_of(pipeline_with_figures(request, slug))))


class PipelineCalibrationReport(Operation):
    @promises(
        "get_calibration_report",
        **READ,
        parameters=VERSION,
        answers={200: Answer("Every figure.", owner_answers.CalibrationReport, owner_answers.REPORT)},
    )
    def get(self, request: Request, slug: str) -> Response:
        """Get every calibration figure of one model version.

        On held-out labels, with 95 % limits from 1,000 resamples, which take seconds after each measurement. Without
        `model`, of the version with most labels.
        """
        pipeline = pipeline_with_figures(request, slug)
        listed = subjects_listed(pipeline)
        model, *versions = (parameter.value_in(request.GET) or "" for parameter in VERSION)
        asked = Subject(model, *versions) if model else next(iter(listed), None)
        if asked is None or asked not in listed:
            raise NotFound("There is no label of such a model version.")
        return Response(plain(quality_of(pipeline, asked)))


class PipelineDriftSeries(Operation):
    @promises(
        "get_drift_series",
        **READ,
        parameters=(DRIFT_DAYS, MODEL),
        answers={200: Answer("One point a day or week.", owner_answers.DriftSeries, owner_answers.DRIFT_SERIES)},
    )
    def get(self, request: Request, slug: str) -> Response:
        """Get confidence and accuracy over time.

        With the versions that came up and the policies that began to decide meanwhile.
        """
        pipeline = pipeline_with_figures(request, slug)
        days = int(DRIFT_DAYS.value_in(request.GET) or USUAL)
        model = MODEL.value_in(request.GET) or ""
        return Response(plain(drift_series(pipeline, days=days, model=model, now=timezone.now())))


class PipelinePlan(Operation):
    @promises(
        "get_plan",
        **READ,
        parameters=(*PLANNED, MAX_ERROR, CONFIDENCE),
        answers={200: Answer("A plan per model version.", owner_answers.PlanList, owner_answers.PLAN)},
    )
    def get(self, request: Request, slug: str) -> Response:
        """Plan cost and capacity.

        The thresholds that cost, capacity and promise suggest, and what each would mean. Nothing is stored.
        """
        found = planner_page(
            pipeline_with_figures(request, slug),
            {parameter.name: parameter.value_in(request.GET) for parameter in PLANNED},
            max_error=MAX_ERROR.value_in(request.GET),
            certainty=CONFIDENCE.value_in(request.GET),
            now=timezone.now(),
        )
        return Response(plain(found))
