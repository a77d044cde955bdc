"""Alarms of a pipeline that are told: those that stand, and those that are over."""

from __future__ import annotations

from django.http import HttpResponse

from reviewqueue.alarms.selectors import PAST_SHOWN, addressees, past_alarms, standing_alarms
from reviewqueue.operations.mail import mail_is_set_up
from reviewqueue.pipelines.selectors import FIGURES_ROLES, pipeline_for
from reviewqueue.web.access import page
from reviewqueue.web.render import show
from reviewqueue.web.request import PersonRequest


@page
def alarms(request: PersonRequest, slug: str) -> HttpResponse:
    pipeline = pipeline_for(request.user, slug, FIGURES_ROLES)
    context = {
        "pipeline": pipeline,
        "standing": standing_alarms(pipeline),
        "past": past_alarms(pipeline),
        "most": PAST_SHOWN,
        "people": addressees(pipeline),
        "sends_mail": mail_is_set_up(),
    }
    return show(request, "pipelines/alarms.html", context)
