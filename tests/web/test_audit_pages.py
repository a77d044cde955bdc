"""What an auditor keeps, has verified, compares and uploads, on pages."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import pytest
from pytest_django import Settings

from reviewqueue.auditors.services import run_waiting
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.models import Event
from reviewqueue.ledger.note import SigningKey, TreeHead, VerifierKey, sign_note
from tests.services.auditors.steps import keep_newest, newest_note
from tests.services.ledger.cast import ORIGIN, prepare_sealing, tampered, write_many
from tests.services.review.steps import label_next
from tests.web.visitor import Visitor, text_of
from tests.world import World

CHECKPOINTS, RUNS, COMPARE = "/ledger/checkpoints/", "/ledger/verifications/", "/ledger/compare/"
BUNDLE = "/ledger/verify-bundle/"


@pytest.fixture
def key(world: World, settings: Settings, tmp_path: Path) -> VerifierKey:
    made = prepare_sealing(settings, tmp_path)
    ledger.seal()
    return made


def as_sent(note: str) -> str:
    """A browser sends the lines of a form with other ends."""
    return note.replace("\n", "\r\n")


def test_the_current_checkpoint_is_pinned_printed_and_told_apart_later(
    world: World, key: VerifierKey, ada: Visitor
) -> None:
    assert "None yet. Pin the current checkpoint now" in text_of(ada.get(CHECKPOINTS))
    answer = ada.post(CHECKPOINTS, {"note": as_sent(newest_note()), "remark": "<b>audit</b>"})
    page = text_of(ada.get(answer["Location"]))
    assert newest_note().splitlines()[2] in page.replace("&#x2B;", "+")
    assert "&lt;b&gt;audit" in page
    assert ada.get(f"{answer['Location']}?as=text").content.decode() == newest_note()
    write_many(3)
    ledger.seal()
    assert "Part of today&#x27;s ledger" in text_of(ada.get(CHECKPOINTS))
    tampered("UPDATE ledger.leaf SET leaf_hash = sha256('x') WHERE leaf_index = 3")
    assert "the history was changed" in text_of(ada.get(CHECKPOINTS))


def test_what_cannot_be_pinned_says_why(world: World, key: VerifierKey, ada: Visitor) -> None:
    assert "no signed checkpoint" in text_of(ada.post(CHECKPOINTS, {"note": "nonsense"}))
    other = sign_note(TreeHead("elsewhere", 3, bytes(32)).text(), [SigningKey("elsewhere", bytes(32))])
    assert "a checkpoint of elsewhere" in text_of(ada.post(CHECKPOINTS, {"note": other}))
    keep_newest(world.ada)
    again = ada.post(CHECKPOINTS, {"note": newest_note()})
    assert (again.status_code, "already" in text_of(again)) == (422, True)


def test_nobody_else_pins_or_sees_the_pin(world: World, key: VerifierKey, adam: Visitor, ada: Visitor) -> None:
    pin = keep_newest(world.ada)
    assert adam.post(CHECKPOINTS, {"note": newest_note()}).status_code == 403
    assert adam.get(f"/ledger/pins/{pin.pk}/").status_code == 403
    assert "Pin this checkpoint" not in text_of(adam.get(CHECKPOINTS))
    assert ada.get("/ledger/pins/999999/").status_code == 404


def test_receipts_and_sealing_are_shown(world: World, key: VerifierKey, ada: Visitor) -> None:
    page = text_of(ada.get(CHECKPOINTS))
    assert "up to 2" in page
    assert ">file</" in page[page.index("Handed outside lately") :]
    assert str(key) in page.replace("&#x2B;", "+")


def test_a_verification_is_started_watched_and_read(
    world: World, key: VerifierKey, ada: Visitor, adam: Visitor
) -> None:
    assert "never verified" in text_of(ada.get(RUNS))
    keep_newest(world.ada)
    answer = ada.post(RUNS, {"keys": str(key), "own_pins": "1", "notes": as_sent(newest_note())})
    run = answer["Location"]
    assert 'hx-trigger="every 3s"' in text_of(ada.get(run))
    assert "one at a time" in text_of(adam.post(RUNS, {}))
    assert run_waiting() == 1
    page = text_of(ada.get(run))
    assert "2 pins, 1 key" in page
    assert "every 3s" not in page
    assert "sound" in page
    listed = text_of(adam.get(RUNS))
    assert "Ada" in listed
    assert "never verified" not in listed


def test_findings_are_read_with_their_places(world: World, key: VerifierKey, ada: Visitor) -> None:
    tampered("UPDATE ledger.event SET leaf = replace(leaf, 'user.created', 'user.enabled') WHERE kind = 'user.created'")
    run = ada.post(RUNS, {})["Location"]
    run_waiting()
    assert "leaf 0 (event" in text_of(ada.get(run))
    assert 'href="/ledger/entries/0/"' in text_of(ada.get(run))
    assert "finding" in text_of(ada.get(RUNS))


@pytest.mark.parametrize("given", [{"keys": "nonsense"}, {"notes": "nonsense"}])
def test_a_verification_with_unusable_input_is_not_started(
    world: World, key: VerifierKey, ada: Visitor, given: dict[str, str]
) -> None:
    page = ada.post(RUNS, given)
    assert page.status_code == 422
    assert 'role="alert"' in text_of(page)


def test_two_checkpoints_are_compared_pasted_or_chosen(world: World, key: VerifierKey, ada: Visitor) -> None:
    old = keep_newest(world.ada)
    write_many(9)
    ledger.seal()
    size = old.tree_size
    chosen = ada.post(COMPARE, {"first_of": f"pin-{old.pk}", "second": as_sent(newest_note())})
    assert "One history: the smaller is the beginning" in text_of(chosen)
    forged = sign_note(TreeHead(ORIGIN, size, bytes(32)).text(), [SigningKey(ORIGIN, bytes(32))])
    before = Event.objects.count()
    loud = text_of(ada.post(COMPARE, {"first_of": f"size-{size}", "second": as_sent(forged)}))
    assert "TWO HISTORIES" in loud
    assert "key not known" in loud
    assert "anybody could have written it" in loud
    assert Event.objects.count() == before
    assert ada.post(COMPARE, {"first": newest_note()}).status_code == 422
    assert "two different logs" in text_of(
        ada.post(
            COMPARE,
            {
                "first": newest_note(),
                "second": sign_note(TreeHead("<i>", 1, bytes(32)).text(), [SigningKey("x", bytes(32))]),
            },
        )
    )


@pytest.fixture
def bundle(world: World, key: VerifierKey, ada: Visitor) -> bytes:
    claim = world.claim(output="18 EUR")
    label_next(world.rita)
    ledger.seal()
    return ada.get(f"/claims/{claim.pk}/bundle/?text=yes").content


def uploaded(ada: Visitor, content: bytes, keys: object) -> tuple[int, str]:
    file = BytesIO(content)
    file.name = "claim.json"
    answer = ada.post(BUNDLE, {"file": file, "keys": str(keys)})
    return answer.status_code, text_of(answer)


def test_an_uploaded_bundle_is_proven_with_the_key_of_the_visitor(
    bundle: bytes, key: VerifierKey, settings: Settings, ada: Visitor
) -> None:
    settings.LEDGER_SIGNING_KEY_FILE = ""  # the server's own key plays no part
    before = Event.objects.count()
    status, page = uploaded(ada, bundle, key)
    assert (status, "Proven, as far as a bundle can" in page, "overdue" in page) == (200, True, False)
    assert Event.objects.count() == before
    assert str(key) not in text_of(ada.get(BUNDLE))


def test_a_changed_bundle_names_the_place(bundle: bytes, key: VerifierKey, ada: Visitor) -> None:
    document = json.loads(bundle)
    document["entries"][1]["leaf"] = document["entries"][1]["leaf"].replace("task", "<b>k")
    page = uploaded(ada, json.dumps(document).encode(), key)[1]
    assert f"leaf {document['entries'][1]['index']}: " in page
    assert "<b>k" not in page


@pytest.mark.parametrize("content", [b"", b"<xml/>", b"[" * 50_000, b'{"format": "reviewqueue-claim-bundle/1"}'])
def test_a_hostile_file_is_refused_beside_its_field(
    world: World, key: VerifierKey, ada: Visitor, content: bytes
) -> None:
    status, page = uploaded(ada, content, key)
    assert status == 422
    assert 'id="id_file-errors"' in page


def test_without_a_key_nothing_is_proven(bundle: bytes, ada: Visitor) -> None:
    status, page = uploaded(ada, bundle, "")
    assert (status, "without one, nothing is proven" in page) == (422, True)


@pytest.mark.parametrize("before", ["x", "-1", "9" * 40, "²"])
def test_a_page_that_never_was_is_the_first(world: World, key: VerifierKey, ada: Visitor, before: str) -> None:
    for address in (CHECKPOINTS, RUNS):
        assert ada.get(address, {"before": before}).status_code == 200
