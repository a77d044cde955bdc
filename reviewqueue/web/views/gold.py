"""The gold tasks of a pipeline. Not for those whom they measure."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse

from reviewqueue.errors import Conflict, FieldProblem, Invalid
from reviewqueue.pipelines.selectors import has_role, pipeline_for
from reviewqueue.review import gold_pages
from reviewqueue.review.services import gold_set
from reviewqueue.review.services.gold_set import Known
from reviewqueue.web.access import form_page
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import SETTING_ROLES

if TYPE_CHECKING:
    from reviewqueue.pipelines.models import Pipeline

KEEPERS: Final = frozenset({"owner", "auditor", "admin"})
YES: Final = frozenset({"correct", "true", "1"})
NO: Final = frozenset({"incorrect", "false", "0"})


class TermsForm(forms.Form):
    rate = forms.FloatField(min_value=0, max_value=50)
    bar = forms.FloatField(min_value=0, max_value=99.9)
    fewest = forms.IntegerField(min_value=gold_set.FEWEST_JUDGED, max_value=1_000)


@form_page
def gold(request: PersonRequest, slug: str) -> HttpResponse:
    if request.method != "POST":
        return _show(request, pipeline_for(request.user, slug, KEEPERS))
    pipeline = pipeline_for(request.user, slug, SETTING_ROLES)
    form = TermsForm(request.POST) if request.POST.get("do") == "terms" else None
    if form and not form.is_valid():
        return _show(request, pipeline, form=form, status=422)
    try:
        done = _do(request, pipeline, form)
    except Invalid as invalid:
        return _show(request, pipeline, problems=[problem.detail for problem in invalid.problems[:10]], status=422)
    except Conflict as conflict:
        return _show(request, pipeline, problems=[conflict.detail], status=422)
    messages.success(request, done)
    return go(request, "web:gold", slug=slug)


def _do(request: PersonRequest, pipeline: Pipeline, form: TermsForm | None) -> str:
    """Raises Invalid and Conflict with what is wrong; otherwise says what was done."""
    sent, by = request.POST, request.user
    onboarding = bool(sent.get("onboarding"))
    if form:
        given = form.cleaned_data
        gold_set.change_terms(
            pipeline=pipeline, rate=given["rate"] / 100, bar=given["bar"] / 100, fewest=given["fewest"], by=by
        )
        return "Saved. The change is in the ledger."
    if sent.get("do") in ("retire", "void"):
        [item_id] = _ids([sent.get("item", "")]) or [UUID(int=0)]
        gold_set.retire(pipeline=pipeline, item_id=item_id, by=by, void=sent["do"] == "void")
        return "Retired."
    if sent.get("do") == "import":
        known = list(_known(sent.get("known", "")))
        number = gold_set.import_known(pipeline=pipeline, known=known, by=by, onboarding=onboarding)
    else:
        number = gold_set.add_settled(
            pipeline=pipeline, claim_ids=_ids(sent.getlist("claim")), by=by, onboarding=onboarding
        )
    return f"{number} gold task{'' if number == 1 else 's'} added."


def _ids(texts: list[str]) -> list[UUID]:
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def _known(text: str) -> list[Known]:
    """Lines of: name of the claim upstream, correct or incorrect, and for incorrect ones the right answer if known."""
    rows = [row for row in csv.reader(text.splitlines()) if row and row[0].strip()]
    bad = [row[0] for row in rows if len(row) < 2 or row[1].strip().casefold() not in YES | NO]
    if bad:
        raise Invalid([FieldProblem("/known", "row", f"“{name}” lacks correct or incorrect.") for name in bad])
    return [
        Known(row[0].strip(), row[1].strip().casefold() in YES, row[2].strip() or None if len(row) > 2 else None)
        for row in rows
    ]


def _show(
    request: PersonRequest,
    pipeline: Pipeline,
    *,
    form: TermsForm | None = None,
    problems: list[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    terms, items = gold_pages.terms_of(pipeline), gold_pages.gold_items(pipeline)
    in_use = [item for item in items if item.retired_at is None]
    initial = {"rate": round(terms.rate * 100, 2), "bar": round(terms.bar * 100, 2), "fewest": terms.fewest}
    context: dict[str, Any] = {
        "pipeline": pipeline,
        "terms": terms,
        "items": items,
        "in_use": len(in_use),
        "wrong_ones": sum(not item.correct for item in in_use),
        "candidates": gold_pages.candidates(pipeline),
        "form": form or TermsForm(initial=initial),
        "may_set": has_role(request.user, SETTING_ROLES, pipeline_id=pipeline.pk),
        "problems": problems or [],
        "sent": request.POST if problems else {},
        "shows_errors": form is not None,
    }
    return show(request, "reviewers/gold.html", context, status=status)
