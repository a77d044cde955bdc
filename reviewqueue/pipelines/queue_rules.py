"""How a pipeline's tasks queue: when people work, until when a task is due, and which skills it asks for. Pure.

    {"working_time": {"zone": "Europe/Berlin", "hours": {"mon": [["09:00", "17:00"]]}, "holidays": ["2026-12-25"]},
     "due": {"categories": {"refunds": 60}, "bands": {"0.60-0.90": 480}},
     "skills": {"categories": {"refunds": ["law"]}, "segments": {"language": {"de": ["german"]}}}}

Every part may be missing. A language is a skill like any other.
"""

from __future__ import annotations

import json
import re
import zoneinfo
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from reviewqueue.errors import FieldProblem
from reviewqueue.pipelines.names import is_name, pointer_to
from reviewqueue.pipelines.working_time import MIDNIGHT, Stretch, WorkingTime, minutes_in_week

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_MINUTES: Final = 30 * 24 * 60
LEAST_IN_WEEK: Final = 60
MOST_HOLIDAYS: Final = 500
MOST_SKILLS: Final = 10
_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_SKILL: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
Names = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class QueueRules:
    working_time: WorkingTime | None = None
    due_by_category: Mapping[str, int] = field(default_factory=dict)
    due_by_band: Mapping[str, int] = field(default_factory=dict)
    skills_by_category: Names = field(default_factory=dict)
    skills_by_segment: Mapping[str, Names] = field(default_factory=dict)

    def due_at(self, now: datetime, minutes: int, *, category: str = "", band: str = "") -> datetime:
        """The shortest of what category and band ask for, else `minutes`; in working time where there is one."""
        asked = [self.due_by_category.get(category), self.due_by_band.get(band)]
        minutes = min((each for each in asked if each is not None), default=minutes)
        if self.working_time is None:
            return now + timedelta(minutes=minutes)
        return self.working_time.after(now, minutes)

    def skills_for(self, category: str, segments: Mapping[str, str]) -> list[str]:
        """What a reviewer needs, each once and in order."""
        needed = set(self.skills_by_category.get(category, ()))
        for key, value in segments.items():
            needed.update(self.skills_by_segment.get(key, {}).get(value, ()))
        return sorted(needed)

    def skills(self) -> list[str]:
        """All that any task of the pipeline may ask for."""
        named = [self.skills_by_category, *self.skills_by_segment.values()]
        return sorted({skill for names in named for skills in names.values() for skill in skills})


NO_RULES: Final = QueueRules()


def rules_of(declared: Mapping[str, Any]) -> QueueRules:
    """Of what `rule_problems` finds no fault with."""
    return rules_in(json.dumps(declared, sort_keys=True))


@lru_cache(maxsize=256)
def rules_in(text: str) -> QueueRules:
    """From JSON as it is stored: read once for each state of the rules, not for each claim."""
    declared = json.loads(text)
    due, skills = declared.get("due", {}), declared.get("skills", {})
    return QueueRules(
        working_time=_working_time(declared["working_time"]) if declared.get("working_time") else None,
        due_by_category=due.get("categories", {}),
        due_by_band=due.get("bands", {}),
        skills_by_category=_names(skills.get("categories", {})),
        skills_by_segment={key: _names(values) for key, values in skills.get("segments", {}).items()},
    )


def _names(declared: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(skills) for name, skills in declared.items()}


def _working_time(declared: Mapping[str, Any]) -> WorkingTime:
    return WorkingTime(
        zone=zoneinfo.ZoneInfo(declared["zone"]),
        week=tuple(tuple(_stretch(each) for each in declared["hours"].get(day, ())) for day in DAYS),
        holidays=frozenset(date.fromisoformat(day) for day in declared.get("holidays", ())),
    )


def _stretch(written: Any) -> Stretch:
    opens, closes = (_minute(each) for each in written)
    return opens, closes


def _minute(written: str) -> int:
    """Raises ValueError for what is no time of day."""
    if written == "24:00":
        return MIDNIGHT
    found = _CLOCK.fullmatch(written)
    if not found:
        raise ValueError(written)
    return int(found[1]) * 60 + int(found[2])


# --- checking -------------------------------------------------------------------------------------------------------


def rule_problems(declared: Mapping[str, Any]) -> Iterator[FieldProblem]:
    """What is wrong with rules as they are declared; pointers lie below /queue_rules."""
    yield from _unknown("/queue_rules", declared, {"working_time", "due", "skills"})
    if declared.get("working_time"):
        yield from _time_problems(declared["working_time"])
    yield from _due_problems(declared.get("due", {}))
    yield from _skill_problems(declared.get("skills", {}))


def _unknown(pointer: str, given: object, known: set[str]) -> Iterator[FieldProblem]:
    if not isinstance(given, Mapping):
        yield FieldProblem(pointer, "type", "This is an object.")
    elif surplus := sorted(set(given) - known):
        yield FieldProblem(pointer + pointer_to(surplus[0]), "unknown", "There is no such rule.")


def _time_problems(given: Any) -> Iterator[FieldProblem]:
    pointer = "/queue_rules/working_time"
    yield from _unknown(pointer, given, {"zone", "hours", "holidays"})
    if not isinstance(given, Mapping):
        return
    if given.get("zone") not in zoneinfo.available_timezones():
        yield FieldProblem(f"{pointer}/zone", "choice", "This is a time zone such as Europe/Berlin.")
    yield from _hour_problems(f"{pointer}/hours", given.get("hours"))
    holidays = given.get("holidays", [])
    if not isinstance(holidays, list) or len(holidays) > MOST_HOLIDAYS or not all(map(_is_day, holidays)):
        yield FieldProblem(f"{pointer}/holidays", "date", f"Holidays are up to {MOST_HOLIDAYS} days like 2026-12-25.")


def _is_day(given: object) -> bool:
    try:
        return isinstance(given, str) and len(given) == 10 and bool(date.fromisoformat(given))
    except ValueError:
        return False


def _hour_problems(pointer: str, hours: Any) -> Iterator[FieldProblem]:
    if not isinstance(hours, Mapping) or set(hours) - set(DAYS):
        yield FieldProblem(pointer, "type", "Hours are given by day: " + ", ".join(DAYS) + ".")
        return
    week = []
    for day, stretches in hours.items():
        try:
            week.append([_stretch(each) for each in stretches])
        except (ValueError, TypeError):
            yield FieldProblem(f"{pointer}/{day}", "time", "Hours are written like 09:00-17:00.")
            return
        flat = [minute for stretch in week[-1] for minute in stretch]
        if any(later <= earlier for earlier, later in pairwise(flat)):
            yield FieldProblem(f"{pointer}/{day}", "order", "Stretches follow each other, and end after they begin.")
    if minutes_in_week(week) < LEAST_IN_WEEK:
        yield FieldProblem(pointer, "range", "There is at least one working hour in the week.")


def _due_problems(given: Any) -> Iterator[FieldProblem]:
    yield from _unknown("/queue_rules/due", given, {"categories", "bands"})
    for kind in ("categories", "bands"):
        for name, minutes in _members(given, kind):
            if not isinstance(minutes, int) or isinstance(minutes, bool) or not 1 <= minutes <= MOST_MINUTES:
                pointer = f"/queue_rules/due/{kind}" + pointer_to(name)
                yield FieldProblem(pointer, "range", f"Minutes are a whole number from 1 to {MOST_MINUTES:,}.")


def _members(given: Any, kind: str) -> list[tuple[str, Any]]:
    members = given.get(kind, {}) if isinstance(given, Mapping) else {}
    return list(members.items()) if isinstance(members, Mapping) else [(kind, None)]


def _skill_problems(given: Any) -> Iterator[FieldProblem]:
    yield from _unknown("/queue_rules/skills", given, {"categories", "segments"})
    yield from _list_problems("/queue_rules/skills/categories", _members(given, "categories"))
    for key, values in _members(given, "segments"):
        pointer = "/queue_rules/skills/segments" + pointer_to(key)
        yield from _list_problems(pointer, list(values.items()) if isinstance(values, Mapping) else [(key, None)])


def _list_problems(pointer: str, members: list[tuple[str, Any]]) -> Iterator[FieldProblem]:
    for name, skills in members:
        fits = isinstance(skills, list) and 0 < len(skills) <= MOST_SKILLS and all(map(is_skill, skills))
        if not is_name(name) or not fits:
            detail = "Skills are words of a-z, 0-9, - and _, at most 40 characters and 10 of them."
            yield FieldProblem(pointer + pointer_to(name), "skill", detail)


def is_skill(name: object) -> bool:
    return isinstance(name, str) and bool(_SKILL.fullmatch(name))


def unknown_names(
    declared: Mapping[str, Any], *, categories: Collection[str], segments: Mapping[str, Collection[str]]
) -> Iterator[FieldProblem]:
    """Categories and segments that the pipeline does not know, in rules that are right otherwise."""
    for part in ("due", "skills"):
        for name in declared.get(part, {}).get("categories", {}):
            if name not in categories:
                pointer = f"/queue_rules/{part}/categories" + pointer_to(name)
                yield FieldProblem(pointer, "unknown", "This pipeline has no such category.")
    for key, values in declared.get("skills", {}).get("segments", {}).items():
        for value in values:
            if value not in segments.get(key, ()):
                pointer = "/queue_rules/skills/segments" + pointer_to(key, value)
                yield FieldProblem(pointer, "unknown", "This pipeline has no such segment.")
