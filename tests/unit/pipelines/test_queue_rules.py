"""When tasks are due and what they ask for, by the rules of their pipeline."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reviewqueue.pipelines.queue_rules import NO_RULES, rule_problems, rules_of

BERLIN = {
    "zone": "Europe/Berlin",
    "hours": {day: [["09:00", "12:00"], ["13:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
    "holidays": ["2026-12-25"],
}


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("start", "minutes", "due"),
    [
        (utc(2026, 11, 25, 9, 0), 60, utc(2026, 11, 25, 10, 0)),  # Wednesday, 10:00 there
        (utc(2026, 11, 25, 10, 30), 60, utc(2026, 11, 25, 12, 30)),  # over lunch
        (utc(2026, 11, 25, 15, 30), 60, utc(2026, 11, 26, 8, 30)),  # into the next morning
        (utc(2026, 11, 27, 15, 30), 60, utc(2026, 11, 30, 8, 30)),  # over a weekend
        (utc(2026, 12, 24, 15, 30), 60, utc(2026, 12, 28, 8, 30)),  # over a holiday and a weekend
        (utc(2026, 11, 29, 3, 0), 420, utc(2026, 11, 30, 16, 0)),  # a Sunday: a whole working day later
        (utc(2026, 3, 27, 15, 30), 60, utc(2026, 3, 30, 7, 30)),  # the clocks went forward on Sunday
        (utc(2026, 10, 23, 14, 30), 60, utc(2026, 10, 26, 8, 30)),  # and back
    ],
)
def test_a_task_is_due_in_working_time(start: datetime, minutes: int, due: datetime) -> None:
    assert rules_of({"working_time": BERLIN}).due_at(start, minutes) == due


def test_hours_that_the_clocks_change_in_are_as_long_as_they_are() -> None:
    night = {"zone": "Europe/Berlin", "hours": {"sun": [["01:00", "04:00"]]}}
    rules = rules_of({"working_time": night})
    assert rules.due_at(utc(2026, 3, 28, 12), 120) == utc(2026, 3, 29, 2)  # 01:00 to 04:00 is two hours
    assert rules.due_at(utc(2026, 10, 24, 12), 240) == utc(2026, 10, 25, 3)  # and four


def test_without_working_time_minutes_are_minutes() -> None:
    now = utc(2026, 11, 28, 3)
    assert NO_RULES.due_at(now, 240) == now + timedelta(minutes=240)


def test_category_and_band_set_other_times_and_the_shorter_counts() -> None:
    rules = rules_of({"due": {"categories": {"refunds": 60, "general": 600}, "bands": {"0.60-0.90": 120}}})
    now = utc(2026, 11, 27, 9)
    minutes = [
        (rules.due_at(now, 240, category=category, band=band) - now) // timedelta(minutes=1)
        for category, band in [("refunds", "0.60-0.90"), ("general", "0.60-0.90"), ("general", ""), ("", "")]
    ]
    assert minutes == [60, 120, 600, 240]


def test_skills_come_from_category_and_segments_each_once() -> None:
    skills = {
        "categories": {"refunds": ["law", "german"]},
        "segments": {"language": {"de": ["german"], "fr": ["french"]}},
    }
    rules = rules_of({"skills": skills})
    assert rules.skills_for("refunds", {"language": "de", "workflow": "qa"}) == ["german", "law"]
    assert rules.skills_for("general", {"language": "en"}) == []
    assert rules.skills() == ["french", "german", "law"]


@pytest.mark.parametrize(
    ("declared", "pointer"),
    [
        ({"colour": 1}, "/colour"),
        ({"working_time": 7}, "/working_time"),
        ({"working_time": {**BERLIN, "zone": "Europe/Atlantis"}}, "/working_time/zone"),
        ({"working_time": {**BERLIN, "zone": None}}, "/working_time/zone"),
        ({"working_time": {**BERLIN, "holidays": ["25.12.2026"]}}, "/working_time/holidays"),
        ({"working_time": {**BERLIN, "holidays": ["2026-02-30"]}}, "/working_time/holidays"),
        ({"working_time": {**BERLIN, "hours": {}}}, "/working_time/hours"),
        ({"working_time": {**BERLIN, "hours": {"mon": [["09:00", "09:30"]]}}}, "/working_time/hours"),
        ({"working_time": {**BERLIN, "hours": {"someday": [["09:00", "17:00"]]}}}, "/working_time/hours"),
        ({"working_time": {**BERLIN, "hours": {"mon": [["17:00", "09:00"]]}}}, "/working_time/hours/mon"),
        ({"working_time": {**BERLIN, "hours": {"mon": [["9", "17"]]}}}, "/working_time/hours/mon"),
        ({"working_time": {**BERLIN, "hours": {"mon": [["09:00"]]}}}, "/working_time/hours/mon"),
        ({"working_time": {**BERLIN, "hours": {"mon": 9}}}, "/working_time/hours/mon"),
        ({"working_time": {**BERLIN, "hours": {"mon": [["25:00", "26:00"]]}}}, "/working_time/hours/mon"),
        ({"due": {"categories": {"refunds": 0}}}, "/due/categories/refunds"),
        ({"due": {"categories": {"refunds": True}}}, "/due/categories/refunds"),
        ({"due": {"bands": {"0.60-0.90": 43_201}}}, "/due/bands/0.60-0.90"),
        ({"due": {"bands": 7}}, "/due/bands/bands"),
        ({"skills": {"categories": {"refunds": ["Law!"]}}}, "/skills/categories/refunds"),
        ({"skills": {"categories": {"refunds": "law"}}}, "/skills/categories/refunds"),
        ({"skills": {"segments": {"language": {"de": []}}}}, "/skills/segments/language/de"),
        ({"skills": {"segments": {"language": ["de"]}}}, "/skills/segments/language/language"),
    ],
)
def test_what_is_wrong_is_pointed_at(declared: dict[str, Any], pointer: str) -> None:
    assert "/queue_rules" + pointer in [problem.pointer for problem in rule_problems(declared)]


def test_rules_that_are_right_have_no_problem() -> None:
    around_the_clock = {"zone": "UTC", "hours": {day: [["00:00", "24:00"]] for day in ("sat", "sun")}}
    for declared in ({}, {"working_time": BERLIN}, {"working_time": around_the_clock}, {"due": {}, "skills": {}}):
        assert list(rule_problems(declared)) == []
