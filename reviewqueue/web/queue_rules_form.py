"""Queue rules as people write them: a line for each category, band or segment. And back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from django import forms

from reviewqueue.errors import FieldProblem
from reviewqueue.pipelines.queue_rules import DAYS

if TYPE_CHECKING:
    from reviewqueue.pipelines.models import Pipeline

DAY_NAMES: Final = dict(
    zip(DAYS, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True)
)
_FIELD_OF: Final = (
    ("/queue_rules/working_time/zone", "zone"),
    ("/queue_rules/working_time/holidays", "holidays"),
    *((f"/queue_rules/working_time/hours/{day}", day) for day in DAYS),
    ("/queue_rules/working_time", "zone"),
    ("/queue_rules/due/categories", "due_categories"),
    ("/queue_rules/due/bands", "due_bands"),
    ("/queue_rules/skills/categories", "skill_categories"),
    ("/queue_rules/skills/segments", "skill_segments"),
)


def _lines(field: str) -> forms.CharField:
    return forms.CharField(required=False, max_length=20_000, label=field)


class QueueRulesForm(forms.Form):
    version = forms.CharField(required=False, max_length=100)
    zone = forms.CharField(required=False, max_length=60)
    holidays = _lines("holidays")
    due_categories = _lines("due times of categories")
    due_bands = _lines("due times of bands")
    skill_categories = _lines("skills of categories")
    skill_segments = _lines("skills of segments")

    def __init__(self, *given: Any, pipeline: Pipeline, **named: Any) -> None:
        super().__init__(*given, **named)
        self._pipeline = pipeline
        for day in DAYS:
            self.fields[day] = forms.CharField(required=False, max_length=200)

    def days(self) -> list[tuple[str, forms.BoundField]]:
        return [(name, self[day]) for day, name in DAY_NAMES.items()]

    def clean_due_categories(self) -> dict[str, Any]:
        return self._known(_pairs(self.cleaned_data["due_categories"], _minutes), self._pipeline.categories)

    def clean_due_bands(self) -> dict[str, Any]:
        return _pairs(self.cleaned_data["due_bands"], _minutes)

    def clean_skill_categories(self) -> dict[str, Any]:
        return self._known(_pairs(self.cleaned_data["skill_categories"], _words), self._pipeline.categories)

    def clean_skill_segments(self) -> dict[str, Any]:
        nested: dict[str, dict[str, Any]] = {}
        values = self._pipeline.segment_values
        known = [f"{key}={value}" for key in values for value in values[key]]
        for name, skills in self._known(_pairs(self.cleaned_data["skill_segments"], _words), known).items():
            key, _, value = name.partition("=")
            nested.setdefault(key, {})[value] = skills
        return nested

    def _known(self, pairs: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
        unknown = sorted(set(pairs) - set(names))
        if unknown:
            known = ", ".join(sorted(names)) or "none"
            raise forms.ValidationError(f"“{unknown[0][:80]}” is not known here. Known: {known[:400]}.")
        return pairs

    def rules(self) -> dict[str, Any]:
        """As they are declared; parts that are empty are left out."""
        given = self.cleaned_data
        due = _without_empty({"categories": given["due_categories"], "bands": given["due_bands"]})
        skills = _without_empty({"categories": given["skill_categories"], "segments": given["skill_segments"]})
        return _without_empty({"working_time": self._working_time(), "due": due, "skills": skills})

    def _working_time(self) -> dict[str, Any]:
        given = self.cleaned_data
        hours = {day: _stretches(given[day]) for day in DAYS if given[day].strip()}
        holidays = given["holidays"].split()
        if not (given["zone"] or hours or holidays):
            return {}
        return {"zone": given["zone"].strip(), "hours": hours, **_without_empty({"holidays": holidays})}

    def refuse(self, problems: Iterable[FieldProblem]) -> None:
        for problem in problems:
            field = next((name for pointer, name in _FIELD_OF if problem.pointer.startswith(pointer)), None)
            self.add_error("mon" if problem.pointer.endswith("/hours") else field, problem.detail)


def _without_empty(parts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in parts.items() if part}


def _stretches(text: str) -> list[list[str]]:
    """09:00-12:00, 13:00-17:00"""
    return [[end.strip() for end in each.replace("–", "-").split("-")] for each in text.split(",")]


def _pairs(text: str, read: Any) -> dict[str, Any]:
    return dict(_pair(line, read) for line in text.splitlines() if line.strip())


def _pair(line: str, read: Any) -> tuple[str, Any]:
    name, colon, value = line.rpartition(":")
    if not colon or not name.strip():
        raise forms.ValidationError(f"Write a name, a colon and what it asks for: “{line.strip()[:80]}” is not that.")
    return name.strip(), read(value.strip())


def _minutes(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        raise forms.ValidationError(f"“{text[:40]}” is no number of minutes.")
    return int(text)


def _words(text: str) -> list[str]:
    return sorted({word.strip() for word in text.split(",") if word.strip()})


def initial_rules(pipeline: Pipeline, version: str) -> dict[str, str]:
    rules: Mapping[str, Any] = pipeline.queue_rules
    times, due, skills = (rules.get(part, {}) for part in ("working_time", "due", "skills"))
    segments = [
        (f"{key}={value}", words) for key, names in skills.get("segments", {}).items() for value, words in names.items()
    ]
    return {
        "version": version,
        "zone": times.get("zone", ""),
        "holidays": "\n".join(times.get("holidays", ())),
        **{day: ", ".join("-".join(stretch) for stretch in times.get("hours", {}).get(day, ())) for day in DAYS},
        "due_categories": "\n".join(_written(due.get("categories", {}).items())),
        "due_bands": "\n".join(_written(due.get("bands", {}).items())),
        "skill_categories": "\n".join(_written(skills.get("categories", {}).items())),
        "skill_segments": "\n".join(_written(segments)),
    }


def _written(pairs: Iterable[tuple[str, Any]]) -> Iterator[str]:
    for name, asked in pairs:
        yield f"{name}: {', '.join(asked) if isinstance(asked, list) else asked}"
