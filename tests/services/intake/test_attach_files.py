"""Files are uploaded, named by claims, kept as long as they are needed, and forgotten otherwise."""

from __future__ import annotations

import hashlib
import json
import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from reviewqueue import intake
from reviewqueue.accounts import services as accounts
from reviewqueue.claims import attachments
from reviewqueue.claims.attachments import TooManyAttachments, content_of, decoded, forget_unused, store_attachment
from reviewqueue.claims.models import Attachment, Claim
from reviewqueue.claims.submission import parse_submission
from reviewqueue.errors import Invalid
from reviewqueue.ledger.models import Event
from reviewqueue.payloads.models import FileKey
from tests import files
from tests.world import SETUP, World


def stored(world: World, content: bytes = files.png(), **changes: Any) -> Attachment:
    now = changes.pop("now", timezone.now())
    return store_attachment(source=changes.pop("source", world.source), content=content, now=now)[0]


def item(attachment: object) -> dict[str, Any]:
    return {"kind": "image", "title": "Chart", "attachment": str(attachment)}


def codes(refused: Invalid) -> list[tuple[str, str]]:
    return [(problem.pointer, problem.code) for problem in refused.problems]


def test_a_file_is_stored_under_a_random_name_and_the_ledger_holds_a_commitment_alone(world: World) -> None:
    file = stored(world)
    assert (file.media_type, file.size, file.used_at) == ("image/png", len(files.png()), None)
    assert bytes(file.digest) == hashlib.sha256(files.png()).digest()
    with default_storage.open(file.stored_as) as content:
        assert files.png() not in content.read()
    assert content_of(file) == files.png()
    body = json.loads(Event.objects.get(pk=file.event_id).leaf)["body"]
    assert (
        body["commitment"]
        == hashlib.sha256(b"\x02" + bytes(FileKey.objects.get(pk=file.pk).salt) + files.png()).hexdigest()
    )
    assert hashlib.sha256(files.png()).hexdigest() not in str(body)


def test_the_same_bytes_again_are_the_same_file_for_a_source_and_another_one_for_another(world: World) -> None:
    first = stored(world)
    assert store_attachment(source=world.source, content=files.png(), now=timezone.now()) == (first, False)
    other = accounts.create_source(slug="shop", name="Shop", actor=SETUP)
    assert stored(world, source=other).pk != first.pk


@pytest.mark.parametrize(("content", "code"), [(b"<svg/>", "file_type"), (files.png(9_000, 9_000), "too_many_pixels")])
def test_what_browsers_should_not_get_is_refused(world: World, content: bytes, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        stored(world, content)
    assert codes(refused.value) == [("/content", code)]
    assert not Attachment.objects.exists()


@pytest.mark.parametrize(("text", "code"), [("???", "base64"), ("AA", "base64"), ("é", "base64"), ("", "empty")])
def test_an_upload_is_base64_of_something(text: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        decoded(text)
    assert codes(refused.value) == [("/content", code)]


def test_a_file_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "LARGEST", 2)
    with pytest.raises(Invalid) as refused:
        decoded("AAAA")
    assert codes(refused.value) == [("/content", "too_large")]


def test_a_source_has_only_so_many_files_that_no_claim_names(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "MOST_UNUSED", 2)
    stored(world, files.png(1, 1))
    named = stored(world, files.png(1, 2))
    with pytest.raises(TooManyAttachments):
        stored(world, files.png(1, 3))
    stored(world, files.png(1, 2))
    world.claim(context=[item(named.pk)])
    stored(world, files.png(1, 3))


def test_a_claim_names_files_of_its_own_source_and_no_others(world: World) -> None:
    foreign = stored(world, source=accounts.create_source(slug="shop", name="Shop", actor=SETUP))
    for unknown in (foreign.pk, uuid4()):
        with pytest.raises(Invalid) as refused:
            world.submit(context=[item(stored(world).pk), item(unknown)])
        assert codes(refused.value) == [("/context/1/attachment", "unknown")]
    assert not Claim.objects.exists()
    assert not Attachment.objects.exclude(used_at=None).exists()


@pytest.mark.parametrize(
    ("context", "code"),
    [
        ([{"kind": "image", "attachment": "no id"}], "value"),
        ([{"kind": "image", "attachment": str(uuid4()), "url": "https://a.example.com/"}], "one_of"),
        ([item(uuid4()) for _ in range(21)], "too_many_attachments"),
    ],
)
def test_a_context_item_names_a_file_properly(world: World, context: list[dict[str, Any]], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_submission(world.claim_body(context=context), now=timezone.now())
    ((pointer, found),) = codes(refused.value)
    assert pointer.startswith("/context")
    assert found == code


def test_a_claim_without_files_is_hashed_and_stored_as_it_always_was(world: World) -> None:
    claim = world.claim(context=[{"kind": "document", "text": "x"}])
    assert claim.payload.content["context"] == [
        {"kind": "document", "title": "", "text": "x", "url": None, "role": None, "id": None}
    ]


def test_the_same_claim_again_is_the_same_claim_and_a_preview_uses_nothing(world: World) -> None:
    body = world.claim_body(context=[item(stored(world).pk)])
    submission = parse_submission(body, now=timezone.now())
    intake.preview(source=world.source, submission=submission, now=timezone.now())
    assert Attachment.objects.get().used_at is None
    assert intake.submit(source=world.source, submission=submission, now=timezone.now()).created
    assert Attachment.objects.get().used_at is not None
    assert not intake.submit(source=world.source, submission=submission, now=timezone.now()).created


def test_elements_of_a_batch_stand_or_fall_alone(world: World) -> None:
    bodies = [world.claim_body(context=[item(each)]) for each in (stored(world).pk, uuid4())]
    assert [each.status for each in intake.submit_batch(source=world.source, bodies=bodies, now=timezone.now())] == [
        201,
        422,
    ]


def test_files_cost_a_claim_two_statements_and_a_claim_without_them_none(world: World) -> None:
    file = stored(world)

    def statements(context: list[dict[str, Any]]) -> int:
        with CaptureQueriesContext(connection) as seen:
            world.submit(context=context)
        return len(seen)

    statements([])
    assert statements([item(file.pk)] * 3) == statements([]) + 3


def test_files_that_nobody_named_within_a_day_are_forgotten(committed_world: World) -> None:
    now = timezone.now()
    old = stored(committed_world, files.png(1, 1), now=now - timedelta(hours=25))
    new = stored(committed_world, files.png(1, 2), now=now - timedelta(hours=23))
    used = stored(committed_world, files.png(1, 3), now=now - timedelta(hours=25))
    committed_world.claim(context=[item(used.pk)])
    assert forget_unused(now=now) == 1
    assert forget_unused(now=now) == 0
    assert set(Attachment.objects.all()) == {new, used}
    assert [default_storage.exists(file.stored_as) for file in (old, new, used)] == [False, True, True]


def test_a_file_that_is_being_named_is_not_forgotten_meanwhile(committed_world: World) -> None:
    now = timezone.now()
    file = stored(committed_world, now=now - timedelta(hours=25))
    outcomes: list[object] = []

    def name() -> None:
        try:
            outcomes.append(committed_world.claim(context=[item(file.pk)]).pk)
        except Invalid as refused:
            outcomes.append(codes(refused))
        finally:
            connection.close()

    threads = [threading.Thread(target=name), threading.Thread(target=lambda: _forget(now, outcomes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    named = Claim.objects.exists()
    assert default_storage.exists(file.stored_as) == Attachment.objects.exists() == named
    assert len(outcomes) == 2


def _forget(now: Any, outcomes: list[object]) -> None:
    try:
        outcomes.append(forget_unused(now=now))
    finally:
        connection.close()
