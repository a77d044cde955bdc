"""A new draft, made from any version: in a form, or as JSON. Nothing typed is lost."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse

from reviewqueue.errors import Invalid
from reviewqueue.pipelines.selectors import pipeline_for
from reviewqueue.policy import services
from reviewqueue.policy.difference import difference
from reviewqueue.policy.rights import PROPOSE
from reviewqueue.policy.selectors import active_policy, version_for, versions
from reviewqueue.policy.services import PolicyOutdated
from reviewqueue.web.access import form_page
from reviewqueue.web.policy_form import (
    STARTER,
    Problems,
    Typed,
    document_of,
    empty_band,
    read_object,
    typed_in,
    typed_of,
)
from reviewqueue.web.policy_form_fields import band_fields, mandatory_options, term_fields
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest

if TYPE_CHECKING:
    from reviewqueue.pipelines.models import Pipeline
    from reviewqueue.policy.rule_changes import Change


@dataclass
class Editor:
    """What the page shows: the form or, where `text` is given, the JSON of the whole document."""

    pipeline: Pipeline
    base: str
    seen: int
    note: str = ""
    typed: Typed = field(default_factory=Typed)
    text: str | None = None
    problems: Problems = field(default_factory=Problems)
    is_conflict: bool = False
    changes: tuple[Change, ...] | None = None

    def document(self) -> dict[str, Any]:
        """Raises Invalid."""
        return document_of(self.typed) if self.text is None else read_object(self.text, pointer="")


@form_page
def policy_new(request: PersonRequest, slug: str) -> HttpResponse:
    pipeline = pipeline_for(request.user, slug, PROPOSE)
    if request.method == "POST":
        return _taken(request, _sent(request, pipeline))
    base = request.GET.get("from", "")
    document, number = _start(pipeline, base)
    return _shown(request, Editor(pipeline, number, _active_number(pipeline), typed=typed_of(document)))


def _start(pipeline: Pipeline, base: str) -> tuple[dict[str, Any], str]:
    """The document to begin with: of the version asked for, of the active one, of the newest, or the starter."""
    if base:
        return version_for(pipeline, int(base) if base.isascii() and base.isdigit() else 0).document, base
    found = versions(pipeline)
    best = next((each for each in found if each.status == "active"), found[0] if found else None)
    return (best.document, str(best.number)) if best else (STARTER, "")


def _active_number(pipeline: Pipeline) -> int:
    """0 where none is active."""
    active = active_policy(pipeline.pk)
    return active.number if active else 0


def _sent(request: PersonRequest, pipeline: Pipeline) -> Editor:
    seen = request.POST.get("seen", "")
    return Editor(
        pipeline,
        base=request.POST.get("base", "")[:9],
        seen=int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else 0,
        note=request.POST.get("note", "").replace("\r\n", "\n"),
        typed=typed_in(request.POST),
        text=request.POST["text"].replace("\r\n", "\n") if "text" in request.POST else None,
    )


def _taken(request: PersonRequest, editor: Editor) -> HttpResponse:
    """What the pressed button asks for."""
    rows, sent = editor.typed.bands, request.POST
    if "add" in sent:
        rows.insert(_row(sent["add"], len(rows)), empty_band())
        return _shown(request, editor)
    if "remove" in sent:
        place = _row(sent["remove"], len(rows))
        del rows[place : place + 1]
        return _shown(request, editor)
    try:
        if "to_json" in sent:
            editor.text = json.dumps(editor.document(), ensure_ascii=False, indent=2)
        elif "to_form" in sent:
            editor.typed, editor.text = typed_of(editor.document()), None
        elif "propose" in sent:
            return _proposed(request, editor)
        else:
            _check(editor)
    except Invalid as invalid:
        editor.problems = Problems(invalid.problems)
    return _shown(request, editor)


def _row(text: str, rows: int) -> int:
    """The place of a row that a button names; the end when it names none."""
    return min(int(text), rows) if text.isascii() and text.isdigit() and len(text) < 4 else rows


def _check(editor: Editor) -> None:
    """Raises Invalid; else says what the draft would change. Nothing is stored."""
    policy = services.checked(editor.pipeline, editor.document(), editor.note)
    active = active_policy(editor.pipeline.pk)
    editor.changes = difference(active.policy, policy) if active else ()


def _proposed(request: PersonRequest, editor: Editor) -> HttpResponse:
    try:
        draft = services.propose(
            pipeline=editor.pipeline,
            document=editor.document(),
            proposer=request.user,
            note=editor.note,
            on_top_of=editor.seen,
        )
    except PolicyOutdated:
        editor.is_conflict, editor.seen = True, _active_number(editor.pipeline)
        return _shown(request, editor)
    messages.success(
        request, f"Version {draft.number} is proposed. It decides nothing until somebody else approves it."
    )
    return go(request, "web:policy", slug=editor.pipeline.slug, number=draft.number)


SHOWN_APART = ("/bands/", "/mandatory/", "/review/", "/note")


def _shown(request: PersonRequest, editor: Editor) -> HttpResponse:
    status = 409 if editor.is_conflict else 422 if editor.problems.every else 200
    terms = term_fields(editor.typed, editor.problems)
    context = {
        "pipeline": editor.pipeline,
        "editor": editor,
        "bands": band_fields(editor.typed, editor.problems),
        "bands_errors": editor.problems.at("/bands"),
        "terms": terms,
        "mandatory": mandatory_options(editor.typed, editor.pipeline),
        "category_errors": editor.problems.within("/mandatory/categories"),
        "segment_errors": editor.problems.within("/mandatory/segments"),
        "note_errors": editor.problems.at("/note"),
        "elsewhere": editor.problems.elsewhere([*SHOWN_APART, *(each.pointer for each in terms.values())]),
    }
    return show(request, "policies/edit.html", context, status=status)
