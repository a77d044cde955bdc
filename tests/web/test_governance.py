"""Who answers, what is to be measured until when, and the specification of what is in force."""

from __future__ import annotations

import re
from datetime import timedelta

from django.utils import timezone

from reviewqueue.golden.models import SeenVersion
from reviewqueue.golden.services import watching
from reviewqueue.pipeline_settings import change_settings
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.models import PolicyVersion
from tests.services.golden.steps import golden_set, published
from tests.web.visitor import Visitor, text_of
from tests.world import POLICY, World

HERE = "/pipelines/support-answers/"


def words_of(visitor: Visitor, address: str) -> str:
    response = visitor.get(address)
    assert response.status_code == 200
    page = text_of(response)
    return " ".join(re.sub(r"<[^>]+>", " ", page[page.index("<main") : page.index("</main>")]).split())


def make_late(world: World) -> None:
    """Its only version was never labelled, and the policy's time is over."""
    world.activate({**POLICY, "freshness_days": 1})
    world.claim(confidence=0.3)
    watching.watch_traffic()
    long_ago = timezone.now() - timedelta(days=3)

    SeenVersion.objects.update(first_seen_at=long_ago)
    PolicyVersion.objects.filter(status="active").update(activated_at=long_ago)


def test_what_is_late_is_red_on_the_overview_the_list_and_the_golden_page(world: World, olga: Visitor) -> None:
    make_late(world)
    for address in (HERE, f"{HERE}golden-sets/"):
        page = text_of(olga.get(address))
        assert '<strong class="overdue">' in page
        assert "Late: due" in words_of(olga, address)
        assert "labels of its claims" in page
    assert "1 late" in words_of(olga, "/pipelines/")
    assert "acme-lm 2026-10-01, prompt v14, was never measured." in words_of(olga, HERE)


def test_a_pipeline_without_a_deputy_is_seen_in_the_list(world: World, olga: Visitor) -> None:
    assert "for them Otto" in words_of(olga, "/pipelines/")
    Pipeline.objects.update(deputy=None)
    assert "no deputy" in words_of(olga, "/pipelines/")
    assert "This pipeline has no deputy." in words_of(olga, HERE)


def test_the_specification_in_force_has_an_address_that_stays(world: World, olga: Visitor) -> None:
    assert "Specification of policy version 1" in words_of(olga, f"{HERE}specification/")
    world.activate({**POLICY, "freshness_days": 12})
    page = words_of(olga, f"{HERE}specification/")
    assert "Specification of policy version 2" in page
    assert PolicyVersion.objects.get(number=2).document_hash in page
    PolicyVersion.objects.filter(status="active").update(status="retired")
    assert olga.get(f"{HERE}specification/").status_code == 404


def test_the_specification_says_what_is_measured_kept_and_masked(world: World, olga: Visitor) -> None:
    rules = [
        {"id": "email", "kind": "email", "output": False},
        {"id": "order", "kind": "pattern", "pattern": "ORD-[0-9]{6}"},
        {"id": "name", "kind": "mask", "path": "/metadata/name"},
    ]
    change_settings(pipeline=world.pipeline, changes={"redaction": rules, "views_recorded": "auditors"}, by=world.olga)
    page = words_of(olga, f"{HERE}specification/")
    assert "Owner of the pipeline Olga, for them Otto" in page
    assert "By labels of its claims: the newest one of a version may be 30 days old." in page
    assert "email E-mail addresses (not in the output)" in page
    assert "order ORD-[0-9]{6}" in page
    assert "name masks /metadata/name" in page
    assert "of auditors, and of administrators; by break-glass always" in page
    assert "Texts are erased after no set time" in page
    published(world, every_days=20, within_days=0)
    golden_set(world, "draft-only")
    page = words_of(olga, f"{HERE}specification/")
    assert "By the golden set prices : every 20 days, and a new model or prompt version at once." in page
    assert "Olga sees to it." in page
    assert "draft-only" not in page
