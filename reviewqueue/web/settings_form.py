"""The settings of a pipeline as a form: filled from the pipeline, read into the changes that the service takes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.utils.datastructures import MultiValueDict

from calibration.core.segments import AND, declared_as
from reviewqueue.errors import FieldProblem
from reviewqueue.pipelines.content_views import KINDS, ORIGINS, PARTS, with_every_view
from reviewqueue.pipelines.costs import MOST, STEPS, amount_text
from reviewqueue.pipelines.names import MAX_NAME, pointer_to
from reviewqueue.pipelines.signals import MAX_DESCRIPTION, MAX_SIGNALS
from reviewqueue.web.wording import (
    CONTENT_VIEWS,
    DIRECTIONS,
    ELICITATIONS,
    IMAGE_CARE,
    SIGNAL_FAMILIES,
    SOUND_CARE,
    VIEW_RECORDING,
)

if TYPE_CHECKING:
    from reviewqueue.accounts.models import User
    from reviewqueue.pipelines.models import Pipeline

Choices = list[tuple[str, str]]

MORE_ROWS: Final = 3
TWICE: Final = "This signal is named twice."
_TEXTS: Final = ("description", "question", "guideline", "elicitation")
_AMOUNTS: Final = ("review", "error")


def _amount() -> forms.FloatField:
    return forms.FloatField(required=False, min_value=0, max_value=MOST, widget=forms.TextInput)


class SettingsForm(forms.Form):
    """Everything but the signals, which are rows of their own. Only admins get the field for the owner."""

    version = forms.CharField(max_length=80)
    description = forms.CharField(required=False)
    question = forms.CharField(error_messages={"required": "Reviewers must be asked something."})
    guideline = forms.CharField(required=False)
    elicitation = forms.ChoiceField(required=False, choices=[("", "Each claim says it"), *ELICITATIONS.items()])
    categories = forms.CharField(required=False)
    watched = forms.CharField(required=False)
    owner = forms.ChoiceField()
    deputy = forms.ChoiceField(required=False)
    currency = forms.CharField(required=False)
    review = _amount()
    error = _amount()
    markdown_context = forms.CharField(required=False)
    media_origins = forms.CharField(required=False)
    images = forms.ChoiceField(choices=list(IMAGE_CARE.items()))
    audio = forms.ChoiceField(choices=list(SOUND_CARE.items()))
    views_recorded = forms.ChoiceField(required=False, choices=list(VIEW_RECORDING.items()))

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        owners: Iterable[User] = (),
        deputies: Iterable[User],
        **named: Any,
    ) -> None:
        super().__init__(data, **named)
        self.people = {str(person.pk): person for person in [*owners, *deputies]}
        self.fields["owner"].choices = _named(owners)  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["deputy"].choices = [("", "Nobody"), *_named(deputies)]  # type: ignore[attr-defined]  # as above
        if not owners:
            del self.fields["owner"]
        for step in STEPS:
            self.fields[f"step_{step}"] = _amount()
        for part in PARTS:
            self.fields[f"view_{part}"] = forms.ChoiceField(choices=list(CONTENT_VIEWS.items()))

    @property
    def step_fields(self) -> list[tuple[str, Any]]:
        return [(step, self[f"step_{step}"]) for step in STEPS]

    def changes(self) -> dict[str, Any]:
        given = self.cleaned_data
        people: dict[str, Any] = {name: self.people.get(given[name]) for name in ("owner", "deputy") if name in given}
        return {
            **{name: given[name].replace("\r\n", "\n") for name in _TEXTS},
            **people,
            "categories": _lines(given["categories"]),
            "watched": [[name.strip() for name in line.split(AND)] for line in _lines(given["watched"])],
            "costs": self._costs(),
            **({"views_recorded": given["views_recorded"]} if given["views_recorded"] else {}),
            "content_views": {
                **{part: given[f"view_{part}"] for part in PARTS},
                KINDS: _lines(given["markdown_context"]),
                ORIGINS: [line.rstrip("/").lower() for line in _lines(given["media_origins"])],
                "images": given["images"],
                "audio": given["audio"],
            },
        }

    def _costs(self) -> dict[str, Any]:
        given = self.cleaned_data
        amounts = {name: given[name] for name in _AMOUNTS}
        steps = {step: given[f"step_{step}"] for step in STEPS if given[f"step_{step}"] is not None}
        if not given["currency"] and not steps and all(amount is None for amount in amounts.values()):
            return {}
        return {"currency": given["currency"].upper(), **amounts, "steps": steps}


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _named(people: Iterable[User]) -> Choices:
    return [(str(person.pk), person.shown_name) for person in people]


class SignalRow(forms.Form):
    """One declared signal; a row without a name declares nothing."""

    name = forms.CharField(required=False, max_length=MAX_NAME)
    family = forms.ChoiceField(required=False, choices=[("", "Choose"), *SIGNAL_FAMILIES.items()])
    elicitation = forms.ChoiceField(required=False, choices=[("", "Choose"), *ELICITATIONS.items()])
    higher_is = forms.ChoiceField(required=False, choices=[("", "Choose"), *DIRECTIONS.items()])
    description = forms.CharField(required=False, max_length=MAX_DESCRIPTION)

    versions: Collection[int] = ()
    """The policy versions that name this signal, so that it cannot be removed."""

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not given.get("name") and (given.get("family") or given.get("description")):
            self.add_error("name", "A signal has a name.")
        return given


class SignalRowsBase(forms.BaseFormSet):  # type: ignore[type-arg]  # generic in the stubs alone
    def declared(self) -> dict[str, dict[str, str]]:
        rows = [form.cleaned_data for form in self.forms]
        kept = [dict(row) for row in rows if row.get("name") and not row.get("DELETE")]
        return {row.pop("name"): {key: value for key, value in row.items() if key != "DELETE"} for row in kept}

    def clean(self) -> None:
        seen: set[str] = set()
        for form in self.forms:
            name = form.cleaned_data.get("name")
            if name and not form.cleaned_data.get("DELETE"):
                if name in seen:
                    form.add_error("name", TWICE)
                seen.add(name)


SignalRows: type[SignalRowsBase] = forms.formset_factory(  # type: ignore[assignment]  # it is made from that base
    SignalRow,
    formset=SignalRowsBase,
    extra=1,
    can_delete=True,
    max_num=MAX_SIGNALS,
    absolute_max=MAX_SIGNALS + MORE_ROWS,
)


def initial_settings(pipeline: Pipeline, version: str) -> dict[str, Any]:
    costs, views = pipeline.costs, with_every_view(pipeline.content_views)
    return {
        "version": version,
        **{name: getattr(pipeline, name) for name in _TEXTS},
        "categories": "\n".join(pipeline.categories),
        "watched": "\n".join(map(declared_as, map(tuple, pipeline.watched))),
        "owner": str(pipeline.owner_id),
        "deputy": str(pipeline.deputy_id or ""),
        "currency": costs.get("currency", ""),
        **{name: _written(costs.get(name)) for name in _AMOUNTS},
        **{f"step_{step}": _written(amount) for step, amount in costs.get("steps", {}).items()},
        **{f"view_{part}": views[part] for part in PARTS},
        "markdown_context": "\n".join(views[KINDS]),
        "media_origins": "\n".join(views[ORIGINS]),
        "images": views["images"],
        "audio": views["audio"],
        "views_recorded": pipeline.views_recorded,
    }


def _written(amount: float | None) -> str:
    return "" if amount is None else amount_text(amount)


def initial_rows(pipeline: Pipeline) -> list[dict[str, str]]:
    return [{"name": name, **pipeline.signals[name]} for name in sorted(pipeline.signals)]


def with_more_rows(data: MultiValueDict[str, str]) -> MultiValueDict[str, str]:
    """What was sent, asking for some more empty rows."""
    more = data.copy()
    try:
        rows = int(data.get("signal-TOTAL_FORMS", "0"))
    except ValueError:
        rows = 0
    more["signal-TOTAL_FORMS"] = str(min(rows + MORE_ROWS, MAX_SIGNALS))
    return more


def take_over(form: SettingsForm, rows: SignalRowsBase, problems: Iterable[FieldProblem]) -> None:
    """Shows what the service refused beside the field it belongs to."""
    for problem in problems:
        kind, _, rest = problem.pointer.removeprefix("/").partition("/")
        if kind == "signals":
            _beside_signal(form, rows, rest, problem.detail)
        else:
            field = _FIELD_OF.get(problem.pointer, kind)
            form.add_error(field if field in form.fields else None, problem.detail)


_FIELD_OF: Final = {
    **{f"/costs/{name}": name for name in ("currency", *_AMOUNTS)},
    **{f"/costs/steps/{step}": f"step_{step}" for step in STEPS},
    **{f"/content_views/{part}": f"view_{part}" for part in PARTS},
    **{f"/content_views/{name}": name for name in (KINDS, ORIGINS, "images", "audio")},
}


def _beside_signal(form: SettingsForm, rows: SignalRowsBase, rest: str, detail: str) -> None:
    for row in rows.forms:
        own = pointer_to((row["name"].value() or "").strip()).removeprefix("/")
        if own and (rest == own or rest.startswith(own + "/")):
            field = rest.removeprefix(own).removeprefix("/")
            row.add_error(field if field in row.fields else "name", detail)
            return
    form.add_error(None, detail)


LABELS: Final = {
    "description": "Description",
    "question": "Question",
    "guideline": "Guideline",
    "elicitation": "How confidence is obtained",
    "categories": "Categories",
    "watched": "Watched segments",
    "owner": "Owner",
    "deputy": "Deputy",
    "currency": "Currency",
    "review": "One label",
    "error": "One error",
    "view_input": "The input is shown as",
    "view_output": "The output is shown as",
    "markdown_context": "Evidence in Markdown",
    "media_origins": "Images and sound may come from",
    "images": "Images are shown",
    "audio": "Sound comes",
    "views_recorded": "Reading what claims say is recorded",
}


def differing(form: SettingsForm, rows: SignalRowsBase, pipeline: Pipeline) -> list[tuple[str, str]]:
    """Where what was typed differs from what is stored now: the name of the setting, and what is stored."""
    stored = initial_settings(pipeline, "")
    found = [
        (LABELS.get(name, name), _in_words(form, name, stored.get(name, "")))
        for name in form.fields
        if name != "version" and _plain(form.data.get(name, "")) != _plain(stored.get(name, ""))
    ]
    if rows.declared() != pipeline.signals:
        found.append(("Signals", ", ".join(pipeline.signals)))
    return found


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _in_words(form: SettingsForm, name: str, stored: str) -> str:
    choices = dict(getattr(form.fields[name], "choices", ()))
    return str(choices.get(stored, stored))
