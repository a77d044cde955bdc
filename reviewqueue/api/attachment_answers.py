"""The answers about files that come with claims, and examples of them."""

from __future__ import annotations

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from reviewqueue.api.answers import Id, Instant
from reviewqueue.claims.file_types import TYPES

UPLOAD: Final = {
    "content": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
}
_FILE: Final = {
    "id": "0198f0c2-5b1e-7f31-8a11-6c7d8e9f0a12",
    "media_type": "image/png",
    "size": 70,
    "sha256": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
}
ATTACHMENT: Final[dict[str, Any]] = {**_FILE, "uploaded_at": "2026-11-22T05:59:58.120Z", "used": False}
ATTACHED_FILE: Final[dict[str, Any]] = {**_FILE, **UPLOAD}


class _File(Struct, frozen=True, kw_only=True):
    id: Id
    media_type: Annotated[str, Meta(description="Told by the content.", extra_json_schema={"enum": list(TYPES)})]
    size: Annotated[int, Meta(ge=1, description="In bytes.")]
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Attachment(_File, frozen=True, kw_only=True):
    uploaded_at: Instant
    used: Annotated[bool, Meta(description="A claim names it, so it is kept.")]


class AttachedFile(_File, frozen=True, kw_only=True):
    content: Annotated[str, Meta(description="The bytes in base64.", extra_json_schema={"contentEncoding": "base64"})]
