"""Checkpoints in an object storage: written once, read back before anything is signed, and never in the way."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, storages
from pytest_django import Settings

from reviewqueue.ledger import services, storage_anchor
from reviewqueue.ledger.keys import signing_keys
from reviewqueue.ledger.models import Anchor, Checkpoint
from reviewqueue.ledger.note import TreeHead, VerifierKey, sign_note
from reviewqueue.ledger.sealer import SealRefused
from reviewqueue.ledger.selectors import refusal
from reviewqueue.ledger.storage_anchor import StorageAnchor
from tests.services.ledger.cast import ORIGIN, tampered, write_many

HANGING = 30

pytestmark = pytest.mark.django_db


class Away(InMemoryStorage):
    """A storage with errors of its own."""

    def listdir(self, path: str) -> Any:
        raise RuntimeError("credentials expired")

    exists = listdir


class Hanging(InMemoryStorage):
    def listdir(self, path: str) -> Any:
        time.sleep(HANGING)


@pytest.fixture
def storage(auditor_key: VerifierKey, settings: Settings) -> StorageAnchor:
    return use(settings, "django.core.files.storage.InMemoryStorage")


def use(settings: Settings, backend: str) -> StorageAnchor:
    settings.STORAGES = {**settings.STORAGES, "anchors": {"BACKEND": backend}}
    settings.LEDGER_ANCHOR_STORAGE = "anchors"
    settings.LEDGER_ANCHOR_SECONDS = 0.0
    settings.LEDGER_ANCHOR_FILE = ""
    return StorageAnchor("anchors", ORIGIN, 0.0)


def test_each_checkpoint_is_kept_under_its_size_and_the_largest_is_read_back(storage: StorageAnchor) -> None:
    for count in (3, 7, 1_200):
        write_many(count)
        services.seal()
    assert storage.newest() == Checkpoint.objects.get(tree_size=1_210).note
    assert list(Anchor.objects.order_by("id").values_list("tree_size", "sink")) == [
        (3, "storage"),
        (10, "storage"),
        (1_210, "storage"),
    ]
    storage_anchor._seen.clear()
    assert storage.newest() == Checkpoint.objects.get(tree_size=1_210).note


def test_a_note_that_a_crash_cut_short_does_not_stop_sealing(storage: StorageAnchor) -> None:
    write_many(3)
    services.seal()
    whole = Checkpoint.objects.get(tree_size=3).note
    storages["anchors"].save(storage._name(9), ContentFile(whole.encode()[:20]))
    storage_anchor._seen.clear()
    assert storage.newest() == whole
    write_many(7)
    assert services.seal().added == 7
    storage_anchor._seen.clear()
    assert storage.newest() == Checkpoint.objects.get(tree_size=10).note


def test_not_every_checkpoint_needs_to_go_there(storage: StorageAnchor, settings: Settings) -> None:
    settings.LEDGER_ANCHOR_SECONDS = 3600.0
    for _ in range(2):
        write_many(1)
        services.seal()
    assert list(Anchor.objects.values_list("tree_size", flat=True)) == [1]


def test_a_database_behind_the_storage_is_not_signed(storage: StorageAnchor) -> None:
    for _ in range(2):
        write_many(5)
        services.seal()
    tampered("DELETE FROM ledger.leaf WHERE leaf_index >= 5", "DELETE FROM ledger.checkpoint WHERE tree_size > 5")
    storage_anchor._seen.clear()  # as after a start
    with pytest.raises(SealRefused, match="ends at 5 leaves, the anchored checkpoint has 10: a rollback"):
        services.seal()


def test_two_copies_that_sign_under_one_name_stop_each_other(storage: StorageAnchor) -> None:
    """The other copy was first with its checkpoint of ten leaves."""
    write_many(5)
    services.seal()
    other = sign_note(TreeHead(ORIGIN, 10, bytes(32)).text(), signing_keys())
    storages["anchors"].save(storage._name(10), ContentFile(other.encode()))
    write_many(5)
    (alarm,) = services.seal().alarms
    assert "two checkpoints of one size" in alarm
    storage_anchor._seen.clear()
    with pytest.raises(SealRefused, match="two checkpoints of one size"):
        services.seal()
    refused = refusal()
    assert refused
    assert refused.code == "two_of_one_size"


@pytest.mark.parametrize("backend", ["Away", "Hanging"])
def test_a_storage_that_fails_or_hangs_is_an_alarm_and_sealing_goes_on(
    auditor_key: VerifierKey, settings: Settings, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_anchor, "ANSWER_SECONDS", 0.2)
    use(settings, f"{__name__}.{backend}")
    write_many(3)
    started = time.monotonic()
    sealed = services.seal()
    assert sealed.size == 3
    assert sealed.alarms
    assert "storage cannot be read" in sealed.alarms[0]
    assert time.monotonic() - started < HANGING / 2


def test_why_nothing_is_signed_is_known_to_every_process_until_it_is_signed_again(
    auditor_key: VerifierKey, settings: Settings
) -> None:
    write_many(1)
    path = settings.LEDGER_SIGNING_KEY_FILE
    settings.LEDGER_SIGNING_KEY_FILE = ""
    for _ in range(2):
        with pytest.raises(Exception, match="no signing key"):
            services.seal()
    refused = refusal()
    assert refused
    assert refused.code == "no_key"
    settings.LEDGER_SIGNING_KEY_FILE = path
    services.seal()
    assert refusal() is None
