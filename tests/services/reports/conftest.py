from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from reviewqueue.ledger import services
from reviewqueue.ledger.note import VerifierKey
from reviewqueue.reports.models import AuditReport
from tests.services.ledger.cast import prepare_sealing
from tests.services.reports.steps import made
from tests.services.review.steps import RIGHT, WRONG, label_next
from tests.world import World


@pytest.fixture
def sealed(world: World, settings: Settings, tmp_path: Path) -> VerifierKey:
    """The world's first entries are sealed, and this is the ledger's public key."""
    key = prepare_sealing(settings, tmp_path)
    services.seal()
    return key


@pytest.fixture
def report(world: World, sealed: VerifierKey) -> AuditReport:
    world.claim(category="refunds")
    label_next(world.rita, RIGHT)
    world.claim()
    label_next(world.ravi, WRONG)
    world.claim()
    return made(world.ada, world.pipeline)
