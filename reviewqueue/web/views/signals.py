"""What the signals of a pipeline are worth."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils import timezone

from calibration.core.calibrators import FEWEST_TO_COMBINE
from calibration.core.ranking import FEWEST_LABELS, FEWEST_OF_EACH
from calibration.core.signal_table import FEWEST_CARRYING
from reviewqueue.pipelines.selectors import FIGURES_ROLES, has_role, pipeline_for
from reviewqueue.policy.selectors import active_policy
from reviewqueue.reports.signal_figures import signal_figures
from reviewqueue.reports.signal_models import SignalModel, signal_models
from reviewqueue.reports.signals import DECISIVE_WITHIN, NEWEST, signal_report
from reviewqueue.web.access import page
from reviewqueue.web.downloads import file_of, wants_file
from reviewqueue.web.render import show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import SETTING_ROLES

MIXES_SHOWN = 12


class ShownModel:
    """A calibrator in whose fit signals were tried, with its chart."""

    def __init__(self, model: SignalModel) -> None:
        self.model = model
        self.bars = [(each.name, each.share, None) for each in model.inputs]


@page
def signals(request: PersonRequest, slug: str) -> HttpResponse:
    pipeline = pipeline_for(request.user, slug, FIGURES_ROLES)
    report, models = signal_report(pipeline, timezone.now()), signal_models(pipeline)
    if wants_file(request):
        return file_of(request, signal_figures(report, models), name=f"{slug}-signals")
    context = {
        "pipeline": pipeline,
        "report": report,
        "models": [ShownModel(model) for model in models],
        "mixes": report.mixes[:MIXES_SHOWN],
        "mixed": [mix for mix in report.mixes if mix.is_mixed],
        "active": active_policy(pipeline.pk),
        "may_set": has_role(request.user, SETTING_ROLES, pipeline_id=pipeline.pk),
        "newest": NEWEST,
        "days": DECISIVE_WITHIN.days,
        "fewest": FEWEST_LABELS,
        "fewest_of_each": FEWEST_OF_EACH,
        "fewest_carrying": FEWEST_CARRYING,
        "fewest_to_combine": FEWEST_TO_COMBINE,
    }
    return show(request, "pipelines/signals.html", context)
