"""The same claims sent several times at the same moment, with real commits on connections of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from random import Random
from threading import Barrier, Event
from typing import Any

from django.db import connection
from django.utils import timezone

from reviewqueue import intake
from reviewqueue.claims.models import Claim
from reviewqueue.claims.submission import parse_submission
from reviewqueue.intake import BatchResult, ClaimConflict, Submitted
from reviewqueue.ledger import models as ledger
from reviewqueue.review.models import ReviewTask
from reviewqueue.transactions import one_transaction
from tests.running import wait_until
from tests.world import World

PATIENCE = 30


def at_once(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """The results, or the exceptions, of works that start together, each on a connection of its own."""
    start = Barrier(len(works), timeout=PATIENCE)

    def run(work: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            start.wait()
            return work()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result(PATIENCE) for future in [pool.submit(run, work) for work in works]]


def batching(world: World, bodies: Sequence[dict[str, Any]]) -> Callable[[], list[BatchResult]]:
    return lambda: intake.submit_batch(source=world.source, bodies=bodies, now=timezone.now())


def submitting(world: World, body: dict[str, Any]) -> Callable[[], Submitted]:
    now = timezone.now()
    return lambda: intake.submit(source=world.source, submission=parse_submission(body, now=now), now=now)


def assert_each_recorded_once(bodies: Sequence[dict[str, Any]]) -> None:
    names = sorted(body["external_id"] for body in bodies)
    assert sorted(Claim.objects.values_list("external_id", flat=True)) == names
    claims = sorted(Claim.objects.values_list("pk", flat=True))
    for kind in ("claim.decided", "task.opened"):
        assert sorted(ledger.Event.objects.filter(kind=kind).values_list("subject", flat=True)) == claims
    assert ReviewTask.objects.count() == len(claims)


def test_six_batches_with_the_same_claims_record_each_once(committed_world: World) -> None:
    bodies = [committed_world.claim_body() for _ in range(60)]
    orders = [Random(seed).sample(bodies, len(bodies)) for seed in range(6)]
    results = at_once([batching(committed_world, order) for order in orders])
    assert_each_recorded_once(bodies)
    answers: dict[str, list[Any]] = {}
    for order, batch in zip(orders, results, strict=True):
        for body, result in zip(order, batch, strict=True):
            answers.setdefault(body["external_id"], []).append((result.status, result.answer))
    for given in answers.values():
        assert Counter(status for status, _ in given) == {201: 1, 200: 5}
        assert len({answer["id"] for _, answer in given}) == 1


def test_batches_that_share_claims_in_opposite_orders_do_not_lock_each_other_out(committed_world: World) -> None:
    """Each has recorded its first claim when a third transaction, which then vanishes, stops it at its second."""
    ours, theirs, stop_us, stop_them = (committed_world.claim_body() for _ in range(4))
    held = Event()

    def hold() -> None:
        with suppress(Interrupted), one_transaction():
            batching(committed_world, [stop_us, stop_them])()
            held.set()
            wait_until(lambda: waiting() == 2, what="both batches")
            raise Interrupted

    def send(*bodies: dict[str, Any]) -> list[BatchResult]:
        held.wait(PATIENCE)
        return batching(committed_world, bodies)()

    _, *results = at_once([hold, lambda: send(ours, stop_us, theirs), lambda: send(theirs, stop_them, ours)])
    assert Counter(result.status for batch in results for result in batch) == {201: 4, 200: 2}
    assert_each_recorded_once([ours, theirs, stop_us, stop_them])


def test_overlapping_batches_record_what_they_share_once(committed_world: World) -> None:
    bodies = [committed_world.claim_body() for _ in range(50)]
    parts = [bodies[start : start + 20] for start in range(0, 40, 10)]
    results = at_once([batching(committed_world, part) for part in parts])
    assert_each_recorded_once(bodies)
    assert Counter(result.status for batch in results for result in batch) == {201: 50, 200: 30}


def test_eight_single_twins_are_one_claim_with_one_answer(committed_world: World) -> None:
    body = committed_world.claim_body()
    results = at_once([submitting(committed_world, body) for _ in range(8)])
    assert_each_recorded_once([body])
    assert Counter(result.created for result in results) == {True: 1, False: 7}
    assert len({str(result.answer) for result in results}) == 1


def test_of_conflicting_twins_one_stands_and_the_other_is_told(committed_world: World) -> None:
    body = committed_world.claim_body()
    results = at_once([submitting(committed_world, {**body, "output": str(number)}) for number in range(4)])
    assert Counter(type(result) for result in results) == {Submitted: 1, ClaimConflict: 3}
    assert Claim.objects.count() == 1


def test_a_batch_that_waited_for_a_twin_is_done_again_within_a_transaction_it_shares(committed_world: World) -> None:
    shared, own = committed_world.claim_body(), committed_world.claim_body()
    recorded = Event()

    def first() -> None:
        with one_transaction():
            submitting(committed_world, shared)()
            recorded.set()
            wait_until(waiting, what="the other batch")

    def second() -> list[int]:
        recorded.wait(PATIENCE)
        with one_transaction():
            return [result.status for result in batching(committed_world, [own, shared])()]

    assert at_once([first, second]) == [None, [201, 200]]
    assert_each_recorded_once([shared, own])


class Interrupted(Exception):
    """Undoes a transaction on purpose."""


def waiting() -> int:
    """How many sessions wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE NOT granted AND datname = current_database()"
        )
        return int(cursor.fetchone()[0])
