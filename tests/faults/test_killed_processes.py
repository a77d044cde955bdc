"""Killing the worker or the broker in the middle costs time and loses nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from calibration import services as learning
from calibration.models import BandStat
from reviewqueue.accounts import services as accounts
from reviewqueue.accounts.models import Scope
from reviewqueue.ledger.models import Event, Pending
from reviewqueue.operations.models import SweepRun
from tests.running import RunningStack, wait_until
from tests.world import SETUP, World


@pytest.fixture
def stack(committed_world: World) -> Iterator[RunningStack]:
    with RunningStack() as running:
        yield running


@pytest.fixture
def rita_key(committed_world: World) -> str:
    _, text = accounts.issue_key(holder=committed_world.rita, name="tests", scopes=[Scope.REVIEW], actor=SETUP)
    return text


def post_and_label(stack: RunningStack, world: World, key: str, count: int, *, right: bool = True) -> None:
    for _ in range(count):
        status, _ = stack.call(world.key, "POST", "/claims", world.claim_body(confidence=0.7))
        assert status == 201
        label_next(stack, key, right=right)


def label_next(stack: RunningStack, key: str, *, right: bool) -> None:
    status, taken = stack.call(key, "POST", "/reviews/take", {"pipeline": "support-answers", "purpose": None})
    assert status == 200, taken
    verdict = "correct" if right else "incorrect"
    status, answer = stack.call(key, "POST", f"/leases/{taken['lease']['id']}/label", {"verdict": verdict})
    assert status == 201, answer


def measured(world: World) -> tuple[int, int]:
    """Labels and right labels of the middle band, as the sweeps have them."""
    connection.close()
    row = BandStat.objects.filter(policy_version=world.policy, band="0.60-0.90", segment="").first()
    return (row.n_labelled, row.n_right) if row else (0, 0)


def everything_is_sealed() -> bool:
    connection.close()
    return not Pending.objects.exists()


def figures() -> list[tuple[object, ...]]:
    names = [field.attname for field in BandStat._meta.concrete_fields if field.attname != "id"]
    return sorted(BandStat.objects.values_list(*names), key=repr)


def test_labels_given_while_the_worker_is_dead_are_measured_after_its_restart(
    stack: RunningStack, committed_world: World, rita_key: str
) -> None:
    post_and_label(stack, committed_world, rita_key, 3)
    wait_until(lambda: measured(committed_world) == (3, 3), what="the first figures", seconds=20)
    stack.kill("worker")
    post_and_label(stack, committed_world, rita_key, 2, right=False)
    stack.start("worker")
    wait_until(lambda: measured(committed_world) == (5, 3), what="the figures after the restart", seconds=40)
    wait_until(everything_is_sealed, what="sealing", seconds=30)
    swept = figures()
    learning.forget_derived(committed_world.pipeline)
    learning.measure_pipeline(committed_world.pipeline)
    assert figures() == swept


def test_a_dead_broker_stops_neither_intake_nor_review_and_everything_catches_up(
    stack: RunningStack, committed_world: World, rita_key: str
) -> None:
    wait_until(lambda: SweepRun.objects.filter(finished_at__isnull=False).exists(), what="a first sweep", seconds=30)
    stack.kill("broker")
    post_and_label(stack, committed_world, rita_key, 3)
    assert Event.objects.filter(kind="label.submitted").count() == 3
    stack.start("broker")
    wait_until(lambda: measured(committed_world) == (3, 3), what="the figures", seconds=60)
    wait_until(everything_is_sealed, what="sealing", seconds=30)
