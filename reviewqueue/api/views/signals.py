"""What the signals of a pipeline are worth, and what they add to the calibrated confidence."""

from __future__ import annotations

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from reviewqueue.api import signal_answers, signal_examples
from reviewqueue.api.contract import Answer, promises
from reviewqueue.api.operation import Operation
from reviewqueue.api.views.pipelines import READ, pipeline_with_figures
from reviewqueue.reports.signal_figures import signal_figures
from reviewqueue.reports.signal_models import signal_models
from reviewqueue.reports.signals import signal_report


class PipelineSignals(Operation):
    @promises(
        "get_signals",
        **READ,
        answers={
            200: Answer("What each signal is worth.", signal_answers.SignalReport, signal_examples.SIGNALS),
        },
    )
    def get(self, request: Request, slug: str) -> Response:
        """Get what signals are worth.

        How well the confidence and every signal rank right outputs above wrong ones, which rules use them, and, where
        a calibrator looks at several of them, what each adds to it.
        """
        pipeline = pipeline_with_figures(request, slug)
        return Response(signal_figures(signal_report(pipeline, timezone.now()), signal_models(pipeline)))
