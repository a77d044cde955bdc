"""A reviewer takes a label back in the last moment of the undo window, while the sweep looks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

from django.db import connection

from reviewqueue.claims.models import Outcome
from reviewqueue.review.services import labels
from reviewqueue.transactions import one_transaction
from tests.services.deliveries.steps import Hook, find, settled, the_delivery
from tests.services.review.steps import WRONG
from tests.world import World


def test_an_outcome_that_is_being_taken_back_is_not_told(committed_world: World, hook: Hook) -> None:
    world, outcome = committed_world, settled(committed_world)
    revised, looked = Event(), Event()

    def change_of_mind() -> Outcome | None:
        try:
            with one_transaction():
                result = labels.revise_label(
                    reviewer=world.rita, label_id=outcome.label_id, answer=WRONG, reason="undo"
                )
                revised.set()
                looked.wait(10)
            return result.outcome
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(change_of_mind)
        assert revised.wait(10)
        found_meanwhile = find()
        looked.set()
        second = future.result(10)
    assert found_meanwhile == 0
    assert find() == 1
    assert second is not None
    assert the_delivery().outcome_id == second.pk
