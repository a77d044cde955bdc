"""The page of alarms: what stands, what is over, and who is told."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.alarms import services
from reviewqueue.operations.mail import NOWHERE
from reviewqueue.reports.alarm import LATE, Alarm
from tests.web.visitor import Visitor, text_of
from tests.world import World

PAGE = "/pipelines/support-answers/alarms/"


def test_it_says_what_stands_and_what_is_over(world: World) -> None:
    assert "None yet." in text_of(Visitor(world.olga).get(PAGE))
    alarm = Alarm("source_stopped", LATE, "<b>Helpdesk</b> is silent.", "For 3 hours.", subject="helpdesk")
    services.keep(pipeline=world.pipeline, alarms=[alarm], now=timezone.now())
    page = text_of(Visitor(world.olga).get(PAGE))
    assert "&lt;b&gt;Helpdesk&lt;/b&gt; is silent." in page
    assert "alarm-late" in page
    services.keep(pipeline=world.pipeline, alarms=[], now=timezone.now())
    page = text_of(Visitor(world.ada).get(PAGE))
    assert "alarm-late" not in page
    assert "is silent." in page


def test_it_says_who_is_mailed(world: World, settings: Any) -> None:
    settings.EMAIL_BACKEND = NOWHERE
    assert "no mail server is set up here" in text_of(Visitor(world.olga).get(PAGE))
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert "neither owner nor deputy has an e-mail address" in text_of(Visitor(world.olga).get(PAGE))
    User.objects.filter(pk=world.otto.pk).update(email="otto@example.org")
    assert "by mail to Otto, and as a webhook" in text_of(Visitor(world.olga).get(PAGE))
