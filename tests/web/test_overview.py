"""A pipeline at a glance, as its owners see it."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from reviewqueue.accounts.models import ApiKey
from reviewqueue.accounts.services import issue_key
from reviewqueue.pipelines.models import Grant
from reviewqueue.policy import services as policies
from reviewqueue.reports.at_a_glance import Glance, glance_at
from reviewqueue.review.models import ReviewSlot
from tests.api.test_read_calibration import tripped
from tests.services.review.steps import RIGHT, WRONG, label_next
from tests.web.visitor import Visitor, text_of
from tests.world import IDENTITY, POLICY, SETUP, World

PAGE = "/pipelines/support-answers/"


def words_of(response: Any) -> str:
    page = text_of(response)
    return " ".join(re.sub(r"<[^>]+>", " ", page[page.index("<main") : page.index("</main>")]).split())


@pytest.fixture
def busy(world: World) -> World:
    """Three held claims (right, wrong, waiting), and two that were accepted."""
    world.claim(confidence=0.7)
    label_next(world.rita, RIGHT)
    world.claim(confidence=0.7)
    label_next(world.rita, WRONG)
    world.claim(confidence=0.7)
    world.activate({**POLICY, "calibrators": [IDENTITY]})
    world.validate_band()
    for _ in range(2):
        world.claim(confidence=0.95)
    return world


def test_the_flow_is_told_in_words_and_in_a_table(busy: World, olga: Visitor) -> None:
    page = text_of(olga.get(PAGE))
    drawn = re.search(r'aria-label="Where claims went, and what came of them: ([^"]+)"', page)
    assert drawn
    assert drawn[1].startswith("2 accepted, 3 held for review; then")
    assert "1 right, 1 wrong" in drawn[1]
    words = words_of(olga.get(PAGE))
    assert "accepted without a person (coverage) 40.0 %" in words
    assert "target at most 10.0 %" in words
    assert re.search(r"Held for review 3 60\.0 % 1 1 0 1 0 0", words)


def test_work_by_the_hour_has_its_table_and_forecast(busy: World, olga: Visitor) -> None:
    words = words_of(olga.get(PAGE))
    assert re.search(r"Last 24 hours: [34567] labels asked for, 2 given", words)
    assert words.count(":00") >= 24
    assert "labels waiting for" in words


def test_a_pipeline_in_order_has_nothing_to_look_at(world: World, olga: Visitor) -> None:
    words = words_of(olga.get(PAGE))
    assert "To look at now Nothing. Work is in time" in words
    assert "No claim today" in words


def test_a_new_pipeline_opens_on_what_it_still_needs(world: World, olga: Visitor) -> None:
    page, words = text_of(olga.get(PAGE)), words_of(olga.get(PAGE))
    assert "Done: Owner. Olga answers for it." in words
    assert "Done: Key." in words
    assert "To do: First claim." in words
    assert "curl http://testserver/api/v1/claims" in page
    assert "&quot;pipeline&quot;" in page or '"pipeline": "support-answers"' in page
    world.pipeline.sources.clear()
    Grant.objects.filter(role__in=["reviewer", "senior"]).delete()
    words = words_of(olga.get(PAGE))
    assert "To do: Key." in words
    assert "To do: Reviewers." in words
    world.pipeline.sources.add(world.source)
    world.claim()
    assert "First steps" not in words_of(olga.get(PAGE))


def test_late_work_is_said_to_be_late(busy: World, olga: Visitor) -> None:
    ReviewSlot.objects.update(due_at=timezone.now() - timedelta(hours=1))
    words = words_of(olga.get(PAGE))
    assert re.search(r"Wrong now: \d labels? (is|are) late\. Their claims wait longer than the policy allows\.", words)
    assert "Some of it is late already." in words


def test_a_queue_without_anybody_to_work_it_is_an_alarm(busy: World, olga: Visitor) -> None:
    Grant.objects.filter(role__in=["reviewer", "senior"]).delete()
    assert "Nobody may review here." in words_of(olga.get(PAGE))


def test_a_pipeline_whose_owners_are_gone_is_an_alarm(busy: World, adam: Visitor) -> None:
    for person in (busy.olga, busy.otto):
        person.is_active = False
        person.save(update_fields=["is_active"])
    assert "Nobody answers for this pipeline. The account of Olga is closed" in words_of(adam.get(PAGE))


def test_a_source_that_stopped_is_an_alarm(world: World) -> None:
    for _ in range(22):
        world.claim()
    now = timezone.now()
    assert codes(glance_at(world.pipeline, days=1, now=now)) == []
    later = glance_at(world.pipeline, days=1, now=now + timedelta(hours=3))
    assert "source_stopped" in codes(later)
    assert "Helpdesk has posted nothing for 3 hours." in [alarm.title for alarm in later.alarms]


@pytest.mark.parametrize(
    ("days", "tone", "said"),
    [
        (29, "warning", "The last key of Helpdesk ends in 28 days."),
        (-1, "late", "Helpdesk can post no more."),
        (31, "", ""),
        (-31, "", ""),
        (None, "", ""),
    ],
)
def test_the_last_key_of_a_source_is_an_alarm_before_and_after_it_ends(
    world: World, days: int | None, tone: str, said: str
) -> None:
    now = timezone.now()
    ends = None if days is None else now + timedelta(days=days)
    ApiKey.objects.update(expires_at=ends)
    found = glance_at(world.pipeline, days=1, now=now + timedelta(seconds=1)).alarms
    assert [(alarm.code, alarm.tone, alarm.title) for alarm in found] == ([("key_ends", tone, said)] if tone else [])


def test_another_key_that_lasts_and_one_for_something_else_are_told_apart(world: World, adam: Visitor) -> None:
    now = timezone.now()
    ApiKey.objects.update(expires_at=now + timedelta(days=2))
    issue_key(holder=world.source, name="outcomes", scopes=["outcomes"], actor=SETUP)
    page = text_of(adam.get(PAGE))
    assert "The last key of Helpdesk ends in 1 day." in words_of(adam.get(PAGE))
    assert 'href="/sources/helpdesk/"' in page
    issue_key(holder=world.source, name="next", scopes=["intake"], actor=SETUP)
    assert "key_ends" not in codes(glance_at(world.pipeline, days=1, now=now))


def codes(glance: Glance) -> list[str]:
    return [alarm.code for alarm in glance.alarms]


def test_a_stopped_model_is_an_alarm_that_leads_to_its_breaker(world: World, olga: Visitor) -> None:
    policies.stop_automation(pipeline=world.pipeline, by=world.olga, reason="incident")
    page = text_of(olga.get(PAGE))
    assert "Every model is stopped." in page
    assert 'href="/pipelines/support-answers/breakers/"' in page


def test_the_figures_can_be_taken_away(busy: World, olga: Visitor) -> None:
    figures = olga.get(PAGE, {"days": "7", "as": "json"})
    assert figures["Content-Disposition"] == 'attachment; filename="support-answers-overview.json"'
    body = figures.json()
    assert (body["days"], body["claims"], body["coverage"]) == (7, 5, 0.4)
    assert {"route": "review", "end": "wrong", "claims": 1} in body["flow"]
    rows = list(csv.DictReader(io.StringIO(text_of(olga.get(PAGE, {"as": "csv"})))))
    assert rows[0]["table"] == "figures"
    assert [row["claims"] for row in rows if row["table"] == "flow" and row["end"] == "wrong"] == ["1"]
    assert sum(row["table"] == "work.hours" for row in rows) == 24


@pytest.mark.parametrize(("query", "days"), [("", "24 hours"), ("?days=7", "7 days"), ("?days=x", "24 hours")])
def test_the_window_is_one_of_three(busy: World, olga: Visitor, query: str, days: str) -> None:
    assert f'aria-current="true">{days}</a>' in text_of(olga.get(PAGE + query))


def test_what_others_named_cannot_change_the_page(world: World, olga: Visitor) -> None:
    tripped(world, "<script>alert(1)</script>", 440)
    page = text_of(olga.get(PAGE))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


def test_the_page_takes_no_more_queries_for_more_claims(
    busy: World, olga: Visitor, django_assert_max_num_queries: Any
) -> None:
    olga.get(PAGE)
    for place in range(12):
        busy.claim(confidence=0.7, model_version=f"v{place}")
    with django_assert_max_num_queries(36):
        olga.get(PAGE)
