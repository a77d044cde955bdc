"""Taking the body off a request: how it is declared, how long it is, and nothing read beyond that."""

from __future__ import annotations

import re

from django.http import HttpRequest, UnreadablePostError

from reviewqueue.errors import DomainError
from reviewqueue.serving import INCOMPLETE, LATE
from reviewqueue.strict_json import MalformedJSON

_JSON = re.compile(r"application/json\s*(;\s*charset\s*=\s*(utf-8|\"utf-8\")\s*)?", re.IGNORECASE)


class TooLarge(DomainError):
    code = "too_large"


class UnsupportedMediaType(DomainError):
    code = "unsupported_media_type"


class BodyTooSlow(DomainError):
    code = "request_timeout"


def read_json_body(request: HttpRequest, *, limit: int) -> bytes:
    """The bytes of a body declared as JSON; no bytes when the request has no body.

    The declared length is checked before anything is read, and the bytes read are checked against it.

    Raises:
        TooLarge: longer than `limit`, or of no declared length.
        UnsupportedMediaType: not declared as plain JSON in UTF-8.
        MalformedJSON: not as long as declared.
        BodyTooSlow: it did not come in time.
    """
    missing = request.META.get(INCOMPLETE)
    if missing == LATE:
        raise BodyTooSlow("The body did not come in time. Send it again, faster.")
    if missing:
        raise MalformedJSON("The body is not as long as the request says.")
    length = _declared_length(request)
    if length > limit:
        raise TooLarge(f"The body may have {limit} bytes.")
    if length:
        _check_media_type(request)
    try:
        body = request.read(limit + 1)
    except (UnreadablePostError, OSError):
        raise MalformedJSON("The body could not be read to its end.") from None
    if len(body) != length:
        raise MalformedJSON("The body is not as long as the request says.")
    return body


def _declared_length(request: HttpRequest) -> int:
    if "HTTP_TRANSFER_ENCODING" in request.META:
        raise TooLarge("A body needs a Content-Length.")
    text = request.META.get("CONTENT_LENGTH") or "0"
    if not (text.isascii() and text.isdigit()):
        raise MalformedJSON("The Content-Length is not a number.")
    return int(text[:20])


def _check_media_type(request: HttpRequest) -> None:
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("The body must not be compressed.")
    if not _JSON.fullmatch(request.META.get("CONTENT_TYPE", "").strip()):
        raise UnsupportedMediaType("The body must be application/json in UTF-8.")
