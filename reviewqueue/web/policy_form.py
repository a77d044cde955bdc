"""A policy document as the fields of a form and back, without a database.

The form shows what owners change. Whatever else a document holds travels along as JSON, in the field `rest` and beside
each band, so that a part the form does not know comes out as it went in. What is typed is judged by `parse_policy`
alone: a text that is no number stays a text, and is refused with the pointer of its field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.datastructures import MultiValueDict

from reviewqueue.errors import FieldProblem, Invalid
from reviewqueue.policy.document import BLIND_DEGREES, HELD, LADDER, MODES, NEXT_STEPS
from reviewqueue.strict_json import MalformedJSON, parse_strict

Document = dict[str, Any]

BAND_NUMBERS: Final = ("low", "high", "audit_rate", "required_accuracy", "labels_needed")
BAND_CHOICES: Final = ("route", "next_step")
WAIVER: Final = "unaudited_waiver"
BAND_KEYS: Final = (*BAND_NUMBERS, *BAND_CHOICES, WAIVER)
NUMBERS: Final = ("certainty", "freshness_days", "step_minutes", "step_budget")
REVIEW_NUMBERS: Final = ("due_minutes", "lease_minutes", "labels_needed", "max_labels", "undo_seconds")
SAMPLING_FIELDS: Final = ("epoch", "weekly_minimum", "weekly_extra")
MOST_ROWS: Final = 60
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "route": LADDER,
    "next_step": ("", *NEXT_STEPS),
    "mandatory.route": HELD,
    "review.blind": BLIND_DEGREES,
    "mode": MODES,
}
STARTER: Final[Document] = {
    "schema": 1,
    "bands": [{"low": 0.0, "high": 1.0, "route": "review", "audit_rate": 1.0}],
    "mandatory": {},
    "sampling": {"epoch": "1"},
}
"""What a pipeline without any version begins with: people look at everything."""

_NUMBER: Final = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")


@dataclass
class Typed:
    """Everything in the form as texts. `rest` is JSON, and so is the `rest` of each band."""

    bands: list[dict[str, str]] = field(default_factory=list)
    terms: dict[str, str] = field(default_factory=dict)
    categories: list[str] = field(default_factory=list)
    segments: list[tuple[str, str]] = field(default_factory=list)
    rest: str = "{}"


def typed_of(document: Document) -> Typed:
    """Raises Invalid for a document whose parts are not of the kinds that a form can show."""
    _refuse_other_kinds(document)
    mandatory, review = dict(document.get("mandatory") or {}), dict(document.get("review") or {})
    sampling = dict(document.get("sampling") or {})
    terms = {name: _text(document.get(name)) for name in (*NUMBERS, "mode")}
    terms |= {f"review.{name}": _text(review.pop(name, None)) for name in (*REVIEW_NUMBERS, "blind")}
    terms |= {f"sampling.{name}": _text(sampling.pop(name, None)) for name in SAMPLING_FIELDS}
    terms["mandatory.route"] = _text(mandatory.pop("route", None))
    categories = list(mandatory.pop("categories", None) or [])
    segments = dict(mandatory.pop("segments", None) or {})
    rest = {key: value for key, value in document.items() if key not in {*NUMBERS, "mode", "bands"}}
    for name, left in (("mandatory", mandatory), ("review", review), ("sampling", sampling)):
        rest.pop(name, None)
        rest |= {name: left} if left else {}
    return Typed(
        bands=[_band_texts(band) for band in document.get("bands", [])],
        terms=terms,
        categories=categories,
        segments=[(name, value) for name, values in segments.items() for value in values],
        rest=json.dumps(rest, ensure_ascii=False, indent=2),
    )


def _refuse_other_kinds(document: Document) -> None:
    mandatory, bands = document.get("mandatory") or {}, document.get("bands", [])
    inner = [mandatory, document.get("review") or {}, document.get("sampling") or {}]
    fits = all(isinstance(part, dict) for part in inner)
    fits = fits and isinstance(bands, list) and all(isinstance(band, dict) for band in bands)
    fits = fits and _are_texts(mandatory.get("categories") or [])
    segments = mandatory.get("segments") or {} if fits else {}
    fits = fits and isinstance(segments, dict) and all(map(_are_texts, segments.values()))
    if not fits:
        raise Invalid([FieldProblem("", "kind", "This does not fit the form. Go on in the JSON.")])


def _are_texts(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _band_texts(band: Document) -> dict[str, str]:
    texts = {key: _text(band.get(key)) for key in BAND_KEYS}
    left = {key: value for key, value in band.items() if key not in BAND_KEYS}
    return {**texts, "rest": json.dumps(left, ensure_ascii=False)}


def empty_band() -> dict[str, str]:
    return dict.fromkeys((*BAND_KEYS, "rest"), "")


def _text(value: object) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return "on"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def typed_in(sent: MultiValueDict[str, str]) -> Typed:
    """What a form sent, whatever it is."""
    try:
        rows = min(max(int(sent.get("bands", "0")), 0), MOST_ROWS)
    except ValueError:
        rows = 0
    names = [*NUMBERS, "mode", *(f"review.{name}" for name in (*REVIEW_NUMBERS, "blind"))]
    names += [f"sampling.{name}" for name in SAMPLING_FIELDS]
    return Typed(
        bands=[{key: sent.get(f"band-{row}-{key}", "").strip() for key in (*BAND_KEYS, "rest")} for row in range(rows)],
        terms={name: sent.get(name, "").strip() for name in (*names, "mandatory.route")},
        categories=sent.getlist("category"),
        segments=[pair for text in sent.getlist("segment") if (pair := _pair(text))],
        rest=sent.get("rest", "{}").replace("\r\n", "\n"),
    )


def _pair(text: str) -> tuple[str, str] | None:
    try:
        name, value = json.loads(text)
    except (ValueError, TypeError):
        return None
    return (name, value) if isinstance(name, str) and isinstance(value, str) else None


def pair_text(name: str, value: str) -> str:
    """How a segment is named in the form."""
    return json.dumps([name, value], ensure_ascii=False)


def document_of(typed: Typed) -> Document:
    """Raises Invalid when the JSON of the other parts cannot be read."""
    document = read_object(typed.rest, pointer="/rest")
    for name in ("mandatory", "review", "sampling"):
        part = document.setdefault(name, {})
        if not isinstance(part, dict):
            raise Invalid([FieldProblem("/rest", "kind", f'"{name}" has to be an object.')])
    for name, text in typed.terms.items():
        place, _, key = name.rpartition(".")
        if text:
            (document[place] if place else document)[key] = _value(key, text)
    if typed.categories:
        document["mandatory"]["categories"] = typed.categories
    for name, value in typed.segments:
        document["mandatory"].setdefault("segments", {}).setdefault(name, []).append(value)
    document["bands"] = [_band(texts, row) for row, texts in enumerate(typed.bands)]
    return document


def _band(texts: Mapping[str, str], row: int) -> Document:
    band = read_object(texts.get("rest") or "{}", pointer=f"/bands/{row}")
    band |= {key: _value(key, texts[key]) for key in (*BAND_NUMBERS, *BAND_CHOICES) if texts[key]}
    return {**band, WAIVER: True} if texts[WAIVER] else band


def _value(key: str, text: str) -> object:
    """A number where the text is one; names stay texts even when they look like numbers."""
    if key == "epoch" or not _NUMBER.fullmatch(text):
        return text
    return float(text) if "." in text else int(text)


def read_object(text: str, *, pointer: str) -> Document:
    """The object in a JSON text. Raises Invalid with this pointer."""
    try:
        value = parse_strict(text.encode("utf-8", "surrogatepass"))
    except MalformedJSON as error:
        raise Invalid([FieldProblem(pointer, "malformed_json", error.detail)]) from None
    if not isinstance(value, dict):
        raise Invalid([FieldProblem(pointer, "kind", "This has to be a JSON object.")])
    return value


@dataclass(frozen=True, slots=True)
class Problems:
    """What is wrong, found again by the pointers of the form's fields."""

    every: tuple[FieldProblem, ...] = ()

    def at(self, pointer: str) -> list[str]:
        return [problem.detail for problem in self.every if problem.pointer == pointer]

    def within(self, pointer: str) -> list[str]:
        """Of the thing itself and of everything in it."""
        return [
            problem.detail
            for problem in self.every
            if problem.pointer == pointer or problem.pointer.startswith(pointer + "/")
        ]

    def elsewhere(self, shown: Iterable[str]) -> list[FieldProblem]:
        """Of parts that have no field of their own."""
        known = tuple(shown)
        return [problem for problem in self.every if not problem.pointer.startswith(known)]
