"""The page on which owners say when tasks are due, which skills they ask for, and who has them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from reviewqueue.pipelines.models import Pipeline
from reviewqueue.pipelines.selectors import skills_of
from tests.web.visitor import Visitor, text_of
from tests.world import World

PAGE = "/pipelines/support-answers/queue-rules/"
SKILLS = "/pipelines/support-answers/skills/"
WRITTEN = {
    "zone": "Europe/Berlin",
    "mon": "09:00-12:00, 13:00–17:00",
    "tue": "09:00-17:00",
    "holidays": "2026-12-25\n2026-12-26",
    "due_categories": "refunds: 60\n\n",
    "due_bands": "0.60-0.90: 480",
    "skill_categories": "refunds: law, german",
    "skill_segments": "language=de: german",
}
STORED = {
    "working_time": {
        "zone": "Europe/Berlin",
        "hours": {"mon": [["09:00", "12:00"], ["13:00", "17:00"]], "tue": [["09:00", "17:00"]]},
        "holidays": ["2026-12-25", "2026-12-26"],
    },
    "due": {"categories": {"refunds": 60}, "bands": {"0.60-0.90": 480}},
    "skills": {"categories": {"refunds": ["german", "law"]}, "segments": {"language": {"de": ["german"]}}},
}


def version_on(page: str) -> str:
    [version] = re.findall(r'name="version" value="([^"]*)"', page)
    return version


def save(visitor: Visitor, **written: Any) -> Any:
    version = version_on(text_of(visitor.get(PAGE)))
    return visitor.post(PAGE, {"version": version, **written}, follow=True)


def stored() -> Any:
    return Pipeline.objects.get(slug="support-answers").queue_rules


def test_what_is_written_is_stored_and_shown_as_it_was_written(world: World, olga: Visitor) -> None:
    assert "They hold for tasks that are opened from now on" in text_of(save(olga, **WRITTEN))
    assert stored() == STORED
    page = text_of(olga.get(PAGE))
    for shown in (
        "09:00-12:00, 13:00-17:00",
        "refunds: 60",
        "0.60-0.90: 480",
        "refunds: german, law",
        "language=de: german",
    ):
        assert shown in page
    save(olga)
    assert stored() == {}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"zone": "Europe/Atlantis", "mon": "09:00-17:00"}, "This is a time zone"),
        ({"zone": "Europe/Berlin"}, "at least one working hour"),
        ({"zone": "Europe/Berlin", "mon": "nine to five"}, "Hours are written like"),
        ({"zone": "Europe/Berlin", "mon": "17:00-09:00"}, "Stretches follow each other"),
        ({"zone": "Europe/Berlin", "mon": "09:00-17:00", "holidays": "Christmas"}, "Holidays are up to"),
        ({"due_categories": "refunds 60"}, "a name, a colon"),
        ({"due_categories": "refunds: soon"}, "no number of minutes"),
        ({"due_categories": "refunds: 0"}, "Minutes are a whole number"),
        ({"due_categories": "nonsense: 5"}, "is not known here"),
        ({"skill_categories": "refunds: Law!"}, "Skills are words"),
        ({"skill_segments": "language=xx: german"}, "is not known here"),
    ],
)
def test_what_makes_no_sense_is_refused_beside_its_field(
    world: World, olga: Visitor, written: dict[str, str], said: str
) -> None:
    response = save(olga, **written)
    assert response.status_code == 422
    assert said in text_of(response)
    assert next(iter(written.values())) in text_of(response)
    assert stored() == {}


def test_two_people_do_not_overwrite_each_other(world: World, olga: Visitor, otto: Visitor) -> None:
    old = version_on(text_of(olga.get(PAGE)))
    save(otto, due_categories="refunds: 30")
    response = olga.post(PAGE, {"version": old, "due_categories": "refunds: 90"})
    assert response.status_code == 422
    assert "Somebody else changed these settings" in text_of(response)
    assert stored() == {"due": {"categories": {"refunds": 30}}}


def test_skills_are_given_to_people_who_review_here(world: World, olga: Visitor) -> None:
    assert "No task asks for a skill" in text_of(olga.get(PAGE))
    save(olga, **WRITTEN)
    page = text_of(olga.post(SKILLS, {"person": "rita", "skill": ["law", "german"]}, follow=True))
    assert "Saved for Rita" in page
    assert skills_of(world.rita) == {"law", "german"}
    assert page.count("checked") == 2
    olga.post(SKILLS, {"person": "rita", "skill": ["law"]})
    assert skills_of(world.rita) == {"law"}
    assert olga.post(SKILLS, {"person": "nora", "skill": ["law"]}).status_code == 404
    assert olga.post(SKILLS, {"person": "rita", "skill": ["magic"]}).status_code == 422


def test_who_only_looks_sees_everything_and_can_change_nothing(world: World, olga: Visitor, ada: Visitor) -> None:
    save(olga, **WRITTEN)
    olga.post(SKILLS, {"person": "rita", "skill": ["law"]})
    page = text_of(ada.get(PAGE))
    assert "refunds: 60" in page
    assert '<fieldset class="bare" disabled>' in page
    assert "Save the rules" not in page
    assert '<span class="tag">law</span>' in page
