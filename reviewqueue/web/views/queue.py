"""The queue: what waits for this person, and taking the next task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse

from reviewqueue.errors import Conflict
from reviewqueue.pipelines.selectors import WORKING_ROLES, has_role, pipeline_for, pipelines_for
from reviewqueue.review import selectors
from reviewqueue.review.selectors import Nothing, QueueRow
from reviewqueue.review.services import leases
from reviewqueue.review.services.filters import filters_of
from reviewqueue.review.showing import shown_purpose
from reviewqueue.viewing.services import record_views
from reviewqueue.web.access import action, page
from reviewqueue.web.forms import TakeForm
from reviewqueue.web.render import go, show, show_if_changed
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import require_role
from reviewqueue.web.undo import undoable

if TYPE_CHECKING:
    from reviewqueue.accounts.models import User
    from reviewqueue.pipelines.models import Pipeline
    from reviewqueue.review.models import Lease

REVIEWING_IN = "reviewing_in"
"""Session key: the pipeline somebody started in, so that the next task comes from there too; "" for all."""
REVIEWING_PART = "reviewing_part"
"""Session key: the purpose and the category somebody asked for there, where they did."""


@dataclass(frozen=True, slots=True)
class Row:
    counts: QueueRow
    works_here: bool
    has_flagged: bool = False


@page
def queue(request: PersonRequest) -> HttpResponse:
    pulse = selectors.queue_pulse(request.user)
    return show_if_changed(request, "queue/queue.html", lambda: _queue_context(request.user), shown=pulse)


def _queue_context(user: User) -> dict[str, Any]:
    works = has_role(user, WORKING_ROLES)
    flagged = selectors.pipelines_with_flagged(user) if works else set()
    rows = [
        Row(row, has_role(user, WORKING_ROLES, pipeline_id=row.pipeline.pk), row.pipeline.pk in flagged)
        for row in selectors.queue_counts(user)
    ]
    held = selectors.live_leases(user) if works else []
    recent = selectors.recent_labels(user) if works else []
    startable = sum(row.counts.open for row in rows if row.works_here)
    return {
        "works": works,
        "filters": filters_of(user) if works else [],
        "rows": rows,
        "startable": startable,
        "held": held,
        "kept": selectors.kept_for(user) if works else 0,
        "returned": selectors.returned_to(user) if works else [],
        "recent": recent,
        "nothing": None if startable or held else selectors.nothing_reason(user),
        "undo": undoable(recent[0]) if recent else None,
    }


@page
def last_answers(request: PersonRequest) -> HttpResponse:
    """The last ten, and what can still be changed of them."""
    require_role(request.user, WORKING_ROLES, "Only reviewers and seniors give answers.")
    recent = selectors.recent_labels(request.user, with_texts=True)
    record_views(viewer=request.user, claims=[label.claim for label in recent], purpose="own_answers")
    context = {
        "answers": [(label, undoable(label)) for label in recent],
        "in_work": selectors.leases_in_work(request.user),
    }
    return show(request, "queue/last_answers.html", context)


@action
def take(request: PersonRequest) -> HttpResponse:
    """What this person holds already, else the next task; of one pipeline or of any."""
    require_role(request.user, WORKING_ROLES, "Only reviewers and seniors take tasks.")
    form = TakeForm(request.POST)
    asked = form.cleaned_data if form.is_valid() else {}
    slug = asked.get("pipeline", "")
    if slug:
        pipeline_for(request.user, slug, WORKING_ROLES)
    request.session[REVIEWING_IN] = slug
    request.session[REVIEWING_PART] = {name: asked[name] for name in ("purpose", "category") if asked.get(name)}
    held = [each for each in selectors.leases_in_work(request.user) if _fits(each, asked)]
    lease = held[0] if held else next_lease(request)
    return go(request, "web:task", lease_id=lease.pk) if lease else go(request, "web:queue")


def _fits(lease: Lease, asked: Mapping[str, str]) -> bool:
    task = lease.task
    has = {"pipeline": task.pipeline.slug, "purpose": shown_purpose(task), "category": task.claim.category}
    return all(has[name] == wanted for name, wanted in asked.items() if wanted)


def reviewing_in(request: PersonRequest) -> Pipeline | None:
    """The pipeline this person reviews in; none for all, and when access to it was taken away."""
    slug = request.session.get(REVIEWING_IN, "")
    return pipelines_for(request.user, WORKING_ROLES).filter(slug=slug).first() if slug else None


def reviewing_part(request: PersonRequest) -> dict[str, Any]:
    """What this person wants to be given next: from which pipeline, for what purpose, of which category."""
    return {"pipeline": reviewing_in(request), **request.session.get(REVIEWING_PART, {})}


def next_lease(request: PersonRequest) -> Lease | None:
    """The next task from where this person is reviewing; when there is none, the reason becomes a notice."""
    try:
        taken = leases.take(reviewer=request.user, **reviewing_part(request))
    except Conflict as refused:
        messages.info(request, refused.detail)
        return None
    if isinstance(taken, Nothing):
        messages.info(request, taken.detail)
        return None
    return taken
