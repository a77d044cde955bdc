"""The fields of the policy form as templates draw them: name, pointer, text, choices, and what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from reviewqueue.web.policy_form import BAND_KEYS, CHOICES, WAIVER, Problems, Typed, pair_text
from reviewqueue.web.wording import BLINDNESS, MODES, NEXT_STEPS, ROUTES

if TYPE_CHECKING:
    from reviewqueue.pipelines.models import Pipeline

LABELS: Final[Mapping[str, tuple[str, str]]] = {
    "low": ("From", ""),
    "high": ("To", ""),
    "route": ("Route", ""),
    "next_step": ("Next step", "if not sure"),
    "audit_rate": ("Seen by people", "share, 0 to 1"),
    "required_accuracy": ("Required accuracy", "0 to 1"),
    "labels_needed": ("Labels", "per claim"),
    "certainty": ("Certainty", "of a measured accuracy, 0.5 to below 1"),
    "freshness_days": ("Freshness", "days before an accuracy is stale"),
    "step_minutes": ("Next step within", "minutes"),
    "step_budget": ("Step budget", "attempt that goes to people"),
    "mode": ("Mode", ""),
    "review.due_minutes": ("Review due within", "minutes"),
    "review.lease_minutes": ("A task is held for", "minutes"),
    "review.labels_needed": ("Labels needed", "where a band does not say"),
    "review.max_labels": ("Most labels", "before a senior decides"),
    "review.undo_seconds": ("Undo within", "seconds"),
    "review.blind": ("Hidden from reviewers", ""),
    "sampling.epoch": ("Epoch of the audit key", ""),
    "sampling.weekly_minimum": ("Audit labels a week", "least in a band that decides"),
    "sampling.weekly_extra": ("Further labels a week", "where they tell most"),
    "mandatory.route": ("Such claims are", ""),
}
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "route": ROUTES,
    "next_step": NEXT_STEPS,
    "mandatory.route": ROUTES,
    "review.blind": BLINDNESS,
    "mode": MODES,
}


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    pointer: str
    label: str
    hint: str
    value: str
    errors: list[str]
    choices: list[tuple[str, str]]

    @property
    def id(self) -> str:
        return self.name.replace(".", "-")


@dataclass(frozen=True, slots=True)
class BandFields:
    row: int
    fields: list[Field]
    waiver: bool
    waiver_errors: list[str]
    rest: str
    own_errors: list[str]

    @property
    def has_rest(self) -> bool:
        return self.rest not in ("", "{}")


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    word: str
    checked: bool


def band_fields(typed: Typed, problems: Problems) -> list[BandFields]:
    return [_band_fields(row, texts, problems) for row, texts in enumerate(typed.bands)]


def _band_fields(row: int, texts: Mapping[str, str], problems: Problems) -> BandFields:
    place = f"/bands/{row}"
    names = [name for name in ("low", "high", "route", *BAND_KEYS[2:5], "next_step") if name != WAIVER]
    known = {f"{place}/{name}" for name in BAND_KEYS}
    odd = [each.detail for each in problems.every if each.pointer.startswith(place + "/") and each.pointer not in known]
    return BandFields(
        row=row,
        fields=[_field(f"band-{row}-{name}", name, f"{place}/{name}", texts[name], problems) for name in names],
        waiver=bool(texts[WAIVER]),
        waiver_errors=problems.at(f"{place}/{WAIVER}"),
        rest=texts.get("rest", "{}"),
        own_errors=[*problems.at(place), *odd],
    )


def term_fields(typed: Typed, problems: Problems) -> dict[str, Field]:
    """By name, with underscores for the dots that a template could not read."""
    return {
        name.replace(".", "_"): _field(name, name, "/" + name.replace(".", "/"), text, problems)
        for name, text in typed.terms.items()
    }


def _field(name: str, kind: str, pointer: str, value: str, problems: Problems) -> Field:
    label, hint = LABELS[kind]
    codes = CHOICES.get(kind, ())
    choices = [(code, _WORDS[kind].get(code, code) or "none") for code in codes]
    if choices and value not in codes:
        choices.insert(0, (value, value or ("as usual" if "." in kind or kind == "mode" else "Choose")))
    return Field(name, pointer, label, hint, value, problems.at(pointer), choices)


def mandatory_options(typed: Typed, pipeline: Pipeline) -> dict[str, Any]:
    """What the pipeline enumerates, and what the document names beyond that, so that it can be taken out."""
    known = [*pipeline.categories, *(name for name in typed.categories if name not in pipeline.categories)]
    pairs = [(name, value) for name, values in pipeline.segment_values.items() for value in values]
    pairs += [pair for pair in typed.segments if pair not in pairs]
    return {
        "categories": [Option(name, name, name in typed.categories) for name in known],
        "segments": [
            Option(pair_text(name, value), f"{name} {value}", (name, value) in typed.segments) for name, value in pairs
        ],
    }
