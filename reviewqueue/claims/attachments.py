"""Files that come with claims: uploaded first, then named by a context item, then shown with the claim."""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from reviewqueue.accounts.models import Source
from reviewqueue.claims.file_types import MOST_PIXELS, TYPES, pixels_of, type_of
from reviewqueue.claims.models import Attachment, AttachmentUse, Claim, new_id
from reviewqueue.claims.services import commitment
from reviewqueue.claims.submission import Submission
from reviewqueue.errors import Conflict, FieldProblem, Invalid, NotFound
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.payloads.models import FILE, FileKey
from reviewqueue.payloads.vault import ClaimKey, new_key
from reviewqueue.transactions import joins_transaction, service

LARGEST: Final = 8 * 1024 * 1024
MOST_UNUSED: Final = 1_000
"""Files of a source that no claim names yet."""
KEPT_UNUSED: Final = timedelta(hours=24)
FORGOTTEN_AT_ONCE: Final = 500
ENCRYPTED_AT_ONCE: Final = 20

log = logging.getLogger(__name__)


class TooManyAttachments(Conflict):
    code = "too_many_attachments"


def decoded(text: str) -> bytes:
    """The bytes of an upload. Raises Invalid when it is no base64, empty or too large."""
    try:
        content = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise _refused("base64", "This is not base64 with its padding, in the standard alphabet.") from None
    if not content:
        raise _refused("empty", "The file is empty.")
    if len(content) > LARGEST:
        raise _refused("too_large", f"A file may have {LARGEST // 1024 // 1024} MiB.")
    return content


def _refused(code: str, detail: str) -> Invalid:
    return Invalid([FieldProblem("/content", code, detail)])


@service
def store_attachment(*, source: Source, content: bytes, now: datetime) -> tuple[Attachment, bool]:
    """The stored file, and whether it is new: the same bytes of a source are one file.

    It is kept for good once a claim names it, else for a day.

    Raises:
        Invalid: it is none of the types that are shown, or an image of too many pixels.
        TooManyAttachments: the source has uploaded many files that no claim names.
    """
    media_type = _type_of(content)
    Source.objects.select_for_update(no_key=True).get(pk=source.pk)  # one upload of a source at a time
    digest = hashlib.sha256(content).digest()
    same = Attachment.objects.select_for_update(no_key=True).filter(source=source, digest=digest).first()
    if same is not None:
        Attachment.objects.filter(pk=same.pk).update(uploaded_at=now)
        return same, False
    if Attachment.objects.filter(source=source, used_at=None).count() >= MOST_UNUSED:
        raise TooManyAttachments("Name the files you uploaded in claims, or wait until they are forgotten.")
    return _stored(source, content, digest, media_type, now), True


def _type_of(content: bytes) -> str:
    media_type = type_of(content)
    if media_type is None:
        raise _refused("file_type", "This is none of: " + ", ".join(TYPES) + ".")
    if media_type.startswith("image/") and (pixels_of(content) or 0) > MOST_PIXELS:
        raise _refused("too_many_pixels", f"An image may have {MOST_PIXELS:,} pixels.")
    return media_type


def _stored(source: Source, content: bytes, digest: bytes, media_type: str, now: datetime) -> Attachment:
    """The file is there before its row is; without a row it is never served."""
    attachment_id = new_id()
    key = new_key(attachment_id)
    name = _save(key, content)
    try:
        entry = ledger.append(
            event="attachment.stored",
            actor=Actor.source(source.slug),
            attachment=attachment_id,
            source=source.slug,
            media_type=media_type,
            commitment=commitment(key.salt, content),
        )
        FileKey.of(key).save(force_insert=True)
        return Attachment.objects.create(
            id=attachment_id,
            source=source,
            media_type=media_type,
            size=len(content),
            digest=digest,
            stored_as=name,
            uploaded_at=now,
            event_id=entry.id,
        )
    except BaseException:
        default_storage.delete(name)
        raise


def _save(key: ClaimKey, content: bytes) -> str:
    """Encrypted, under a name that says nothing."""
    ciphertext = key.close(content, kind=FILE, row=key.claim_id)
    return str(default_storage.save(secrets.token_hex(16), ContentFile(ciphertext)))


# --- naming them in claims -------------------------------------------------------------------------------------------


def named_in(submissions: Iterable[Submission]) -> set[UUID]:
    return {item.attachment for each in submissions for item in each.context if isinstance(item.attachment, UUID)}


def known_to(source: Source, named: Collection[UUID], *, lock: bool = False) -> set[UUID]:
    """Those of `named` that this source has uploaded. No statement when none is named.

    `lock` keeps them from being forgotten until the transaction ends.
    """
    if not named:
        return set()
    rows = Attachment.objects.filter(source=source, pk__in=named).order_by("pk")
    return set((rows.select_for_update(no_key=True) if lock else rows).values_list("pk", flat=True))


def check_named(submission: Submission, known: Collection[UUID]) -> None:
    """Raises Invalid with every context item that names a file which is not there."""
    problems = [
        FieldProblem(f"/context/{place}/attachment", "unknown", "This source has uploaded no such file.")
        for place, item in enumerate(submission.context)
        if isinstance(item.attachment, UUID) and item.attachment not in known
    ]
    if problems:
        raise Invalid(problems)


def mark_used(claims: Iterable[tuple[UUID, Submission]], now: datetime) -> None:
    """Writes which claims name which files. Joins the caller's transaction."""
    joins_transaction()
    uses = [(claim_id, each) for claim_id, submission in claims for each in sorted(named_in([submission]))]
    if uses:
        Attachment.objects.filter(pk__in={each for _, each in uses}, used_at=None).update(used_at=now)
        AttachmentUse.objects.bulk_create(AttachmentUse(claim_id=claim, attachment_id=each) for claim, each in uses)


# --- showing and forgetting them -------------------------------------------------------------------------------------


def attachments_of(context: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The media types of the files that these context items name, by their ids. No statement when they name none."""
    named = {item["attachment"] for item in context if item.get("attachment")}
    if not named:
        return {}
    rows = Attachment.objects.filter(pk__in=named).values_list("pk", "media_type")
    return {str(attachment_id): media_type for attachment_id, media_type in rows}


def attachment_of(claim: Claim, attachment_id: UUID) -> Attachment:
    """Raises NotFound unless the claim, which the caller may see with its payload, names this very file."""
    context = claim.payload.content["context"] if hasattr(claim, "payload") else []
    named = {item.get("attachment") for item in context}
    found = Attachment.objects.filter(pk=attachment_id).first() if str(attachment_id) in named else None
    if found is None:
        raise NotFound("There is no such file.")
    return found


def content_of(attachment: Attachment) -> bytes:
    """Raises NotFound when the storage has lost it, PayloadUnreadable when it was changed there."""
    try:
        with default_storage.open(attachment.stored_as) as file:
            stored = bytes(file.read())
    except FileNotFoundError:
        raise NotFound("The file is not there any more.") from None
    key = FileKey.objects.filter(pk=attachment.pk).first()
    return key.opened.open(stored, kind=FILE, row=attachment.pk) if key else stored


def forget_files_of(claim: Claim) -> list[UUID]:
    """Erases the files that no other claim names; which they were. Joins the caller's transaction."""
    joins_transaction()
    named = list(AttachmentUse.objects.filter(claim=claim).values_list("attachment_id", flat=True))
    files = list(Attachment.objects.select_for_update().filter(pk__in=named).order_by("pk")) if named else []
    AttachmentUse.objects.filter(claim=claim).delete()
    elsewhere = set(AttachmentUse.objects.filter(attachment__in=named).values_list("attachment_id", flat=True))
    return _forget([file for file in files if file.pk not in elsewhere])


def _forget(files: list[Attachment]) -> list[UUID]:
    """Key, salt and row at once, the ciphertext once that is committed."""
    ids = [file.pk for file in files]
    FileKey.objects.filter(pk__in=ids).delete()
    Attachment.objects.filter(pk__in=ids).delete()
    for file in files:
        transaction.on_commit(partial(default_storage.delete, file.stored_as))
    return ids


@service
def encrypt_some_files() -> int:
    """Files of the time before they were encrypted, some at a time; how many. A lost one is passed over."""
    plain = Attachment.objects.filter(salt__isnull=False).select_for_update(skip_locked=True)
    files = list(plain.order_by("pk")[:ENCRYPTED_AT_ONCE])
    for file in files:
        _encrypt(file)
    return len(files)


def _encrypt(file: Attachment) -> None:
    """The salt stays what it was: it is in the file's commitment."""
    assert file.salt is not None
    key = replace(new_key(file.pk), salt=bytes(file.salt))
    old = file.stored_as
    try:
        file.stored_as = _save(key, content_of(file))
        transaction.on_commit(partial(default_storage.delete, old))
    except NotFound:
        log.error("attachments: the storage has lost %s", old)
    file.salt = None
    file.save(update_fields=["stored_as", "salt"])
    FileKey.of(key).save(force_insert=True)


@service
def forget_unused(*, now: datetime) -> int:
    """Deletes files that no claim has named within a day, some at a time. Their ledger entries stay."""
    old = Attachment.objects.filter(used_at=None, uploaded_at__lt=now - KEPT_UNUSED).order_by("uploaded_at")
    return len(_forget(list(old.select_for_update(skip_locked=True)[:FORGOTTEN_AT_ONCE])))
