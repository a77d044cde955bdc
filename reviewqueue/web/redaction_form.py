"""Redaction rules as people write them: a box for each ready one, a line for each pattern and field. And back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from django import forms

from reviewqueue.errors import FieldProblem
from reviewqueue.redaction.finding import READY
from reviewqueue.redaction.rules import FIELD_KINDS, PARTS
from reviewqueue.strict_json import MalformedJSON, parse_strict
from reviewqueue.web.wording import REDACTIONS

if TYPE_CHECKING:
    from reviewqueue.pipelines.models import Pipeline

MAX_SAMPLE: Final = 100_000
SAMPLE: Final[dict[str, Any]] = {
    "input": "Jane Doe, jane.doe@example.com, +49 30 901820, asks about her bill.",
    "output": "We paid it back to DE89 3704 0044 0532 0130 00, and not to card 4111 1111 1111 1111.",
    "context": [{"kind": "chat", "title": "Chat", "text": "seen from 203.0.113.7"}],
    "metadata": {"customer": {"id": 4711, "name": "Jane Doe"}},
}
_EMPTY: Final[dict[str, Any]] = {"input": None, "output": None, "alternatives": [], "context": [], "metadata": {}}


class RedactionForm(forms.Form):
    version = forms.CharField(required=False, max_length=100)
    patterns = forms.CharField(required=False, max_length=60_000)
    fields_ = forms.CharField(required=False, max_length=20_000)
    spares = forms.CharField(required=False, max_length=2_000)
    sample = forms.CharField(required=False, max_length=MAX_SAMPLE)

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        for kind in READY:
            self.fields[f"ready_{kind}"] = forms.BooleanField(required=False)

    def ready(self) -> list[tuple[str, forms.BoundField]]:
        return [(REDACTIONS[kind], self[f"ready_{kind}"]) for kind in READY]

    def clean_patterns(self) -> list[dict[str, Any]]:
        return [
            {"id": name, "kind": "pattern", "pattern": rest}
            for name, rest in _named_lines(self.cleaned_data["patterns"])
        ]

    def clean_fields_(self) -> list[dict[str, Any]]:
        return [_field_rule(name, rest) for name, rest in _named_lines(self.cleaned_data["fields_"])]

    def clean_spares(self) -> set[str]:
        return {name.strip() for name in self.cleaned_data["spares"].replace("\n", ",").split(",") if name.strip()}

    def clean_sample(self) -> dict[str, Any]:
        text = self.cleaned_data["sample"]
        if not text.strip():
            return dict(SAMPLE)
        try:
            sample = parse_strict(text.encode("utf-8", "surrogatepass"))
        except MalformedJSON as error:
            raise forms.ValidationError(f"This is no JSON: {error.detail}") from None
        if not isinstance(sample, dict) or set(sample) - set(PARTS):
            raise forms.ValidationError("The sample is an object with some of: " + ", ".join(PARTS) + ".")
        return sample

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if {"patterns", "fields_", "spares"} <= given.keys():
            unknown = sorted(given["spares"] - {rule["id"] for rule in self.rules() if rule["kind"] not in FIELD_KINDS})
            if unknown:
                self.add_error("spares", f"There is no pattern named “{unknown[0][:60]}”.")
        return given

    def rules(self) -> list[dict[str, Any]]:
        """As they are declared."""
        given = self.cleaned_data
        ready = [{"id": kind, "kind": kind} for kind in READY if given[f"ready_{kind}"]]
        patterns = [
            rule | ({"output": False} if rule["id"] in given["spares"] else {}) for rule in [*ready, *given["patterns"]]
        ]
        return [*patterns, *given["fields_"]]

    def sample_content(self) -> dict[str, Any]:
        return {**_EMPTY, **self.cleaned_data["sample"]}

    def refuse(self, problems: Iterable[FieldProblem]) -> None:
        rules = self.rules()
        for problem in problems:
            place = problem.pointer.removeprefix("/redaction").strip("/").split("/")[0]
            rule = rules[int(place)] if place.isdecimal() and int(place) < len(rules) else None
            detail = f"{str(rule['id'])[:60]}: {problem.detail}" if rule else problem.detail
            field = None if rule is None else "fields_" if rule["kind"] in FIELD_KINDS else "patterns"
            self.add_error(field, detail)


def _named_lines(text: str) -> list[tuple[str, str]]:
    pairs = []
    for line in text.splitlines():
        if line.strip():
            name, colon, rest = line.partition(":")
            if not colon or not rest.strip():
                raise forms.ValidationError(f"Write a name, a colon and the rule: “{line.strip()[:80]}” is not that.")
            pairs.append((name.strip(), rest.strip()))
    return pairs


def _field_rule(name: str, rest: str) -> dict[str, Any]:
    kind, _, path = rest.partition(" ")
    if kind not in FIELD_KINDS:
        raise forms.ValidationError(f"After the colon comes mask or drop, then a path: “{rest[:80]}” is not that.")
    return {"id": name, "kind": kind, "path": path.strip()}


def initial_redaction(pipeline: Pipeline, version: str) -> dict[str, Any]:
    rules: Sequence[Mapping[str, Any]] = pipeline.redaction
    ready = {f"ready_{rule['kind']}": True for rule in rules if rule["kind"] in READY}
    return {
        "version": version,
        "patterns": "\n".join(f"{rule['id']}: {rule['pattern']}" for rule in rules if rule["kind"] == "pattern"),
        "fields_": "\n".join(
            f"{rule['id']}: {rule['kind']} {rule['path']}" for rule in rules if rule["kind"] in FIELD_KINDS
        ),
        "spares": ", ".join(rule["id"] for rule in rules if rule.get("output") is False),
        "sample": json.dumps(SAMPLE, indent=2),
        **ready,
    }
