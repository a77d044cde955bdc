"""A run tells how far it is while it reads one unchanging state, by another connection: rows are committed here."""

from __future__ import annotations

from pathlib import Path

from pytest_django import Settings

from reviewqueue.auditors import selectors
from reviewqueue.auditors.services import run_waiting, start_verification
from reviewqueue.ledger import services
from reviewqueue.ledger.verify import TELL_EVERY
from tests.services.ledger.cast import prepare_sealing, write_many
from tests.world import World


def test_a_run_says_how_far_it_is(committed_world: World, settings: Settings, tmp_path: Path) -> None:
    prepare_sealing(settings, tmp_path)
    write_many(TELL_EVERY)
    services.seal()
    asked = start_verification(by=committed_world.ada)
    assert run_waiting() == 1
    run = selectors.run_of(asked.pk)
    assert run.sound
    assert run.heard_at is not None
    assert run.started_at is not None
    assert run.heard_at > run.started_at
