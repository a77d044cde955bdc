"""Flagged claims as a list: all of them are right, but for those that are not."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse

from reviewqueue.pipelines.content_views import with_every_view
from reviewqueue.pipelines.selectors import WORKING_ROLES, pipeline_for
from reviewqueue.review.selectors import FLAGGED_AT_ONCE, flagged_batch
from reviewqueue.review.services.flagged import Confirmed, confirm
from reviewqueue.viewing.services import record_views
from reviewqueue.web.access import form_page
from reviewqueue.web.markdown import Allowance
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest


@form_page
def flagged(request: PersonRequest, slug: str) -> HttpResponse:
    pipeline = pipeline_for(request.user, slug, WORKING_ROLES)
    if request.method == "POST":
        listed, exceptions = (_numbers(request.POST.getlist(name)) for name in ("slot", "exception"))
        chosen = [each for each in listed if each not in exceptions][:FLAGGED_AT_ONCE]
        _tell(request, confirm(reviewer=request.user, slot_ids=chosen), exceptions=len(listed) - len(chosen))
        return go(request, "web:flagged", slug=slug)
    batch = flagged_batch(request.user, pipeline)
    record_views(viewer=request.user, claims=[slot.task.claim for slot in batch], purpose="flagged_list")
    rows = [
        {
            "slot": slot,
            "content": slot.task.claim.payload.content,
            "category": slot.task.claim.category,
            "due_at": slot.due_at,
        }
        for slot in batch
    ]
    views = with_every_view(pipeline.content_views)
    context = {"pipeline": pipeline, "views": views, "reading": Allowance(), "rows": rows, "most": FLAGGED_AT_ONCE}
    return show(request, "queue/flagged.html", context)


def _numbers(texts: list[str]) -> list[int]:
    """What is no number of a slot is no slot."""
    return [int(text) for text in dict.fromkeys(texts) if text.isascii() and text.isdigit() and len(text) < 19]


def _tell(request: PersonRequest, confirmed: Confirmed, *, exceptions: int) -> None:
    said = [f"{confirmed.labelled} saved as correct."]
    if confirmed.missed:
        said.append(f"{confirmed.missed} had been answered or taken by somebody else meanwhile.")
    if exceptions:
        said.append(f"{exceptions} left for a closer look.")
    messages.success(request, " ".join(said))
