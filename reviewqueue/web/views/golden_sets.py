"""Golden sets of a pipeline: who answers for them, what is due, their items. Not for those who review."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone

from reviewqueue.claims.selectors import instant
from reviewqueue.erasure.selectors import ASKERS
from reviewqueue.errors import Conflict, DomainError, Forbidden, Invalid
from reviewqueue.golden import selectors
from reviewqueue.golden.comparing import COMPARISONS
from reviewqueue.golden.due import due_for
from reviewqueue.golden.figures import trend_points
from reviewqueue.golden.item_files import BadItems
from reviewqueue.golden.services import drafts, sets
from reviewqueue.pipelines.selectors import has_role, pipeline_for
from reviewqueue.reports.remeasurement import remeasurements
from reviewqueue.web.access import form_page, page
from reviewqueue.web.downloads import file_of, wants_file
from reviewqueue.web.golden_charts import trend_chart
from reviewqueue.web.golden_forms import (
    NewSetForm,
    TermsForm,
    item_as_typed,
    sent_items,
    shown_again,
    typed_item,
)
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import GOLDEN_KEEPERS, GOLDEN_READERS

if TYPE_CHECKING:
    from reviewqueue.golden.models import GoldenItem, GoldenSet, GoldenVersion
    from reviewqueue.pipelines.models import Pipeline

DUE_SHOWN: Final = 60
PROBLEMS_SHOWN: Final = 50


@form_page
def golden_sets(request: PersonRequest, slug: str) -> HttpResponse:
    if request.method != "POST":
        return _list(request, pipeline_for(request.user, slug, GOLDEN_READERS))
    pipeline = pipeline_for(request.user, slug, GOLDEN_KEEPERS)
    form = NewSetForm(pipeline, request.POST)
    if not form.is_valid():
        return _list(request, pipeline, form=form, status=422)
    try:
        made = sets.create_set(pipeline=pipeline, name=form.cleaned_data["name"], terms=form.terms(), by=request.user)
    except (Invalid, Conflict) as error:
        form.add_error("name", _told(error))
        return _list(request, pipeline, form=form, status=422)
    messages.success(request, f"{made.name} is there. Put its items in.")
    return go(request, "web:golden_draft", slug=slug, name=made.name)


def _list(
    request: PersonRequest, pipeline: Pipeline, *, form: NewSetForm | None = None, status: int = 200
) -> HttpResponse:
    due = due_for(pipeline)
    again = [] if due else remeasurements([pipeline], now=timezone.now()).get(pipeline.pk, [])
    context = {
        "pipeline": pipeline,
        "sets": list(selectors.sets_of(pipeline)),
        "due": due[:DUE_SHOWN],
        "again": again[:DUE_SHOWN],
        "not_shown": max(len(due) - DUE_SHOWN, 0),
        "late": sum(each.late for each in due),
        "form": form or NewSetForm(pipeline, initial={"owner": request.user.pk}),
        "shows_errors": form is not None,
        "may_set": has_role(request.user, GOLDEN_KEEPERS, pipeline_id=pipeline.pk),
        "api": f"{settings.PUBLIC_URL}/api/v1",
    }
    return show(request, "golden/sets.html", context, status=status)


@form_page
def golden_set(request: PersonRequest, slug: str, name: str) -> HttpResponse:
    if request.method != "POST":
        found = selectors.set_named(pipeline_for(request.user, slug, GOLDEN_READERS), name)
        return _trend_file(request, found) if wants_file(request) else _set(request, found)
    found = selectors.set_named(pipeline_for(request.user, slug, GOLDEN_KEEPERS), name)
    do = request.POST.get("do")
    if do in ("retire", "reopen"):
        sets.retire_set(golden_set=found, by=request.user, retired=do == "retire")
        messages.success(request, "Retired: nothing is due by it any more." if do == "retire" else "In use again.")
        return go(request, "web:golden_set", slug=slug, name=name)
    form = TermsForm(found.pipeline, request.POST)
    if not form.is_valid():
        return _set(request, found, form=form, status=422)
    sets.change_set(golden_set=found, terms=form.terms(), by=request.user)
    messages.success(request, "Saved. The change is in the ledger.")
    return go(request, "web:golden_set", slug=slug, name=name)


def _set(request: PersonRequest, found: GoldenSet, *, form: TermsForm | None = None, status: int = 200) -> HttpResponse:
    pipeline = found.pipeline
    points = trend_points(selectors.trend(found))
    terms = {name: getattr(found, name) for name in ("every_days", "within_days", "description")}
    draft = selectors.draft_of(found)
    context = {
        "pipeline": pipeline,
        "golden_set": found,
        "in_use": selectors.version_in_use(found),
        "draft": draft,
        "draft_items": draft.items.count() if draft else 0,
        "versions": selectors.versions_of(found),
        "runs": selectors.runs_of(found),
        "runs_shown": selectors.RUNS_SHOWN,
        "points": points,
        "chart": trend_chart(points) if points else None,
        "due": [due for due in due_for(pipeline) if due.golden_set.pk == found.pk][:DUE_SHOWN],
        "form": form or TermsForm(pipeline, initial={**terms, "owner": found.owner_id}),
        "shows_errors": form is not None,
        "may_set": has_role(request.user, GOLDEN_KEEPERS, pipeline_id=pipeline.pk),
        "api": f"{settings.PUBLIC_URL}/api/v1",
    }
    return show(request, "golden/set.html", context, status=status)


def _trend_file(request: PersonRequest, found: GoldenSet) -> HttpResponse:
    rows = [
        {
            "run": str(point.run.pk),
            "finished_at": instant(point.at),
            "set_version": point.run.version.number,
            "model": point.run.model,
            "model_version": point.run.model_version,
            "prompt_version": point.run.prompt_version,
            "elicitation": point.run.elicitation,
            "state": point.run.state,
            "items": point.run.size,
            "answered": point.run.answered,
            "right": point.run.right,
            "accuracy": point.accuracy,
            "low": point.low,
            "high": point.high,
            "smooth_ece": point.smooth_ece,
            "brier": point.brier,
            "worse_than_promised": point.worse,
        }
        for point in trend_points(selectors.trend(found))
    ]
    return file_of(request, {"golden_set": found.name, "runs": rows}, name="golden-runs")


# --- items ----------------------------------------------------------------------------------------------------------


@page
def golden_version(request: PersonRequest, slug: str, name: str, number: int) -> HttpResponse:
    found = selectors.set_named(pipeline_for(request.user, slug, GOLDEN_READERS), name)
    version = selectors.version_numbered(found, number)
    if request.GET.get("as") == "jsonl":
        return _items_file(version)
    context = {
        **_items_context(request, version),
        "golden_set": found,
        "pipeline": found.pipeline,
        "is_whole": bytes(version.digest or b"") == selectors.items_digest(version),
        "may_erase": version.published_at and has_role(request.user, ASKERS, pipeline_id=found.pipeline_id),
    }
    return show(request, "golden/version.html", context)


@form_page
def golden_draft(request: PersonRequest, slug: str, name: str) -> HttpResponse:
    """Its items, and the forms that change them. All that was typed stays when something of it is wrong."""
    if request.method != "POST":
        return _draft(request, selectors.set_named(pipeline_for(request.user, slug, GOLDEN_READERS), name))
    found = selectors.set_named(pipeline_for(request.user, slug, GOLDEN_KEEPERS), name)
    told: dict[str, Any]
    try:
        done = _do(request, found)
    except BadItems as bad:
        told = {"bad_lines": bad.lines[:PROBLEMS_SHOWN], "sent_text": shown_again(request.POST, _file(request))}
        return _draft(request, found, told, status=422)
    except Invalid as invalid:
        told = {"problems": invalid.problems[:PROBLEMS_SHOWN], "typed": _typed_again(request)}
        return _draft(request, found, told, status=422)
    except (Conflict, Forbidden) as refused:
        return _draft(request, found, {"refused": refused.detail}, status=422)
    messages.success(request, done)
    to = "web:golden_set" if request.POST.get("do") in ("publish", "discard") else "web:golden_draft"
    return go(request, to, slug=slug, name=name)


def _do(request: PersonRequest, found: GoldenSet) -> str:
    """Raises what is wrong; otherwise says what was done."""
    sent, names = request.POST, selectors.names_of(found.pipeline)
    match sent.get("do"):
        case "upload":
            items = sent_items(sent, _file(request), names)
            put = drafts.put_items(golden_set=found, items=items, replace=bool(sent.get("replace")))
            return f"{put.added} added, {put.replaced} replaced, {put.removed} removed: the draft has {put.size}."
        case "remove":
            removed = drafts.remove_items(golden_set=found, keys=sent.getlist("key"))
            return f"{removed} item{'' if removed == 1 else 's'} removed from the draft."
        case "discard":
            drafts.discard_draft(golden_set=found)
            return "The draft is gone. What is in use stays."
        case "publish":
            version = drafts.publish(golden_set=found, by=request.user)
            return f"Version {version.number} is in use, with {version.size} items. The ledger has its digest."
        case _:
            item = typed_item(sent.dict(), names)
            drafts.put_items(golden_set=found, items=[item])
            return f"{item.key} is in the draft."


def _file(request: PersonRequest) -> Any:
    return request.FILES.get("file")


def _typed_again(request: PersonRequest) -> dict[str, Any]:
    sent = request.POST.dict()
    segments = {name.removeprefix("segment-"): value for name, value in sent.items() if name.startswith("segment-")}
    return {**sent, "segments": segments}


def _draft(
    request: PersonRequest, found: GoldenSet, told: dict[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    draft, in_use = selectors.draft_of(found), selectors.version_in_use(found)
    base = draft or in_use
    told = told or {}
    typed = told.get("typed") or _to_edit(base, request.GET.get("edit"))
    context = {
        **(_items_context(request, base) if base else {"rows": [], "total": 0}),
        "pipeline": found.pipeline,
        "golden_set": found,
        "draft": draft,
        "in_use": in_use,
        "typed": typed,
        "is_edit": bool(request.GET.get("edit") and typed),
        "comparisons": COMPARISONS,
        "may_set": has_role(request.user, GOLDEN_KEEPERS, pipeline_id=found.pipeline_id),
        "unusable": selectors.not_comparable(draft, most=PROBLEMS_SHOWN) if draft else [],
        **told,
    }
    return show(request, "golden/draft.html", context, status=status)


def _to_edit(version: GoldenVersion | None, key: str | None) -> dict[str, Any]:
    row = selectors.with_texts(version.items.filter(key=key)).first() if version and key else None
    if row is None:
        return {"comparison": "text", "segments": {}}
    return item_as_typed(selectors.item_with_content(row))


def _items_context(request: PersonRequest, version: GoldenVersion) -> dict[str, Any]:
    total = version.items.count()
    last = max(-(-total // selectors.ITEMS_SHOWN), 1)
    asked = request.GET.get("page", "1")
    here = min(max(int(asked), 1), last) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 1
    return {
        "version": version,
        "rows": [_row(row) for row in selectors.items_of(version, page=here)],
        "total": total,
        "here": here,
        "last": last,
        "before": here - 1 if here > 1 else None,
        "after": here + 1 if here < last else None,
    }


def _row(row: GoldenItem) -> dict[str, Any]:
    item = selectors.item_with_content(row)
    erased = not hasattr(row, "payload")
    problems = [] if erased else item.comparison_problems()
    return {"item": item, "erased": erased, "problem": problems[0].detail if problems else ""}


def _items_file(version: GoldenVersion) -> HttpResponse:
    """One JSON object a line, as an upload takes them."""
    rows = selectors.with_texts(version.items.all()).order_by("place", "id")
    lines = []
    for row in rows.iterator(chunk_size=2_000):
        item = selectors.item_with_content(row)
        said = {name: getattr(item, name) for name in item.__struct_fields__}
        lines.append(msgspec.json.encode({name: value for name, value in said.items() if value not in (None, "", {})}))
    response = HttpResponse(b"\n".join(lines) + b"\n", content_type="application/jsonl")
    response["Content-Disposition"] = 'attachment; filename="golden-items.jsonl"'
    return response


def _told(error: DomainError) -> str:
    problems = error.problems if isinstance(error, Invalid) else ()
    return " ".join(problem.detail for problem in problems) or error.detail
