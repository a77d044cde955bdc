from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from reviewqueue.ledger.note import VerifierKey
from tests.services.ledger.cast import prepare_sealing


@pytest.fixture
def auditor_key(settings: Settings, tmp_path: Path) -> VerifierKey:
    """Sealing works in this test; this is the public key an auditor was given."""
    return prepare_sealing(settings, tmp_path)
