"""Two hundred histories of every kind raise no alarm, whatever part of them is exported; one bit in each does."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest

from reviewqueue.ledger.events import CATALOGUE
from reviewqueue.ledger.tree import root_of
from reviewqueue.ledger.verify_export import Key, Unusable, Verification
from tests.unit.ledger.exports import zipped
from tests.unit.ledger.histories import NEW, OLD, SECOND, Export, History, Ledger, with_report

HISTORIES = 200
KEYS = [Key.parse(str(key.verifier)) for key in (OLD, NEW, SECOND)]


def history_of(number: int) -> History:
    """Of no entry, of one, and of up to 260; each the same whenever the tests run."""
    chance = random.Random(f"history {number}")
    return History(chance, number if number < 3 else chance.randrange(3, 260)).played()


def exports_of(ledger: Ledger, chance: random.Random) -> list[Export]:
    """All of it, a part from a leaf to a checkpoint in the middle, and the bundle of a report."""
    whole = Export(ledger, 0, ledger.sizes()[-1], with_payloads=chance.random() < 0.5)
    size = chance.choice(ledger.sizes())
    first = chance.randrange(size + 1)
    part = Export(
        ledger,
        first,
        size,
        unsealed=chance.choice([0, 0, 3]),
        until=chance.choice([None, "2026-12-01T00:00:00+00:00"]),
        with_payloads=chance.random() < 0.5,
        without_policy=chance.choice([None, *ledger.history.policies]),
    )
    return [whole, part, *([with_report(ledger, chance)] if whole.size else [])]


def verification_of(path: Path, *pins: str) -> Verification:
    return Verification(path, KEYS, list(pins))


@pytest.mark.parametrize("number", range(HISTORIES))
def test_a_clean_history_raises_no_alarm_and_one_bit_of_it_does(number: int, tmp_path: Path) -> None:
    ledger, chance = Ledger(history_of(number)), random.Random(number)
    for place, export in enumerate(exports_of(ledger, chance)):
        folder = export.write(tmp_path / f"export-{place}", chance)
        sizes = [size for size in ledger.sizes(beyond=export.first - 1) if size <= export.size]
        pins = map(ledger.note, chance.sample(sizes, min(2, len(sizes))))
        verification = verification_of(folder, *pins)
        code = verification.run()
        assert (verification.findings, sorted(verification.gaps.said())) == ([], export.gaps())
        assert code == (3 if export.gaps() else 0)
        assert verification.root == root_of(ledger.hashes[: export.size]).hex()
        if place == number % 3:
            assert verification_of(zipped(folder, tmp_path / f"export-{place}.zip")).run() == code
        flip_one_bit(folder, chance)
        with suppress(Unusable):
            assert verification_of(folder).run() == 1


def flip_one_bit(folder: Path, chance: random.Random) -> None:
    """Of any file but the manifest, which nobody signs; of notes in what is signed: a signature may be one of two."""
    paths = sorted(path for path in folder.iterdir() if path.name != "MANIFEST.json" and path.stat().st_size)
    path = chance.choice(paths)
    raw = bytearray(path.read_bytes())
    end = raw.index(b"\n\n") if path.name == "checkpoints.txt" else len(raw)
    raw[chance.randrange(end)] ^= 1 << chance.randrange(8)
    path.write_bytes(raw)


def test_the_histories_hold_every_kind_of_the_catalogue() -> None:
    kinds = {entry.event for number in range(HISTORIES) for _, entry in history_of(number).entries}
    assert kinds == set(CATALOGUE)
