"""An auditor who holds nothing but an export sees that something was erased, and that nothing else changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reviewqueue.erasure.models import Erasure
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.rows_beside import row_problems
from reviewqueue.ledger.services import seal
from reviewqueue.ledger.verify_export import Key, Verification
from reviewqueue.review.answers import LabelAnswer
from reviewqueue.transfers.evidence import export_evidence
from tests.services.erasure.steps import erased
from tests.services.ledger.cast import prepare_sealing
from tests.services.review.steps import submit, taken
from tests.world import World

pytestmark = pytest.mark.django_db

CANARY = "canary-4d70"
PROVEN = (0, 3)  # three: proven, and incomplete in what it holds
AUDITOR = Actor.user("0198f0c2-0000-7000-8000-0000000000a0", role="auditor")
SAID = LabelAnswer(verdict="incorrect", output=f"{CANARY} corrected", note=f"{CANARY} noted")


@pytest.fixture
def proven(world: World, settings: Any, tmp_path: Path) -> Any:
    """Exports everything and checks it with the file that an auditor has."""
    key = prepare_sealing(settings, tmp_path)

    def prove(name: str) -> tuple[int, Verification, str]:
        seal()
        export_evidence(path=tmp_path / name, actor=AUDITOR, with_payloads=True)
        verification = Verification(tmp_path / name, [Key.parse(str(key))], [], 600_000_000)
        code = verification.run()
        said = "".join(path.read_text() for path in sorted((tmp_path / name).iterdir()))
        return code, verification, said

    return prove


def test_an_export_with_texts_is_proven_before_and_after_an_erasure(world: World, proven: Any) -> None:
    first, second = (world.claim(confidence=0.5, output=f"{CANARY} {number}") for number in (1, 2))
    submit(taken(world.rita), SAID)
    submit(taken(world.rita), SAID)
    code, before, said = proven("before")
    assert (code, before.findings) == (0, [])
    assert f"{CANARY} 1" in said

    erased(world, first)
    code, after, said = proven("after")
    assert code in PROVEN
    assert after.findings == []
    assert any(str(first.pk) in note and "erased" in note for note in after.gaps)
    assert f"{CANARY} 1" not in said
    assert f"{CANARY} 2" in said
    assert str(second.pk) in said


def test_a_claim_that_was_under_review_breaks_no_rule_when_it_is_erased(world: World, proven: Any) -> None:
    open_one = world.claim(confidence=0.5)
    taken(world.rita)
    erased(world, open_one)
    code, after, _ = proven("after")
    assert code in PROVEN
    assert after.findings == []


def test_the_rows_of_the_application_agree_with_their_entries(world: World) -> None:
    claim = world.claim(confidence=0.5)
    submit(taken(world.rita), SAID)
    erased(world, claim)
    assert list(row_problems(10)) == []
    Erasure.objects.update(basis="unlawful")
    assert any("basis" in problem for problem in row_problems(10))


def test_no_entry_of_the_ledger_holds_a_word(world: World, proven: Any) -> None:
    erased(world, world.claim(confidence=0.5, output=CANARY))
    _, _, said = proven("all")
    assert CANARY not in said
    kinds = [json.loads(line)["body"]["event"] for line in said.splitlines() if '"payload.erased"' in line[:400]]
    assert "payload.erased" in kinds
