"""Files that came with claims, and how a person wants to look at images and listen to sound."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse

from reviewqueue.claims.attachments import attachment_of, content_of
from reviewqueue.claims.file_types import EXTENSIONS
from reviewqueue.review import selectors
from reviewqueue.web.access import action, page
from reviewqueue.web.content import keep_calming
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


FILE_POLICY: Final = "sandbox; default-src 'none'; frame-ancestors 'none'"
"""Of a file opened by itself: it is looked at, and does nothing."""


@page
def attachment(request: PersonRequest, lease_id: UUID, attachment_id: UUID) -> HttpResponse:
    """A file of the claim that this person has, or is about to get. PDF files are downloads, never shown here."""
    lease = selectors.lease_or_reserved(request.user, lease_id)
    file = attachment_of(lease.task.claim, attachment_id)
    response = HttpResponse(content_of(file), content_type=file.media_type)
    way = "attachment" if file.media_type == "application/pdf" else "inline"
    name = f"file-{str(file.pk)[-12:]}.{EXTENSIONS[file.media_type]}"
    response["Content-Disposition"] = f'{way}; filename="{name}"'
    response["Content-Security-Policy"] = FILE_POLICY
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["X-Content-Type-Options"] = "nosniff"
    return response
