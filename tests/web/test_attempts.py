"""What pages show of a claim that answers another one."""

from __future__ import annotations

from django.urls import reverse

from tests.services.review.steps import label_next, review_terms, taken
from tests.web.visitor import Visitor, text_of
from tests.world import World

NEWER = "A newer attempt exists"


def test_the_page_of_a_claim_lists_the_attempts_of_its_case_with_links(world: World, ada: Visitor) -> None:
    first = world.claim(external_id="first-attempt")
    second = world.claim(external_id="second-attempt", supersedes=str(first.pk))
    page = text_of(ada.get(reverse("web:claim", args=[first.pk])))
    assert f'<a href="{reverse("web:claim", args=[second.pk])}">' in page
    assert page.index("first-attempt") < page.index("second-attempt")
    assert "speaks for the case" in page


def test_a_claim_that_is_alone_shows_no_attempts(world: World, ada: Visitor) -> None:
    assert "speaks for the case" not in text_of(ada.get(reverse("web:claim", args=[world.claim().pk])))


def test_a_reviewer_is_told_of_a_newer_attempt_unless_the_task_is_blind(world: World, rita: Visitor) -> None:
    for blind, told in (("none", True), ("score", False)):
        world.activate(review_terms(blind=blind))
        first = world.claim()
        second = world.claim(supersedes=str(first.pk))
        assert (NEWER in text_of(rita.get(reverse("web:task", args=[taken(world.rita).pk])))) is told
        newest = taken(world.rita)
        assert newest.task.claim_id == second.pk
        assert NEWER not in text_of(rita.get(reverse("web:task", args=[newest.pk])))


def test_a_reviewer_sees_the_own_claim_and_not_its_attempts(world: World, rita: Visitor) -> None:
    first = world.claim()
    world.claim(supersedes=str(first.pk))
    label_next(world.rita)
    page = rita.get(reverse("web:claim", args=[first.pk]))
    assert page.status_code == 200
    assert "speaks for the case" not in text_of(page)


def test_a_reviewer_sees_what_earlier_attempts_said_unless_the_task_is_blind(world: World, rita: Visitor) -> None:
    for blind, told in (("none", True), ("score", False)):
        world.activate(review_terms(blind=blind))
        first = world.claim(output=f"what {blind} <b>said</b> before")
        taken(world.rita)
        world.claim(supersedes=str(first.pk))
        page = text_of(rita.get(reverse("web:task", args=[taken(world.rita).pk])))
        assert ("Earlier attempts" in page) is told
        assert (f"what {blind} &lt;b&gt;said&lt;/b&gt; before" in page) is told
