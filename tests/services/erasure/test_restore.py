"""What was erased is gone again after an older database came back, and every proof verifies.

Here rows are put back; tests/faults/test_restored_backup.py restores real dumps.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from reviewqueue.accounts.models import User
from reviewqueue.claims.models import Claim
from reviewqueue.claims.selectors import contents_of
from reviewqueue.ledger.models import Event
from reviewqueue.ledger.services import seal
from reviewqueue.ledger.verify import verify
from reviewqueue.payloads.models import ClaimPayload, FileKey, PayloadKey
from tests.services.erasure.steps import erased
from tests.services.erasure.test_erase_people import NAME, gone, henrietta
from tests.services.ledger.cast import prepare_sealing
from tests.services.payloads.test_encrypt import tables_with
from tests.services.review.steps import submit, taken
from tests.world import World

__all__ = ["henrietta"]
pytestmark = pytest.mark.django_db
CANARY = "canary-restored"


class Backup:
    """The rows of a claim's payload and of a person, as an older backup has them."""

    def __init__(self, claim: Claim, person: User) -> None:
        self.payload, self.key = ClaimPayload.objects.get(pk=claim.pk), PayloadKey.objects.get(pk=claim.pk)
        self.person = User.objects.get(pk=person.pk)

    def restore(self) -> None:
        self.payload.save(force_insert=True)
        self.key.save(force_insert=True)
        self.person.save()
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM erasure_erasure")


def reapplied(**options: Any) -> str:
    said = io.StringIO()
    call_command("reapply_erasures", stdout=said, **options)
    return said.getvalue().strip()


@pytest.fixture
def list_file(settings: Any, tmp_path: Path) -> Path:
    path = tmp_path / "erasures.jsonl"
    settings.ERASURE_LIST_FILE = str(path)
    return path


@pytest.mark.parametrize("memory", ["list", "export"])
def test_a_restored_payload_and_a_restored_person_are_erased_again(
    world: World, henrietta: User, settings: Any, tmp_path: Path, list_file: Path, memory: str,
    django_capture_on_commit_callbacks: Any,
) -> None:  # fmt: skip
    key = prepare_sealing(settings, tmp_path)
    claim = world.claim(output=CANARY)
    submit(taken(henrietta))
    backup = Backup(claim, henrietta)
    with django_capture_on_commit_callbacks(execute=True):
        erased(world, claim)
        gone(world, henrietta)
    seal()
    folder = tmp_path / "export"
    folder.mkdir()
    leaves = Event.objects.order_by("id").values_list("leaf", flat=True)
    (folder / "entries-0000.jsonl").write_text("".join(f"{leaf}\n" for leaf in leaves))
    backup.restore()
    assert contents_of([claim.pk])[claim.pk]["output"] == CANARY
    assert tables_with(NAME) != []

    if memory == "export":
        list_file.unlink()
        settings.ERASURE_LIST_FILE = ""
        assert reapplied(export=[folder]) == "2 erased again, 0 gone already, 0 not in this database."
    else:
        assert reapplied() == "2 erased again, 0 gone already, 0 not in this database."
    assert contents_of([claim.pk]) == {}
    assert not PayloadKey.objects.filter(pk=claim.pk).exists()
    assert tables_with(NAME) == []
    seal()
    report = verify(keys=[key])
    assert report.sound, report.findings
    again = reapplied(export=[folder]) if memory == "export" else reapplied()
    assert again == "0 erased again, 2 gone already, 0 not in this database."


def test_what_a_still_older_database_never_had_is_counted(world: World, list_file: Path) -> None:
    list_file.write_text(
        '{"kind":"payload","subject":"0198f0c2-7a41-7c3e-9d52-3f1f0a6b7c11","basis":"objection","event":"x","at":"y"}\n'
    )
    assert reapplied() == "0 erased again, 0 gone already, 1 not in this database."


def test_a_list_that_is_none_stops_it(world: World, list_file: Path) -> None:
    list_file.write_text("something else\n")
    with pytest.raises(CommandError, match="line 1"):
        reapplied()
    list_file.unlink()
    with pytest.raises(CommandError):
        reapplied()


def test_an_export_that_is_none_stops_it(world: World, tmp_path: Path) -> None:
    """Else a wrong name would look like nothing to erase."""
    damaged = tmp_path / "damaged.zip"
    with zipfile.ZipFile(damaged, "w") as export:
        export.writestr("entries-0000.jsonl", '{"body":{"event":"payload.erased"}}\n')
    damaged.write_bytes(damaged.read_bytes().replace(b"payload.erased", b"payload.ERASED"))
    for path, told in (
        (tmp_path, "no entries"),
        (tmp_path / "x", "x"),
        (damaged, "damaged"),
        (Path(__file__), "damaged"),
    ):
        with pytest.raises(CommandError, match=told):
            reapplied(export=[path])


def test_what_is_listed_twice_is_counted_once(world: World, list_file: Path) -> None:
    claim = world.claim()
    line = f'{{"kind":"payload","subject":"{claim.pk}","basis":"objection","event":"x","at":"y"}}\n'
    list_file.write_text(line * 2)
    assert reapplied() == "1 erased again, 0 gone already, 0 not in this database."


def test_only_keys_of_claims_that_are_not_here_go_without_an_erasure(world: World, list_file: Path) -> None:
    list_file.touch()
    claim = world.claim()
    lost = PayloadKey.objects.get(pk=claim.pk)
    lost.pk = uuid4()
    lost.save(force_insert=True)
    file = FileKey(file_id=uuid4(), wrapped=b"x", salt=bytes(32), master="x")
    file.save()
    assert reapplied().splitlines()[1:] == ["2 keys of claims and files that are not in this database went."]
    assert list(PayloadKey.objects.all()) == [PayloadKey.objects.get(pk=claim.pk)]
    assert not FileKey.objects.exists()
    with pytest.raises(DatabaseError, match="no erasure"), transaction.atomic():
        PayloadKey.objects.all().delete()


def test_without_anything_to_read_it_says_so(world: World) -> None:
    with pytest.raises(CommandError, match="Name a list"):
        reapplied()


def test_the_list_says_nothing_that_was_said(
    world: World, list_file: Path, django_capture_on_commit_callbacks: Any
) -> None:
    claim = world.claim(output=CANARY)
    with django_capture_on_commit_callbacks(execute=True):
        erased(world, claim)
    said = list_file.read_text()
    assert str(claim.pk) in said
    assert CANARY not in said
