"""Where a pipeline asks for a second opinion, on its page."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from reviewqueue.cascade.models import HandlerCall, SecondaryHandler
from tests.services.cascade.steps import cascading, step_of, unsure
from tests.web.visitor import Visitor, text_of
from tests.world import World

WISHES = {"do": "save", "url": "https://second.example.com/?t=canary", "model": "second-lm", "timeout_seconds": "20"}


@pytest.fixture
def address(world: World) -> str:
    return reverse("web:second_opinion", args=[world.pipeline.slug])


def test_an_owner_registers_a_handler_and_sees_its_secret_this_once(world: World, olga: Visitor, address: str) -> None:
    assert "waits for its caller" in text_of(olga.get(address))
    saved = olga.post(address, WISHES)
    assert saved.status_code == 200
    assert "whsec_" in text_of(saved)
    page = text_of(olga.get(address))
    assert "whsec_" not in page
    assert "Waits for the challenge" in page
    assert "second-lm" in page


def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(
    world: World, olga: Visitor, address: str
) -> None:
    refused = olga.post(address, {**WISHES, "url": "http://10.0.0.1/hook", "timeout_seconds": "61"})
    assert refused.status_code == 422
    assert "http://10.0.0.1/hook" in text_of(refused)
    refused = olga.post(address, {**WISHES, "url": "http://10.0.0.1/hook"})
    assert "The address starts with https://." in text_of(refused)
    assert not SecondaryHandler.objects.exists()


def test_a_handler_is_switched_off_and_on_and_gets_a_new_secret(world: World, olga: Visitor, address: str) -> None:
    olga.post(address, WISHES)
    assert olga.post(address, {"do": "off"}).status_code == 303
    assert "Switched off" in text_of(olga.get(address))
    assert olga.post(address, {"do": "on"}).status_code == 303
    assert "whsec_" in text_of(olga.post(address, {"do": "renew"}))
    assert olga.post(address, {**WISHES, "timeout_seconds": "30"}).status_code == 303


def test_there_is_nothing_to_switch_before_it_is_registered(world: World, olga: Visitor, address: str) -> None:
    assert olga.post(address, {"do": "off"}).status_code == 404


def test_an_auditor_sees_the_calls_and_not_the_address(
    world: World, olga: Visitor, ada: Visitor, address: str, django_assert_max_num_queries: Any
) -> None:
    olga.post(address, WISHES)
    world.activate(cascading("secondary"))
    for number in range(25):
        step = step_of(unsure(world, external_id=f"asked-{number}"))
        HandlerCall.objects.create(
            step=step, pipeline=world.pipeline, number=1, started_at=timezone.now(), error="timeout", seconds=5.04
        )
    with django_assert_max_num_queries(14):
        page = text_of(ada.get(address))
    assert "asked-24" in page
    assert "asked-4" not in page
    assert "no answer in time" in page
    assert "canary" not in page
    assert "<strong>25</strong> claims wait" in page
