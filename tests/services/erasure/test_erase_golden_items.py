"""The texts of a golden item go for good when two persons agree; what was measured by it stays, with every proof."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import Error, connection, transaction

from reviewqueue.claims.services import payload_commitment
from reviewqueue.erasure import selectors, services
from reviewqueue.erasure.services import ErasureDecided
from reviewqueue.errors import Forbidden, NotFound
from reviewqueue.golden import texts
from reviewqueue.golden.items import Item
from reviewqueue.golden.models import GoldenAnswer, GoldenAnswerPayload, GoldenItem, GoldenItemPayload, GoldenSet
from reviewqueue.golden.selectors import answers_digest, draft_of, item_with_content, items_digest, version_in_use
from reviewqueue.golden.services import drafts
from reviewqueue.ledger.models import Event
from reviewqueue.ledger.services import seal
from reviewqueue.ledger.verify import verify
from reviewqueue.payloads.models import GoldenKey
from reviewqueue.payloads.vault import PayloadUnreadable
from reviewqueue.pipelines import services as pipelines
from reviewqueue.pipelines.models import Role
from tests.services.golden.steps import (
    answer_bodies,
    answered,
    erase,
    finished,
    publish,
    published,
    questions,
    started,
)
from tests.services.ledger.cast import prepare_sealing
from tests.services.payloads.test_encrypt import tables_with
from tests.services.review.steps import another_pipeline
from tests.world import SETUP, World

pytestmark = pytest.mark.django_db
CANARY = "canary-55d0"
SECRET = Item(key="secret", input=f"in {CANARY}", answer=f"known {CANARY}", note=f"note {CANARY}")


@pytest.fixture
def measured(world: World) -> GoldenSet:
    """Two versions with the same item, and a run of each, the second one open."""
    made = published(world, 3)
    publish(world, made, [SECRET])
    run = started(world, made)
    answered(run, [*answer_bodies(3), {"key": "secret", "output": f"out {CANARY}", "confidence": 0.7}])
    publish(world, made, questions(4))
    answered(started(world, made), [{"key": "secret", "output": f"out again {CANARY}", "confidence": 0.7}])
    return made


def entries(kind: str) -> list[dict[str, Any]]:
    leaves = Event.objects.filter(kind=kind).order_by("id").values_list("leaf", flat=True)
    return [json.loads(leaf)["body"] for leaf in leaves]


def test_no_table_holds_what_is_asked_known_noted_and_answered(measured: GoldenSet) -> None:
    assert tables_with(CANARY) == []
    row = GoldenItem.objects.select_related("payload__key").filter(key="secret").first()
    assert row is not None
    assert item_with_content(row) == SECRET
    outputs = GoldenAnswerPayload.objects.filter(answer__item__key="secret").order_by("answer")
    assert [each.output for each in outputs] == [f"out {CANARY}", f"out again {CANARY}"]


def test_commitments_are_of_what_is_encrypted(measured: GoldenSet) -> None:
    for payload in GoldenItemPayload.objects.select_related("item", "key"):
        assert bytes(payload.item.commitment) == payload_commitment(bytes(payload.key.salt), payload.content)
    for said in GoldenAnswerPayload.objects.select_related("answer__item__payload__key"):
        key = said.answer.item.payload.key.opened
        opened = texts.answer_within(key, bytes(said.ciphertext), answer_id=said.pk)
        assert bytes(said.answer.commitment) == payload_commitment(opened.salt, {"output": opened.output})


def test_an_answer_in_the_place_of_another_does_not_open(measured: GoldenSet) -> None:
    first, second = GoldenAnswerPayload.objects.filter(answer__item__key="secret").order_by("answer")
    with pytest.raises(PayloadUnreadable):
        texts.answer_within(first.answer.item.payload.key.opened, bytes(second.ciphertext), answer_id=first.pk)


def test_erasing_takes_it_out_of_every_version_every_run_and_the_draft(world: World, measured: GoldenSet) -> None:
    drafts.put_items(golden_set=measured, items=questions(5))
    hashes = {bytes(each) for each in GoldenAnswer.objects.values_list("content_hash", flat=True)}
    prints = set(GoldenItem.objects.filter(key="secret").values_list("fingerprint", flat=True))
    assert erase(world, measured, "secret").state == "erased"
    gone = GoldenItem.objects.filter(key="secret")
    assert gone.count() == 2
    assert not GoldenItemPayload.objects.filter(item__in=gone).exists()
    assert not GoldenAnswerPayload.objects.filter(answer__item__in=gone).exists()
    assert GoldenKey.objects.count() == GoldenItemPayload.objects.count() == 3 + 3 + 4 + 5
    assert not hashes & {bytes(row.content_hash) for row in GoldenAnswer.objects.filter(item__in=gone)}
    assert not {bytes(each) for each in prints} & {bytes(row.fingerprint) for row in gone}
    draft = draft_of(measured)
    assert draft is not None
    assert not draft.items.filter(key="secret").exists()


def test_figures_and_digests_stay_and_the_open_run_takes_no_answer_to_it(world: World, measured: GoldenSet) -> None:
    version = version_in_use(measured)
    assert version is not None
    done, opened = measured.runs.order_by("-state", "pk")[0], measured.runs.get(version=version)
    digests = items_digest(version), answers_digest(done), answers_digest(opened)
    erase(world, measured, "secret")
    assert digests == (items_digest(version), answers_digest(done), answers_digest(opened))
    assert digests[0] == bytes(version.digest or b"")
    statuses, _ = answered(opened, [{"key": "secret", "output": f"out again {CANARY}", "confidence": 0.7}])
    assert statuses == [422]
    statuses, after = answered(opened, answer_bodies(4))
    assert (statuses, after.state, after.answered) == ([201] * 4, "complete", 5)


def test_the_ledger_names_the_set_both_persons_and_why_and_never_the_key(
    world: World, measured: GoldenSet, settings: Any, tmp_path: Path
) -> None:
    key = prepare_sealing(settings, tmp_path)
    payloads = {str(each) for each in GoldenItemPayload.objects.filter(item__key="secret").values_list("pk", flat=True)}
    erasure = erase(world, measured, "secret")
    erased = entries("payload.erased")
    assert {each["payload"] for each in erased} == payloads
    for each in erased:
        assert each["actor"] == {"kind": "user", "id": str(world.adam.pseudonym), "role": "admin"}
        assert each["second_approver"] == str(world.ada.pseudonym)
        assert (each["pipeline"], each["golden_set"], each["basis"]) == ("support-answers", "prices", "objection")
        assert each["erasure"] == str(erasure.pk)
    [asked] = entries("erasure.requested")
    assert asked["payload"] in payloads
    assert not any("secret" in leaf for leaf in Event.objects.values_list("leaf", flat=True))
    seal()
    report = verify(keys=[key])
    assert report.sound, report.findings


def test_only_an_admin_asks_and_somebody_else_agrees(world: World, measured: GoldenSet) -> None:
    named = {"golden_set": "support-answers/prices", "key": "secret", "basis": "objection"}
    for person in (world.rita, world.sam, world.olga, world.ada, world.nora):
        with pytest.raises(Forbidden):
            services.ask_for_golden_item(by=person, **named)
    wish = services.ask_for_golden_item(by=world.adam, **named)
    with pytest.raises(Forbidden):
        services.decide(by=world.adam, erasure_id=wish.pk, approve=True)
    stranger = world.nora
    pipelines.grant(user=stranger, role=Role.SENIOR, pipeline=another_pipeline(world), actor=SETUP)
    for person in (world.rita, world.olga, stranger):
        with pytest.raises(NotFound):
            services.decide(by=person, erasure_id=wish.pk, approve=True)
    assert selectors.pending(world.sam) == [wish]
    assert selectors.pending(stranger) == []
    assert services.decide(by=world.sam, erasure_id=wish.pk, approve=True).state == "erased"


@pytest.mark.parametrize(
    ("golden_set", "key"),
    [
        ("support-answers/prices", "never"), ("support-answers/other", "secret"), ("other/prices", "secret"),
        ("prices", "secret"), ("", ""), ("support-answers/prices", "plan-5"),
    ],
)  # fmt: skip
def test_what_is_not_published_cannot_be_asked_for(
    world: World, measured: GoldenSet, golden_set: str, key: str
) -> None:
    drafts.put_items(golden_set=measured, items=questions(5))
    with pytest.raises(NotFound):
        services.ask_for_golden_item(by=world.adam, golden_set=golden_set, key=key, basis="objection")


def test_it_is_asked_for_once_whichever_version_it_is_found_in(world: World, measured: GoldenSet) -> None:
    named = {"golden_set": "support-answers/prices", "key": "secret", "basis": "objection"}
    wish = services.ask_for_golden_item(by=world.adam, **named)
    publish(world, measured, questions(6))
    with pytest.raises(ErasureDecided):
        services.ask_for_golden_item(by=world.amir, **named)
    services.decide(by=world.ada, erasure_id=wish.pk, approve=False)
    assert GoldenItemPayload.objects.filter(item__key="secret").count() == 3
    assert erase(world, measured, "secret").state == "erased"
    with pytest.raises(NotFound):
        services.ask_for_golden_item(by=world.adam, **named)


def test_a_key_that_is_used_again_is_erased_again(world: World, measured: GoldenSet) -> None:
    erase(world, measured, "secret")
    publish(world, measured, [SECRET])
    with pytest.raises(Error, match="no erasure"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM payloads_goldenkey")
    assert GoldenItemPayload.objects.filter(item__key="secret").count() == 1
    erase(world, measured, "secret")
    assert not GoldenItemPayload.objects.filter(item__key="secret").exists()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM payloads_goldenkey",
        "DELETE FROM golden_goldenitempayload",
        "DELETE FROM golden_goldenanswerpayload",
        "UPDATE golden_goldenitempayload SET ciphertext = ''",
        "UPDATE golden_goldenanswerpayload SET ciphertext = ''",
        "UPDATE payloads_goldenkey SET salt = ''",
        "UPDATE golden_goldenitem SET fingerprint = ''",
        "UPDATE golden_goldenanswer SET content_hash = ''",
        "UPDATE golden_goldenanswer SET commitment = ''",
    ],
)
def test_the_database_lets_nothing_go_without_an_erasure(measured: GoldenSet, statement: str) -> None:
    refused = pytest.raises(Error, match=r"no erasure|with its item|append-only|never changed")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_draft_goes_without_asking_anybody(world: World) -> None:
    made = published(world, 2)
    drafts.put_items(golden_set=made, items=[SECRET])
    drafts.remove_items(golden_set=made, keys=["secret"])
    drafts.discard_draft(golden_set=made)
    assert GoldenItemPayload.objects.count() == GoldenKey.objects.count() == 2


@pytest.mark.parametrize("memory", ["list", "export"])
def test_what_a_restore_brought_back_is_erased_again(
    world: World, measured: GoldenSet, settings: Any, tmp_path: Path, memory: str,
    django_capture_on_commit_callbacks: Any,
) -> None:  # fmt: skip
    list_file = tmp_path / "erasures.jsonl"
    settings.ERASURE_LIST_FILE = str(list_file)
    payloads, keys = list(GoldenItemPayload.objects.all()), list(GoldenKey.objects.all())
    with django_capture_on_commit_callbacks(execute=True):
        erase(world, measured, "secret")
    assert len(list_file.read_text().splitlines()) == 2
    folder = tmp_path / "export"
    folder.mkdir()
    leaves = Event.objects.order_by("id").values_list("leaf", flat=True)
    (folder / "entries-0000.jsonl").write_text("".join(f"{leaf}\n" for leaf in leaves))
    gone = [each for each in payloads if each.item.key == "secret"]
    GoldenItemPayload.objects.bulk_create(gone)
    GoldenKey.objects.bulk_create([key for key in keys if key.pk in {each.pk for each in gone}])
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM erasure_erasure")

    def reapplied() -> str:
        said = io.StringIO()
        call_command("reapply_erasures", stdout=said, **({"export": [folder]} if memory == "export" else {}))
        return said.getvalue().strip()

    if memory == "export":
        settings.ERASURE_LIST_FILE = ""
    assert reapplied() == "1 erased again, 1 gone already, 0 not in this database."
    assert not GoldenItemPayload.objects.filter(item__key="secret").exists()
    assert [each["reason"] for each in entries("payload.erased")[2:]] == ["reapplied"] * 2
    assert reapplied().startswith("0 erased again")


def test_keys_are_wrapped_anew_under_another_master_key(world: World, settings: Any) -> None:
    settings.PAYLOAD_KEYS = ["first master key of this test"]
    made = published(world, 3)
    finished(world, made, 3)
    settings.PAYLOAD_KEYS = ["second master key of this test", "first master key of this test"]
    call_command("rewrap_payload_keys", verbosity=0)
    settings.PAYLOAD_KEYS = ["second master key of this test"]
    assert {each.content["answer"] for each in GoldenItemPayload.objects.select_related("key")} == {
        "1 EUR", "2 EUR", "3 EUR"
    }  # fmt: skip


def test_a_page_of_items_is_read_in_one_statement(measured: GoldenSet, django_assert_num_queries: Any) -> None:
    version = version_in_use(measured)
    assert version is not None
    with django_assert_num_queries(1):
        rows = list(version.items.select_related("payload__key"))
        assert {item_with_content(row).key for row in rows} == {"secret", "plan-1", "plan-2", "plan-3", "plan-4"}
