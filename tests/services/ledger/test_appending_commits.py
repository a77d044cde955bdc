"""An event lives and dies with the transaction it belongs to."""

from __future__ import annotations

import pytest

from reviewqueue.ledger import services
from reviewqueue.ledger.events import EventRefused
from reviewqueue.ledger.models import Event, Pending
from reviewqueue.transactions import one_transaction
from tests.services.ledger.cast import ADA, changed, write

pytestmark = pytest.mark.usefixtures("committed_db")


def test_outside_a_transaction_nothing_is_written() -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        services.append(event="config.changed", actor=ADA, changed=["x"])
    assert not Event.objects.exists()


def test_a_transaction_that_fails_leaves_no_event_and_no_work() -> None:
    with pytest.raises(EventRefused):
        write_and_fail()
    write(changed(2))
    assert Event.objects.count() == Pending.objects.count() == 1


def write_and_fail() -> None:
    with one_transaction():
        services.append_many([changed(1)])
        services.append(event="no.such_event", actor=ADA)
