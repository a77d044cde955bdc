"""A file lies encrypted in the storage, and goes with the last claim that names it."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.utils import timezone

from reviewqueue.claims.attachments import content_of, store_attachment
from reviewqueue.claims.models import Attachment, AttachmentUse, Claim
from reviewqueue.ledger.models import Event
from reviewqueue.payloads.models import FileKey
from reviewqueue.payloads.vault import PayloadUnreadable
from tests import files
from tests.services.erasure.steps import erased
from tests.world import World

pytestmark = pytest.mark.django_db


def stored(world: World) -> Attachment:
    file, _ = store_attachment(source=world.source, content=files.png(), now=timezone.now())
    return file


def naming(world: World, file: Attachment) -> Claim:
    return world.claim(context=[{"kind": "image", "attachment": str(file.pk)}] * 2)


def test_a_file_goes_with_the_last_claim_that_names_it(world: World, django_capture_on_commit_callbacks: Any) -> None:
    file = stored(world)
    first, second = naming(world, file), naming(world, file)
    with django_capture_on_commit_callbacks(execute=True):
        erased(world, first)
    assert content_of(file) == files.png()
    with django_capture_on_commit_callbacks(execute=True):
        erased(world, second)
    assert not default_storage.exists(file.stored_as)
    assert not FileKey.objects.exists()
    assert not Attachment.objects.exists()
    assert not AttachmentUse.objects.exists()
    bodies = [json.loads(leaf)["body"] for leaf in
              Event.objects.filter(kind="payload.erased").order_by("id").values_list("leaf", flat=True)]  # fmt: skip
    assert [body["payload"] for body in bodies] == [str(first.pk), str(second.pk), str(file.pk)]


def test_a_changed_file_does_not_open(world: World) -> None:
    file = stored(world)
    with default_storage.open(file.stored_as) as content:
        changed = bytearray(content.read())
    changed[-1] ^= 1
    file.stored_as = default_storage.save(secrets.token_hex(16), ContentFile(bytes(changed)))
    with pytest.raises(PayloadUnreadable):
        content_of(file)


def test_files_of_earlier_days_are_shown_and_can_be_encrypted(
    world: World, django_capture_on_commit_callbacks: Any
) -> None:
    file = stored(world)
    salt = bytes(FileKey.objects.get(pk=file.pk).salt)
    FileKey.objects.all().delete()
    plain = default_storage.save("plain.png", ContentFile(files.png()))
    Attachment.objects.filter(pk=file.pk).update(salt=salt, stored_as=plain)
    file.refresh_from_db()
    assert content_of(file) == files.png()
    with django_capture_on_commit_callbacks(execute=True):
        call_command("encrypt_files", verbosity=0)
    file.refresh_from_db()
    assert (file.salt, default_storage.exists(plain)) == (None, False)
    assert content_of(file) == files.png()
    body = json.loads(Event.objects.get(pk=file.event_id).leaf)["body"]
    kept = bytes(FileKey.objects.get(pk=file.pk).salt)
    assert body["commitment"] == hashlib.sha256(b"\x02" + kept + files.png()).hexdigest()
