"""Audit reports on pages: asked for, watched, read; nobody sees those of others."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pytest_django import Settings

from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.note import VerifierKey
from reviewqueue.reports.models import AuditReport
from reviewqueue.reports.services import make_waiting
from tests.services.ledger.cast import prepare_sealing
from tests.services.reports.steps import asked, made
from tests.services.review.steps import RIGHT, WRONG, label_next
from tests.web.visitor import Visitor, text_of
from tests.world import World

REPORTS = "/reports/"


@pytest.fixture
def key(world: World, settings: Settings, tmp_path: Path) -> VerifierKey:
    made_key = prepare_sealing(settings, tmp_path)
    ledger.seal()
    return made_key


def test_a_report_is_asked_for_watched_and_read(world: World, key: VerifierKey, ada: Visitor) -> None:
    assert "None was made yet" in text_of(ada.get(REPORTS))
    answer = ada.post(REPORTS, {"pipeline": world.pipeline.slug, "first": "2026-10-01", "last": "2026-10-31"})
    address = answer["Location"]
    waiting = text_of(ada.get(address))
    assert 'hx-trigger="every 3s"' in waiting
    assert "look again" in waiting
    assert 'hx-trigger="every 5s"' in text_of(ada.get(REPORTS))
    make_waiting()
    page = text_of(ada.get(address))
    assert "every 3s" not in page
    assert "not sealed yet" in page
    assert "Mandatory review" in page
    assert "Not promised" in page
    assert AuditReport.objects.get().digest in page
    assert "every 5s" not in text_of(ada.get(REPORTS))
    ledger.seal()
    page = text_of(ada.get(address))
    assert "not sealed yet" not in page
    assert re.search(r'Entry that holds it</dt><dd><a href="/ledger/entries/\d+/">leaf', page)
    assert json.loads(ada.get(f"{address}?as=proof").content)["sealed"] is True


def test_names_stand_with_changes_and_pseudonyms_with_reviewers(world: World, key: VerifierKey, ada: Visitor) -> None:
    world.claim(category="refunds")
    label_next(world.rita, RIGHT)
    world.claim()
    label_next(world.ravi, WRONG)
    report = made(world.ada, world.pipeline)
    page = text_of(ada.get(f"{REPORTS}{report.pk}/"))
    assert "<bdi>Olga</bdi>" in page
    assert "<bdi>Otto</bdi>" in page
    assert "Rita" not in page
    assert str(world.rita.pseudonym) in page
    assert "interval-bar" in page
    assert "columns-chart" in page


def test_a_period_that_is_none_is_refused_and_keeps_what_was_typed(
    world: World, key: VerifierKey, ada: Visitor
) -> None:
    for given in (
        {"first": "2026-10-31", "last": "2026-10-01"},
        {"first": "2999-01-01", "last": "2999-01-02"},
        {"first": "nonsense", "last": ""},
        {"first": "2026-10-01", "last": "2026-10-31", "pipeline": "nowhere"},
    ):
        page = ada.post(REPORTS, given)
        assert page.status_code == 422
        assert 'role="alert"' in text_of(page)
        assert given["first"] in text_of(page)
    assert not AuditReport.objects.exists()


def test_readers_see_the_reports_of_their_pipelines_and_no_form(world: World, key: VerifierKey, sam: Visitor) -> None:
    own, other = made(world.ada, world.pipeline), asked(world.ada)
    page = text_of(sam.get(REPORTS))
    assert str(own.pk) in page
    assert str(other.pk) not in page
    assert "Make the report" not in page
    assert sam.get(f"{REPORTS}{other.pk}/").status_code == 404
