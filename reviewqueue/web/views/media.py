"""Files that came with claims, and how a person wants to look at images and listen to sound."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse

from reviewqueue.claims.attachments import attachment_of
from reviewqueue.review import selectors
from reviewqueue.review.reading_again import record_past_lease
from reviewqueue.web.access import action, page
from reviewqueue.web.content import keep_calming
from reviewqueue.web.files import file_response
from reviewqueue.web.render import go
from reviewqueue.web.request import PersonRequest


@action
def choose_calming(request: PersonRequest, lease_id: UUID) -> HttpResponse:
    """Kept by this browser, for all pipelines; what a pipeline asks for stays on top of it."""
    lease = selectors.lease_for(request.user, lease_id)
    messages.success(request, "Images and sound come like this from now on, in this browser.")
    response = go(request, "web:task", lease_id=lease.pk)
    keep_calming(response, request.POST.getlist("calming"))
    return response


@page
def attachment(request: PersonRequest, lease_id: UUID, attachment_id: UUID) -> HttpResponse:
    """A file of the claim that this person has, or is about to get."""
    lease = selectors.lease_or_reserved(request.user, lease_id)
    record_past_lease(lease)
    return file_response(attachment_of(lease.task.claim, attachment_id))
