from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from reviewqueue.ledger import services
from reviewqueue.ledger.note import VerifierKey
from tests.services.ledger.cast import prepare_sealing
from tests.world import World


@pytest.fixture
def sealed(world: World, settings: Settings, tmp_path: Path) -> VerifierKey:
    """The world's first entries are sealed; this is the ledger's public key."""
    key = prepare_sealing(settings, tmp_path)
    services.seal()
    return key
