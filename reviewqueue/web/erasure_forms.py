"""The forms of the pages about erasure and retention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django import forms

from reviewqueue.erasure.models import BY_PEOPLE
from reviewqueue.errors import FieldProblem
from reviewqueue.golden.items import MAX_KEY

BASES: Final = [("", "Choose"), *((basis.value, basis.label) for basis in BY_PEOPLE)]


class Wish(forms.Form):
    """What is to be erased, and why. `MAIN` is the field that a refusal is told at."""

    MAIN: ClassVar[str]

    basis = forms.ChoiceField(choices=BASES, error_messages={"required": "Choose why it is to be erased."})


class ClaimWish(Wish):
    MAIN = "claim"

    claim = forms.UUIDField(
        error_messages={"required": "Which claim? Its id stands on its page.", "invalid": "This is no id of a claim."}
    )


class GoldenWish(Wish):
    MAIN = "key"

    golden_set = forms.CharField(max_length=150, error_messages={"required": "Which set? As pipeline/name."})
    key = forms.CharField(max_length=MAX_KEY, strip=False, error_messages={"required": "Which item of the set?"})


class PersonWish(Wish):
    MAIN = "username"

    username = forms.CharField(max_length=150, error_messages={"required": "Whose account?"})


class RetentionForm(forms.Form):
    """Days for everything, and a line for each category that is kept for another time."""

    everything = forms.IntegerField(required=False, error_messages={"invalid": "A whole number of days."})
    categories = forms.CharField(required=False, max_length=20_000)

    def clean_categories(self) -> dict[str, int]:
        return dict(_line(line) for line in self.cleaned_data["categories"].splitlines() if line.strip())

    def days(self) -> dict[str, int]:
        given = self.cleaned_data
        everything = {} if given["everything"] is None else {"": given["everything"]}
        return {**everything, **given["categories"]}

    def refuse(self, problems: tuple[FieldProblem, ...]) -> None:
        for problem in problems:
            name = problem.pointer.removeprefix("/")
            detail = f"{name}: {problem.detail}" if name else problem.detail
            self.add_error("categories" if name else "everything", detail)


def _line(line: str) -> tuple[str, int]:
    name, _, number = line.rpartition(":")
    if not name.strip() or not number.strip().isdecimal() or len(number.strip()) > 6:
        raise forms.ValidationError(f"“{line[:80]}” is no line such as refunds: 30.")
    return name.strip(), int(number)


def initial_retention(days: Mapping[str, int]) -> dict[str, Any]:
    return {
        "everything": days.get(""),
        "categories": "\n".join(f"{name}: {number}" for name, number in days.items() if name),
    }
