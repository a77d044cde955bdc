"""The forms of the pages about people, sources, keys and new pipelines."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from django import forms

from reviewqueue.accounts.models import Source, User
from reviewqueue.accounts.services import DEFAULT_LIFETIME
from reviewqueue.administration.selectors import active_people, all_pipelines
from reviewqueue.administration.systems import LONGEST_LIFETIME, scopes_for
from reviewqueue.errors import FieldProblem
from reviewqueue.pipelines.models import INSTANCE_ROLES, Role
from reviewqueue.web.administration_wording import ROLE_NAMES, SCOPE_NAMES

OVERLAPS: Final = [("1", "one day"), ("7", "seven days"), ("30", "30 days"), ("0", "not at all: it leaked")]


class Refusable(forms.Form):
    def refuse(self, problems: Iterable[FieldProblem]) -> None:
        """Puts what a service refused beside its field."""
        for problem in problems:
            name = problem.pointer.removeprefix("/").partition("/")[0]
            self.add_error(name if name in self.fields else None, problem.detail)


class AboutPerson(Refusable):
    first_name = forms.CharField(required=False, max_length=150)
    last_name = forms.CharField(required=False, max_length=150)
    email = forms.EmailField(required=False, max_length=254)


class NewPerson(AboutPerson):
    username = forms.CharField(max_length=150, error_messages={"required": "What they log in with."})

    field_order = ("username", "first_name", "last_name", "email")


class RoleForm(Refusable):
    """Roles for everything, and those for one pipeline together with which one."""

    role = forms.ChoiceField(
        choices=[(role.value, ROLE_NAMES[role.value]) for role in Role],
        error_messages={"required": "Choose a role.", "invalid_choice": "There is no such role."},
    )
    pipeline = forms.ModelChoiceField(
        queryset=all_pipelines(), to_field_name="slug", required=False, empty_label="None"
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("role") in {role.value for role in INSTANCE_ROLES}:
            given["pipeline"] = None  # whatever stands beside it
        return given


class KeyForm(Refusable):
    name = forms.CharField(max_length=120, error_messages={"required": "Say what the key is for."})
    days = forms.IntegerField(
        min_value=1,
        max_value=LONGEST_LIFETIME.days,
        initial=DEFAULT_LIFETIME.days,
        widget=forms.TextInput,
        error_messages={"required": "Say for how many days."},
    )
    requests_per_minute = forms.IntegerField(required=False, widget=forms.TextInput)
    scopes = forms.MultipleChoiceField(error_messages={"required": "Choose at least one."})

    def __init__(self, holder: Source | User, data: Any = None) -> None:
        super().__init__(data, prefix="new")
        offered = [(scope.value, SCOPE_NAMES[scope.value]) for scope in scopes_for(holder)]
        self.fields["scopes"].choices = offered  # type: ignore[attr-defined]  # a MultipleChoiceField

    def terms(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            "name": given["name"],
            "scopes": given["scopes"],
            "lifetime": timedelta(days=given["days"]),
            "requests_per_minute": given["requests_per_minute"],
        }


class LimitForm(Refusable):
    requests_per_minute = forms.IntegerField(required=False, widget=forms.TextInput)


class NewSource(Refusable):
    name = forms.CharField(max_length=120, error_messages={"required": "What people call it."})
    slug = forms.CharField(max_length=60, error_messages={"required": "How it is written in addresses."})


class NewPipeline(Refusable):
    name = forms.CharField(max_length=120, error_messages={"required": "What people call it."})
    slug = forms.CharField(max_length=60, error_messages={"required": "How claims and addresses name it."})
    question = forms.CharField(
        max_length=2_000,
        initial="Is this answer right?",
        error_messages={"required": "Reviewers must be asked something."},
    )
    owner = forms.ModelChoiceField(
        queryset=active_people(),
        to_field_name="username",
        empty_label="Choose",
        error_messages={"required": "Somebody answers for it.", "invalid_choice": "There is no such person."},
    )
    deputy = forms.ModelChoiceField(
        queryset=active_people(), to_field_name="username", required=False, empty_label="Nobody yet"
    )
    categories = forms.CharField(required=False, max_length=20_000)
    segments = forms.CharField(required=False, max_length=20_000)
    sources = forms.ModelMultipleChoiceField(
        queryset=Source.objects.order_by("name"), to_field_name="slug", required=False
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        for name in ("owner", "deputy"):
            self.fields[name].label_from_instance = _named  # type: ignore[attr-defined]  # a ModelChoiceField
        self.fields["sources"].label_from_instance = lambda source: source.name  # type: ignore[attr-defined]  # as above

    def clean_categories(self) -> list[str]:
        return list(dict.fromkeys(_lines(self.cleaned_data["categories"])))

    def clean_segments(self) -> dict[str, list[str]]:
        """Lines such as `language: en, de`."""
        found: dict[str, list[str]] = {}
        for line in _lines(self.cleaned_data["segments"]):
            name, colon, values = line.partition(":")
            listed = [value.strip() for value in values.split(",") if value.strip()]
            if not colon or not name.strip() or not listed:
                raise forms.ValidationError(f"“{line[:60]}” is not an attribute, a colon and its values.")
            found[name.strip()] = list(dict.fromkeys(listed))
        return found


def _named(person: User) -> str:
    return f"{person.shown_name} ({person.username})" if person.shown_name != person.username else person.username


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
