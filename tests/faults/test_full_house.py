"""F13: the database takes no more connections. Whoever asks is told to come back, and nothing is lost or done twice."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection

from reviewqueue.claims.models import Claim
from reviewqueue.ledger.models import Event
from tests.running import RunningStack, wait_until
from tests.world import World

CUT_OFF_OTHERS = """
    SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity
     WHERE datname = current_database() AND backend_type = 'client backend' AND application_name <> 'hog'"""


@pytest.fixture
def stack(committed_world: World) -> Iterator[RunningStack]:
    with RunningStack() as running:
        yield running


@contextmanager
def full_house() -> Iterator[None]:
    """Every place is taken, those that are kept for superusers too, and whoever had one has lost it."""
    connection.close()
    hogs: list[psycopg.Connection] = []
    try:
        take_all(hogs)
        while hogs[0].execute(CUT_OFF_OTHERS).rowcount:  # whoever is cut off may be faster, but not every time
            take_all(hogs)
        yield
    finally:
        for hog in hogs:
            hog.close()


def take_all(hogs: list[psycopg.Connection]) -> None:
    ours = connection.settings_dict
    place = {"host": ours["HOST"], "port": ours["PORT"] or None, "user": ours["USER"], "password": ours["PASSWORD"]}
    while True:
        try:
            hogs.append(psycopg.connect(**place, dbname=ours["NAME"], application_name="hog", autocommit=True))
        except psycopg.OperationalError:
            return


def asked(stack: RunningStack, path: str) -> tuple[int, str | None]:
    """Status, and when to come back, for a browser that believes to be logged in."""
    request = urllib.request.Request(stack.url + path, headers={"Cookie": f"sessionid={'a' * 32}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers["Retry-After"]
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers["Retry-After"]


def test_nobody_waits_in_vain_and_all_goes_on_when_there_is_room_again(
    stack: RunningStack, committed_world: World
) -> None:
    world = committed_world
    before, during = world.claim_body(external_id="before"), world.claim_body(external_id="during")
    assert stack.call(world.key, "POST", "/claims", before)[0] == 201
    with full_house():
        status, answer = stack.call(world.key, "POST", "/claims", during)
        assert (status, answer["code"]) == (503, "unavailable")
        assert asked(stack, "/queue/") == (503, "5")
        assert asked(stack, "/readyz") == (503, "10")
        assert asked(stack, "/healthz")[0] == 200
    wait_until(lambda: asked(stack, "/readyz")[0] == 200, what="readiness", seconds=30)
    assert stack.call(world.key, "POST", "/claims", before)[0] == 200
    assert stack.call(world.key, "POST", "/claims", during)[0] == 201
    connection.close()
    assert Claim.objects.count() == Event.objects.filter(kind="claim.decided").count() == 2
