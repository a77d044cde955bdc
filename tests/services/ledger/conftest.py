from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from reviewqueue.ledger import services
from reviewqueue.ledger.events import Entry
from reviewqueue.ledger.note import VerifierKey
from reviewqueue.ledger.verify import verify
from tests.services.ledger.cast import CLAIM, INTAKE, changed, decided, prepare_sealing, write, write_many


@pytest.fixture
def auditor_key(settings: Settings, tmp_path: Path) -> VerifierKey:
    """Sealing works in this test; this is the public key an auditor was given."""
    return prepare_sealing(settings, tmp_path)


@pytest.fixture
def ledger(db: None, auditor_key: VerifierKey) -> VerifierKey:
    """Leaves 0 to 299 under checkpoints of sizes 290, 295 and 300; five events wait. Returns the auditor's key."""
    later = [Entry("task.opened", INTAKE, CLAIM, {"task": f"t{number}"}) for number in range(3)]
    write(*(changed(number) for number in range(10)), decided(CLAIM))
    write_many(279)
    services.seal()
    write(later[0], changed(1), changed(2), changed(3), changed(4))
    services.seal()
    write_many(5)
    services.seal()
    write(later[1], changed(6), later[2], changed(7), changed(8))
    assert verify(keys=[auditor_key]).sound
    return auditor_key
