"""How far confidence can be trusted, the threshold that a promise allows, and when the confidences moved."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from calibration import findings, selectors
from reviewqueue.api import calibration_answers, calibration_examples
from reviewqueue.api.calibration_shapes import calibration_answer, finding_answer, monitor_answer, threshold_answer
from reviewqueue.api.contract import Answer, promises
from reviewqueue.api.operation import Operation
from reviewqueue.api.queries import choice, instant, share
from reviewqueue.api.views.pipelines import READ, SEGMENT, pipeline_with_figures
from reviewqueue.pipelines.signals import ELICITATIONS
from reviewqueue.policy.selectors import active_policy

if TYPE_CHECKING:
    from reviewqueue.pipelines.models import Pipeline

SINCE: Final = instant("since", "Only claims received from the beginning of that day (UTC) on.")
ELICITATION: Final = choice("elicitation", "Only claims whose confidence was obtained this way.", ELICITATIONS)
USUAL_ERROR: Final = 0.05
USUAL_CONFIDENCE: Final = 0.95
MAX_ERROR: Final = share("max_error", "The error rate allowed among the accepted.", 0.001, 0.5, USUAL_ERROR)
CONFIDENCE: Final = share("confidence", "How sure the promise is to hold.", 0.5, 0.999, USUAL_CONFIDENCE)
MODELS_SHOWN: Final = 12


class PipelineCalibration(Operation):
    @promises(
        "get_calibration",
        **READ,
        parameters=(SEGMENT, ELICITATION, SINCE),
        answers={
            200: Answer(
                "How well every confidence is calibrated.",
                calibration_answers.CalibrationList,
                calibration_examples.CALIBRATION,
            )
        },
    )
    def get(self, request: Request, slug: str) -> Response:
        """Get how well confidence is calibrated.

        On labels of known chance that fitted nothing, each standing for the claims it was drawn from. The twelve
        models with most labels.
        """
        pipeline = pipeline_with_figures(request, slug)
        segment, since = SEGMENT.value_in(request.GET) or "", SINCE.value_in(request.GET)
        elicitation = ELICITATION.value_in(request.GET) or ""
        return Response({"results": list(_calibrations(pipeline, segment, elicitation, since))})


class PipelineThresholds(Operation):
    @promises(
        "list_thresholds",
        **READ,
        parameters=(MAX_ERROR, CONFIDENCE),
        answers={
            200: Answer(
                "The lowest threshold that holds, or why none does.",
                calibration_answers.ThresholdList,
                calibration_examples.THRESHOLDS,
            )
        },
    )
    def get(self, request: Request, slug: str) -> Response:
        """Get the lowest threshold that keeps an error rate.

        Tested exactly on an equal-probability sample, so that with the given confidence the error rate among the
        accepted stays at or below `max_error`, for claims like those of the sample. Nothing changes by asking, but
        each answer is a promise of its own: who asks until one pleases has asked too often.
        """
        pipeline = pipeline_with_figures(request, slug)
        max_error = MAX_ERROR.value_in(request.GET) or USUAL_ERROR
        confidence = CONFIDENCE.value_in(request.GET) or USUAL_CONFIDENCE
        found = selectors.certificates(pipeline, max_error=max_error, certainty=confidence, now=timezone.now())
        results = [threshold_answer(each) for each in found]
        return Response({"max_error": max_error, "confidence": confidence, "results": results})


class PipelineDrift(Operation):
    @promises(
        "list_drift",
        **READ,
        answers={
            200: Answer("What was found, newest first.", calibration_answers.DriftList, calibration_examples.DRIFT)
        },
    )
    def get(self, request: Request, slug: str) -> Response:
        """List what the monitors found, and how they stand.

        A finding about confidences says that something changed, not that anything is wrong: that only labels tell. One
        about an outcome says that a band broke its promise: it decides nothing until a person has looked. Those about
        calibration ask for another calibrator, and stop nothing.
        """
        pipeline = pipeline_with_figures(request, slug)
        return Response(
            {
                "results": [finding_answer(found) for found in findings.drift_findings(pipeline)],
                "monitors": [monitor_answer(row) for row in findings.monitors(pipeline)],
            }
        )


def _calibrations(
    pipeline: Pipeline, segment: str, elicitation: str, since: datetime | None
) -> Iterator[dict[str, Any]]:
    active = active_policy(pipeline.pk)
    entries = active.policy.calibrator_of if active else {}
    for subject in selectors.subjects(pipeline, since=since)[:MODELS_SHOWN]:
        entry = entries.get(subject)
        for calibrated in (False, True) if entry else (False,):
            measured = selectors.reliability(
                pipeline,
                **subject._asdict(),
                segment=segment,
                elicitation=elicitation,
                since=since,
                calibrated=calibrated,
            )
            yield {
                **subject._asdict(),
                "confidence": "calibrated" if calibrated else "stated",
                "calibrator": entry.name if entry else None,
                **calibration_answer(measured),
            }
