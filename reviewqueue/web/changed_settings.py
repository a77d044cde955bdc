"""Saving one part of a pipeline's settings from a form of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from reviewqueue.accounts.models import User
from reviewqueue.errors import FieldProblem, Invalid
from reviewqueue.pipeline_settings import SettingsOutdated, change_settings
from reviewqueue.pipelines.models import Pipeline


class PartForm(Protocol):
    """A form that carries the version of the settings it was opened with."""

    cleaned_data: dict[str, Any]

    @property
    def errors(self) -> Any: ...

    def add_error(self, field: str | None, error: Any) -> None: ...

    def refuse(self, problems: Sequence[FieldProblem]) -> None:
        """Puts what the service refused beside its field."""


def saved(form: PartForm, changes: Mapping[str, Any], *, pipeline: Pipeline, by: User) -> bool:
    """Whether they were stored; if not, the form says why."""
    try:
        change_settings(pipeline=pipeline, changes=changes, by=by, expected=form.cleaned_data["version"])
    except Invalid as invalid:
        form.refuse(invalid.problems)
    except SettingsOutdated as outdated:
        form.add_error(None, f"{outdated.detail} Open the page again to see what is stored.")
    return not form.errors
