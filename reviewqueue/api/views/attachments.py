"""Files that come with claims: images, sound and PDF files, uploaded before the claim that names them."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from reviewqueue.api import attachment_answers as answers
from reviewqueue.api.authentication import source_of
from reviewqueue.api.bodies import Upload, read_as
from reviewqueue.api.contract import Answer, Body, Holder, promises
from reviewqueue.api.idempotency import Reply
from reviewqueue.api.operation import Operation
from reviewqueue.api.shapes import attachment_answer
from reviewqueue.claims.attachments import decoded, store_attachment

MAX_BYTES: Final = 12 * 1024 * 1024
"""Of the body: the largest file in base64, and some room."""


class Attachments(Operation):
    body_limit = MAX_BYTES

    @promises(
        "upload_attachment",
        scope="intake",
        holder=Holder.SOURCE,
        body=Body(Upload, {"a pixel": answers.UPLOAD}),
        answers={
            201: Answer("The stored file.", answers.Attachment, answers.ATTACHMENT),
            200: Answer("The same bytes again: the file that is there.", answers.Attachment, answers.ATTACHMENT),
        },
        problems=("too_many_attachments",),
    )
    def post(self, request: Request) -> HttpResponse:
        """Upload a file for a claim to come.

        A context item of a claim then names its `id` as `attachment`. What it is, is told by its content: PNG, JPEG,
        GIF or WebP images, WAV, MP3, Ogg, FLAC or M4A sound, and PDF files. A file that no claim names within a day is
        forgotten. It is shown to those alone who may see the claim.
        """
        source = source_of(request)

        def upload(body: Any) -> Reply:
            content = decoded(read_as(Upload, body).content)
            stored, created = store_attachment(source=source, content=content, now=timezone.now())
            return Reply(201 if created else 200, attachment_answer(stored))

        return self.write(upload)
