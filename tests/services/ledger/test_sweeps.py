"""What happens by itself: sealing, and the search for lost work."""

from __future__ import annotations

import logging

import pytest

from reviewqueue.ledger import tasks
from reviewqueue.ledger.models import Checkpoint
from reviewqueue.ledger.note import VerifierKey
from tests.services.ledger.cast import tampered, write_many

pytestmark = pytest.mark.django_db


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def test_the_sealing_sweep_seals(auditor_key: VerifierKey) -> None:
    write_many(3)
    tasks.seal()
    assert Checkpoint.objects.get().tree_size == 3


def test_the_search_for_lost_work_is_silent_while_nothing_is_lost(
    auditor_key: VerifierKey, caplog: pytest.LogCaptureFixture
) -> None:
    write_many(3)
    tasks.reconcile()
    assert errors(caplog) == []


def test_the_search_for_lost_work_names_the_events(auditor_key: VerifierKey, caplog: pytest.LogCaptureFixture) -> None:
    _, lost, _ = write_many(3)
    tampered(f"DELETE FROM ledger.pending WHERE event_id = {lost.id}")
    tasks.reconcile()
    assert errors(caplog) == [f"events without a leaf and not on the work list: [{lost.id}]"]
