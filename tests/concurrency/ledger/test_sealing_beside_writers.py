"""Sealing while others write, with real commits on connections of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import TypeVar
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection

from reviewqueue.ledger import services
from reviewqueue.ledger.anchors import configured_anchor
from reviewqueue.ledger.models import Leaf, Pending
from reviewqueue.ledger.note import VerifierKey
from reviewqueue.ledger.sealer import SEALING_LOCK
from reviewqueue.ledger.verify import verify
from reviewqueue.transactions import one_transaction
from tests.services.ledger.cast import changed, decided, one, write, write_many

pytestmark = pytest.mark.usefixtures("committed_db")
PATIENCE = 30
Answer = TypeVar("Answer")


class Elsewhere:
    """Threads, each with a database connection of its own."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.pool = pool

    def do(self, work: Callable[[], Answer]) -> Future[Answer]:
        def run() -> Answer:
            try:
                return work()
            finally:
                connection.close()

        return self.pool.submit(run)


@pytest.fixture
def elsewhere(committed_db: None) -> Iterator[Elsewhere]:
    with ThreadPoolExecutor(6) as pool:
        yield Elsewhere(pool)


def test_every_acknowledged_event_gets_exactly_one_leaf(auditor_key: VerifierKey, elsewhere: Elsewhere) -> None:
    def writer() -> list[int]:
        claim = uuid4()
        written = [write(decided(claim), changed(number)) for number in range(40)]
        return [event.id for pair in written for event in pair]

    writers = [elsewhere.do(writer) for _ in range(4)]
    while not all(future.done() for future in writers):
        services.seal()
    acknowledged = {event for future in writers for event in future.result(PATIENCE)}
    services.seal()
    assert len(acknowledged) == 320
    assert set(Leaf.objects.values_list("event_id", flat=True)) == acknowledged
    assert list(Leaf.objects.order_by("leaf_index").values_list("leaf_index", flat=True)) == list(range(320))
    assert not Pending.objects.exists()
    assert verify(keys=[auditor_key], anchor=configured_anchor()).sound


def test_an_event_of_a_slow_transaction_is_sealed_after_faster_ones_and_not_forgotten(
    auditor_key: VerifierKey, elsewhere: Elsewhere
) -> None:
    written, may_commit = Event(), Event()

    def slow() -> int:
        with one_transaction():
            (event,) = services.append_many([changed(1)])
            written.set()
            assert may_commit.wait(PATIENCE)
        return event.id

    waiting = elsewhere.do(slow)
    assert written.wait(PATIENCE)
    (fast,) = write(changed(2))
    assert services.seal().size == 1
    may_commit.set()
    slow_id = waiting.result(PATIENCE)
    assert services.seal().size == 2
    assert slow_id < fast.id
    assert list(Leaf.objects.order_by("leaf_index").values_list("event_id", flat=True)) == [fast.id, slow_id]
    assert verify(keys=[auditor_key]).sound


def test_while_one_sealer_works_another_leaves_at_once(auditor_key: VerifierKey, elsewhere: Elsewhere) -> None:
    sealing, may_end = Event(), Event()

    def sealer() -> None:
        with one_transaction():
            one("SELECT pg_advisory_xact_lock(%s)", SEALING_LOCK)
            sealing.set()
            assert may_end.wait(PATIENCE)

    other = elsewhere.do(sealer)
    assert sealing.wait(PATIENCE)
    write_many(3)
    assert services.seal().size is None
    may_end.set()
    other.result(PATIENCE)
    assert services.seal().added == 3


def test_many_sealers_at_once_make_one_history(auditor_key: VerifierKey, elsewhere: Elsewhere) -> None:
    def sealer() -> int:
        return sum(services.seal(limit=20).added for _ in range(15))

    write_many(200)
    sealers = [elsewhere.do(sealer) for _ in range(4)]
    sealed = sum(future.result(PATIENCE) for future in sealers)
    while added := services.seal(limit=20).added:
        sealed += added
    assert sealed == 200
    assert verify(keys=[auditor_key], anchor=configured_anchor()).sound


def test_two_writers_of_one_claim_that_hold_no_lock_cannot_break_its_chain(
    auditor_key: VerifierKey, elsewhere: Elsewhere
) -> None:
    claim = uuid4()
    written, may_commit = Event(), Event()

    def slow() -> None:
        with one_transaction():
            services.append_many([decided(claim)])
            written.set()
            assert may_commit.wait(PATIENCE)

    first = elsewhere.do(slow)
    assert written.wait(PATIENCE)
    second = elsewhere.do(lambda: write(decided(claim)))
    may_commit.set()
    first.result(PATIENCE)
    error = second.exception(PATIENCE)
    assert error is None or isinstance(error, IntegrityError)
    services.seal()
    assert verify(keys=[auditor_key]).sound
