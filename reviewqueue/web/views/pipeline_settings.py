"""What a pipeline is set to, and changing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.http import HttpResponse

from calibration.core.segments import declared_as
from calibration.slicing import watched_in
from reviewqueue.errors import Invalid
from reviewqueue.pipeline_settings import NamesInUse, SettingsOutdated, change_settings, names_in_use, settings_hash
from reviewqueue.pipelines.content_views import with_every_view
from reviewqueue.pipelines.costs import costs_of
from reviewqueue.pipelines.models import Role
from reviewqueue.pipelines.selectors import FIGURES_ROLES, has_role, people_of, pipeline_for
from reviewqueue.pipelines.watched import every_attribute
from reviewqueue.policy.selectors import one_person_approval
from reviewqueue.web.access import form_page
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import SETTING_ROLES
from reviewqueue.web.settings_form import (
    SettingsForm,
    SignalRows,
    differing,
    initial_rows,
    initial_settings,
    take_over,
    with_more_rows,
)

if TYPE_CHECKING:
    from reviewqueue.accounts.models import User
    from reviewqueue.pipelines.models import Pipeline

WORKS_HERE: Final = frozenset({Role.REVIEWER, Role.SENIOR, Role.OWNER})


@form_page
def settings(request: PersonRequest, slug: str) -> HttpResponse:
    if request.method == "POST":
        return _change(request, pipeline_for(request.user, slug, SETTING_ROLES))
    pipeline = pipeline_for(request.user, slug, FIGURES_ROLES)
    if not has_role(request.user, SETTING_ROLES, pipeline_id=pipeline.pk):
        signals = sorted(pipeline.signals.items())
        allowed = one_person_approval(pipeline)
        context = {
            "pipeline": pipeline,
            "signals": signals,
            "costs": costs_of(pipeline.costs),
            "views": with_every_view(pipeline.content_views),
            "allowed": allowed,
            "watched": [declared_as(each) for each in watched_in(pipeline)],
        }
        return show(request, "pipelines/settings_read.html", context)
    rows = SignalRows(prefix="signal", initial=initial_rows(pipeline))
    initial = initial_settings(pipeline, settings_hash(pipeline))
    return _show_form(request, pipeline, _form(request, pipeline, initial=initial), rows)


def _form(request: PersonRequest, pipeline: Pipeline, data: Any = None, **named: Any) -> SettingsForm:
    """An owner chooses a deputy among the owners; an admin chooses among everybody with work here."""
    is_admin = has_role(request.user, {Role.ADMIN})
    people = list(people_of(pipeline, WORKS_HERE if is_admin else {Role.OWNER}))
    return SettingsForm(
        data,
        owners=_with(people, pipeline.owner) if is_admin else (),
        deputies=_with(people, pipeline.deputy),
        **named,
    )


def _with(people: list[User], person: User | None) -> list[User]:
    """Who holds the place now stays in the list, whatever became of the role."""
    return people if person is None or person in people else [person, *people]


def _show_form(
    request: PersonRequest, pipeline: Pipeline, form: SettingsForm, rows: Any, *, status: int = 200, **more: Any
) -> HttpResponse:
    in_use = names_in_use(pipeline)
    for row in rows.forms:
        row.versions = in_use.signals.get(row["name"].value() or "", ())
    context = {
        "pipeline": pipeline,
        "form": form,
        "rows": rows,
        "attributes": every_attribute(pipeline.categories, pipeline.segment_values),
        "kept_categories": _kept(pipeline, in_use),
        "allowed": one_person_approval(pipeline),
        "shows_errors": status == 422,
        **more,
    }
    return show(request, "pipelines/settings.html", context, status=status)


def _kept(pipeline: Pipeline, in_use: NamesInUse) -> list[tuple[str, list[int]]]:
    return [(name, in_use.categories[name]) for name in pipeline.categories if name in in_use.categories]


def _change(request: PersonRequest, pipeline: Pipeline) -> HttpResponse:
    """Saves, or shows what was typed again: with what is wrong, with more rows, or beside what somebody else saved."""
    wants_rows = "more" in request.POST
    data = with_more_rows(request.POST) if wants_rows else request.POST
    form = _form(request, pipeline, data)
    rows = SignalRows(data, prefix="signal", initial=initial_rows(pipeline))
    if wants_rows:
        return _show_form(request, pipeline, form, rows)
    if not (form.is_valid() & rows.is_valid()):
        return _show_form(request, pipeline, form, rows, status=422)
    changes = {**form.changes(), "signals": rows.declared()}
    try:
        seen = form.cleaned_data["version"]
        saved = change_settings(pipeline=pipeline, changes=changes, by=request.user, expected=seen)
    except SettingsOutdated:
        return _show_conflict(request, pipeline, form, rows)
    except Invalid as invalid:
        take_over(form, rows, invalid.problems)
        return _show_form(request, pipeline, form, rows, status=422)
    messages.success(request, "Nothing was changed." if settings_hash(saved) == seen else "Saved.")
    return go(request, "web:settings", slug=pipeline.slug)


def _show_conflict(request: PersonRequest, pipeline: Pipeline, form: SettingsForm, rows: Any) -> HttpResponse:
    """What was typed stays in the form, which now counts as made on top of what the other person saved."""
    pipeline.refresh_from_db()
    typed = form.data.copy()  # type: ignore[attr-defined]  # what was posted
    typed["version"] = settings_hash(pipeline)
    again = _form(request, pipeline, typed)
    more = {"is_conflict": True, "differing": differing(form, rows, pipeline)}
    return _show_form(request, pipeline, again, rows, status=409, **more)
