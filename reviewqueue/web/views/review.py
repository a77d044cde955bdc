"""The task page and what can be done there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone

from reviewqueue.cascade.selectors import earlier_attempts, is_superseded
from reviewqueue.errors import Conflict, Invalid
from reviewqueue.review import selectors
from reviewqueue.review.reading_again import record_past_lease
from reviewqueue.review.services import handing_over, labels, leases, on_hold, reservations, returning
from reviewqueue.review.services.leases import ESCALATE, LeaseLost
from reviewqueue.web.access import action, form_page, page
from reviewqueue.web.answer_form import AnswerForm, draft_in, further_in, given_before
from reviewqueue.web.content import allow_media, content_context
from reviewqueue.web.forms import HOW_LONG, HandOverForm, HoldForm, RevisionForm, SkipForm
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.undo import last_answer, reveal_after
from reviewqueue.web.views.queue import next_lease, reviewing_part
from reviewqueue.web.wording import HOLDS, SKIP_REASONS

if TYPE_CHECKING:
    from reviewqueue.review.models import Label, LabelReturn, Lease


CHANGED: Final = "Changed. Your first answer stays on record beside the new one."
AS_IT_WAS: Final = "Kept as it was."
ANSWER_SENT: Final = frozenset({"verdict", "choice", "correction", "note"})
"""Fields of the answer: there when the browser sends it along with something else."""


@page
def task(request: PersonRequest, lease_id: UUID) -> HttpResponse:
    lease = selectors.lease_for(request.user, lease_id)
    if lease.is_lost:
        return show(
            request,
            "review/over.html",
            {"lease": lease, "draft": lease.draft, "further": further_in(lease.draft)},
            status=409,
        )
    return _show_task(request, lease)


def _show_task(
    request: PersonRequest, lease: Lease, form: AnswerForm | None = None, *, status: int = 200
) -> HttpResponse:
    context = {**_task_context(request, lease, form), "undo": last_answer(request.user)}
    address = reverse("web:task", args=[lease.pk])
    return allow_media(request, show(request, "review/task.html", context, status=status, address=address))


def _task_context(request: PersonRequest, lease: Lease, form: AnswerForm | None = None) -> dict[str, Any]:
    view = selectors.task_view(lease)["task"]
    is_open, claim_id = view["blind"] == "none", lease.task.claim_id
    return {
        "lease": lease,
        "task": view,
        **content_context(request, view, lease.task.pipeline, lease_id=lease.pk),
        "form": form or AnswerForm(view, initial=lease.draft),
        # Upstream answers anew what it thinks is bad: whoever judges blind is not told.
        "superseded": is_open and is_superseded(claim_id),
        "earlier_attempts": earlier_attempts(claim_id) if is_open else [],
        "handed": selectors.handed_with(lease),
        "colleagues": selectors.colleagues(lease),
        "escalation_notes": selectors.escalation_notes(lease),
        "ran_out": lease.expires_at <= timezone.now(),
        "put_back_by_senior": lease.end_reason == "forced",
        "skip_reasons": SKIP_REASONS.items(),
        "holds": HOLDS.items(),
    }


@action
def label(request: PersonRequest, lease_id: UUID) -> HttpResponse:
    """Saves the answer and brings the next task. Whatever cannot be saved stays in the form."""
    lease = selectors.lease_for(request.user, lease_id)
    form = AnswerForm(selectors.task_view(lease)["task"], request.POST)
    if not form.is_valid():
        return _show_task(request, lease, form, status=422)
    try:
        labels.submit_label(reviewer=request.user, lease_id=lease_id, answer=form.answer())
    except LeaseLost as lost:
        leases.save_draft(reviewer=request.user, lease_id=lease_id, draft=draft_in(request.POST))
        context = {"lease": lease, "mine": form.answer(), "standing": lost.facts.get("label"), "error": lost}
        return show(request, "review/lost.html", context, status=409)
    except Invalid as invalid:
        form.take_over(invalid.problems)
        return _show_task(request, lease, form, status=422)
    return _next_task(request)


def _next_task(request: PersonRequest) -> HttpResponse:
    """With htmx the next task is the answer to the last one; without, a redirect leads to it.

    A browser that shows the next task already says which, and is told only that it is theirs now. If it is another one,
    it gets that.
    """
    lease = next_lease(request)
    if lease is None:
        return go(request, "web:queue")
    if not request.htmx:
        return go(request, "web:task", lease_id=lease.pk)
    shown = request.POST.get("shown")
    if shown == str(lease.pk):
        context = {"lease": lease, "undo": last_answer(request.user)}
        response = show(request, "review/goes_on.html", context, address=reverse("web:task", args=[lease.pk]))
        response["HX-Reswap"] = "none"
        return response
    if shown:
        messages.info(request, "The task shown for a moment went to somebody else. This is the next one.")
    return _show_task(request, lease)


@action
def ready(request: PersonRequest, lease_id: UUID) -> HttpResponse:
    """The task that will most likely come after this one, kept for a moment, as the part of a page. 204: none."""
    selectors.lease_for(request.user, lease_id)
    reservation = reservations.reserve(reviewer=request.user, **reviewing_part(request))
    if reservation is None:
        return HttpResponse(status=204)
    context = {**_task_context(request, selectors.lease_to_be(reservation)), "reserved": True}
    return show(request, "review/task.html", context)


@action
def let_go(request: PersonRequest, reservation_id: UUID) -> HttpResponse:
    """The browser does not need what was kept for it: its page is out of sight or left."""
    reservations.let_go(reviewer=request.user, reservation_id=reservation_id)
    return HttpResponse(status=204)


@action
def skip(request: PersonRequest, lease_id: UUID) -> HttpResponse:
    selectors.lease_for(request.user, lease_id)
    form = SkipForm(request.POST)
    if not form.is_valid():
        return _refused(request, lease_id, chain.from_iterable(form.errors.values()))
    given = form.cleaned_data
    leases.release(reviewer=request.user, lease_id=lease_id, reason=given["reason"], note=given["note"])
    to_seniors = given["reason"] == ESCALATE
    messages.success(request, f"{'Passed to the seniors' if to_seniors else 'Skipped'}. It will not come back to you.")
    return _next_task(request)


@action
def put_on_hold(request: PersonRequest, lease_id: UUID) -> HttpResponse:
    """Keeps the task, with what is written so far, and goes on with the next one."""
    selectors.lease_for(request.user, lease_id)
    form = HoldForm(request.POST)
    if not form.is_valid():
        return _refused(request, lease_id, [HOW_LONG])
    if ANSWER_SENT & request.POST.keys():
        leases.save_draft(reviewer=request.user, lease_id=lease_id, draft=draft_in(request.POST))
    held = on_hold.put_on_hold(reviewer=request.user, lease_id=lease_id, minutes=form.cleaned_data["minutes"])
    messages.success(
        request,
        f"Kept for you until {held.expires_at:%a %H:%M} UTC. You find it on the queue page, with what you wrote.",
    )
    return _next_task(request)


@action
def hand_over(request: PersonRequest, lease_id: UUID) -> HttpResponse:
    lease = selectors.lease_for(request.user, lease_id)
    form = HandOverForm(request.POST)
    if not form.is_valid():
        return _refused(request, lease_id, chain.from_iterable(form.errors.values()))
    given = form.cleaned_data
    try:
        handing_over.hand_over(reviewer=request.user, lease_id=lease_id, to=given["to"], note=given["note"])
    except Invalid as invalid:
        return _refused(request, lease_id, (problem.detail for problem in invalid.problems))
    names = {person.username: person.shown_name for person in selectors.colleagues(lease)}
    messages.success(request, f"Handed to {names.get(given['to'], given['to'])}, who gets it next.")
    return _next_task(request)


def _refused(request: PersonRequest, lease_id: UUID, why: Iterable[object]) -> HttpResponse:
    for problem in why:
        messages.error(request, str(problem))
    return go(request, "web:task", lease_id=lease_id)


@action
def release(request: PersonRequest, lease_id: UUID) -> HttpResponse:
    leases.release(reviewer=request.user, lease_id=lease_id, reason="back")
    messages.success(request, "Put back. Somebody else may take it now.")
    return go(request, "web:queue")


@action
def renew(request: PersonRequest, lease_id: UUID) -> HttpResponse:
    """The page asks for this every half minute while it is looked at; only the clock is answered."""
    try:
        lease = leases.renew(reviewer=request.user, lease_id=lease_id)
    except Conflict as refused:
        if not request.htmx:
            messages.error(request, refused.detail)
            return go(request, "web:task", lease_id=lease_id)
        lease = selectors.lease_for(request.user, lease_id)
        lost = isinstance(refused, LeaseLost)
        return show(request, "review/_clock.html", {"lease": lease, "refused": refused, "lost": lost}, status=409)
    if not request.htmx:
        return go(request, "web:task", lease_id=lease_id)
    return show(request, "review/_clock.html", {"lease": lease})


@action
def draft(request: PersonRequest, lease_id: UUID) -> HttpResponse:
    leases.save_draft(reviewer=request.user, lease_id=lease_id, draft=draft_in(request.POST))
    return show(request, "review/_draft_saved.html", {"now": timezone.now()})


@form_page
def revise(request: PersonRequest, label_id: UUID) -> HttpResponse:
    """Taking back an answer means giving another one: both stay on record."""
    earlier = selectors.label_for(request.user, label_id)
    returned = selectors.return_of(earlier)
    lease = selectors.lease_for(request.user, earlier.lease_id)
    record_past_lease(lease)
    view = selectors.task_view(lease)["task"]
    sent = request.POST if request.method == "POST" else None
    form = AnswerForm(view, sent, initial=given_before(earlier, view))
    reason = RevisionForm(sent, initial={"reason": _likely_reason(earlier, returned)})
    if form.is_valid() and reason.is_valid():
        try:
            done = labels.revise_label(
                reviewer=request.user, label_id=label_id, answer=form.answer(), reason=reason.cleaned_data["reason"]
            )
        except Invalid as invalid:
            form.take_over(invalid.problems)
        else:
            messages.success(request, CHANGED if done.created else AS_IT_WAS)
            return _back_to_work(request)
    context = {
        "task": view,
        **content_context(request, view, earlier.task.pipeline, lease_id=earlier.lease_id),
        "form": form,
        "earlier": earlier,
        "returned": returned,
        "reveal": reveal_after(earlier),
        "reason": reason,
        "seconds_left": _seconds_to_change(earlier),
    }
    status = 422 if form.errors or reason.errors else 200
    return allow_media(request, show(request, "review/revise.html", context, status=status))


def _likely_reason(earlier: Label, returned: LabelReturn | None) -> str:
    if returned:
        return "returned"
    return "slip" if earlier.blind == "none" else "after_reveal"


@action
def give_back(request: PersonRequest, label_id: UUID) -> HttpResponse:
    """A senior returns somebody's label with a comment."""
    label = selectors.label_of_another(request.user, label_id)
    try:
        returning.return_label(senior=request.user, label_id=label_id, comment=request.POST.get("comment", ""))
    except Invalid as invalid:
        for problem in invalid.problems:
            messages.error(request, problem.detail)
    else:
        messages.success(request, "Returned. It waits on its reviewer's queue page until they answer.")
    return go(request, "web:claim", claim_id=label.claim_id)


def _seconds_to_change(label: Label) -> int:
    until = label.created_at + timedelta(seconds=label.task.undo_seconds)
    return max(round((until - timezone.now()).total_seconds()), 0)


def _back_to_work(request: PersonRequest) -> HttpResponse:
    held = selectors.leases_in_work(request.user)
    return go(request, "web:task", lease_id=held[-1].pk) if held else go(request, "web:queue")
