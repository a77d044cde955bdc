"""Files that came with claims, on their way to a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.http import HttpResponse

from reviewqueue.claims.attachments import content_of
from reviewqueue.claims.file_types import EXTENSIONS

if TYPE_CHECKING:
    from reviewqueue.claims.models import Attachment

POLICY: Final = "sandbox; default-src 'none'; frame-ancestors 'none'"
"""Of a file opened by itself: it is looked at, and does nothing."""


def file_response(file: Attachment) -> HttpResponse:
    """Raises NotFound when the storage has lost it. PDF files are downloads, never shown here."""
    response = HttpResponse(content_of(file), content_type=file.media_type)
    way = "attachment" if file.media_type == "application/pdf" else "inline"
    name = f"file-{str(file.pk)[-12:]}.{EXTENSIONS[file.media_type]}"
    response["Content-Disposition"] = f'{way}; filename="{name}"'
    response["Content-Security-Policy"] = POLICY
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["X-Content-Type-Options"] = "nosniff"
    return response
