"""What reviewers of a pipeline are asked: its versions, and the builder for the next one."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse

from reviewqueue.errors import Invalid
from reviewqueue.pipelines.form_changes import form_changes
from reviewqueue.pipelines.form_questions import QUESTION_KINDS
from reviewqueue.pipelines.form_versions import FormOutdated, change_form, form_versions
from reviewqueue.pipelines.review_form import KINDS, MAX_QUESTIONS
from reviewqueue.pipelines.selectors import FIGURES_ROLES, has_role, pipeline_for
from reviewqueue.web import form_builder
from reviewqueue.web.access import action, form_page
from reviewqueue.web.form_builder import FormFields
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import SETTING_ROLES
from reviewqueue.web.wording import FORM_KINDS, QUESTION_WORDS, VERDICTS

if TYPE_CHECKING:
    from reviewqueue.pipelines.models import Pipeline, ReviewForm


@form_page
def review_form(request: PersonRequest, slug: str) -> HttpResponse:
    if request.method == "POST":
        return _change(request, pipeline_for(request.user, slug, SETTING_ROLES))
    pipeline = pipeline_for(request.user, slug, FIGURES_ROLES)
    return _show(request, pipeline, form_builder.fields_of(pipeline.review_form))


@action
def review_form_preview(request: PersonRequest, slug: str) -> HttpResponse:
    """What reviewers would get of what is typed; nothing is stored."""
    pipeline = pipeline_for(request.user, slug, SETTING_ROLES)
    document, problems = form_builder.document_in(form_builder.typed(request.POST))
    return show(request, "pipelines/_form_preview.html", _previewed(pipeline, document, problems))


def _previewed(pipeline: Pipeline, document: Any, problems: Any) -> dict[str, Any]:
    if problems:
        return {"problems": problems}
    changes = form_changes(pipeline.review_form, document)
    form = form_builder.preview(document, pipeline.question)
    return {"preview": form, "preview_task": form.task, "changes": changes}


def _change(request: PersonRequest, pipeline: Pipeline) -> HttpResponse:
    """Saves, or shows what was typed again: rearranged, with what is wrong, or beside what somebody else saved."""
    form, wish = form_builder.typed(request.POST), request.POST.get("do", "")
    if wish != "save":
        form.questions = form_builder.rearranged(form.questions, wish)[:MAX_QUESTIONS]
        return _show(request, pipeline, form)
    document, problems = form_builder.document_in(form)
    seen = request.POST.get("version", "")
    if problems or not (seen.isdecimal() and len(seen) < 9):
        form_builder.place_errors(form, problems)
        return _show(request, pipeline, form, status=422)
    try:
        saved = change_form(pipeline=pipeline, document=document, by=request.user, expected=int(seen))
    except FormOutdated:
        pipeline.refresh_from_db()
        return _show(request, pipeline, form, status=409)
    except Invalid as invalid:
        form_builder.place_errors(form, invalid.problems)
        return _show(request, pipeline, form, status=422)
    is_new = saved.number > int(seen)
    messages.success(request, f"Saved as version {saved.number}." if is_new else "Nothing was changed.")
    return go(request, "web:review_form", slug=pipeline.slug)


def _show(request: PersonRequest, pipeline: Pipeline, form: FormFields, *, status: int = 200) -> HttpResponse:
    document, problems = form_builder.document_in(form)
    context = {
        "pipeline": pipeline,
        "form": form,
        "number": pipeline.form.number,
        "may_change": has_role(request.user, SETTING_ROLES, pipeline_id=pipeline.pk),
        "kinds": [(kind, FORM_KINDS[kind]) for kind in KINDS],
        "question_kinds": [(kind, QUESTION_WORDS[kind]) for kind in QUESTION_KINDS],
        "verdicts": list(VERDICTS.items()),
        "versions": _history(form_versions(pipeline)),
        "is_conflict": status == 409,
        "shows_errors": status == 422,
        "has_room": len(form.questions) < MAX_QUESTIONS,
        **_previewed(pipeline, document, problems),
    }
    return show(request, "pipelines/review_form.html", context, status=status)


def _history(versions: list[ReviewForm]) -> list[tuple[ReviewForm, list[str]]]:
    """Newest first, each with what it asks that the one before did not."""
    changes = [form_changes(older.document, newer.document) for newer, older in pairwise(versions)]
    return list(zip(versions, [*changes, []], strict=True))
