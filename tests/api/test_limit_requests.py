"""How often a caller may come, and that a caller who comes too often is alone with the consequences."""

from __future__ import annotations

import re
import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connections
from django.db.models import F
from django.test import Client

from reviewqueue.accounts import services as accounts
from reviewqueue.accounts.limits import Quota, spend
from reviewqueue.accounts.models import ApiKey, Bucket
from reviewqueue.api.checks import limits_are_positive
from reviewqueue.claims.models import Claim
from reviewqueue.errors import Invalid
from reviewqueue.ledger.models import Event
from tests.api.caller import Caller, assert_problem, key_for
from tests.world import SETUP, World

A_CLAIM = "/claims/0198f0c2-0000-7000-8000-000000000000"


@pytest.fixture
def small(settings) -> None:
    settings.RATE_LIMIT_INTAKE, settings.RATE_LIMIT_OTHER, settings.RATE_LIMIT_FAILED = 3, 2, 2


def let_time_pass(seconds: float = 60) -> None:
    Bucket.objects.update(full_at=F("full_at") - timedelta(seconds=seconds))


def test_every_answer_to_a_key_says_what_is_left(helpdesk: Caller, world: World, settings) -> None:
    settings.RATE_LIMIT_OTHER = 6
    responses = (helpdesk.get("/claims"), helpdesk.get(A_CLAIM), helpdesk.get("/claims?x=1"))
    assert [response.status_code for response in responses] == [200, 404, 400]
    assert [response["RateLimit"] for response in responses] == [
        '"other";r=5;t=10',
        '"other";r=4;t=20',
        '"other";r=3;t=30',
    ]
    assert {response["RateLimit-Policy"] for response in responses} == {'"other";q=6;w=60'}
    posted = helpdesk.post("/claims", world.claim_body())
    assert posted["RateLimit-Policy"] == '"intake";q=6000;w=60'
    assert posted["RateLimit"] == '"intake";r=5999;t=1'
    assert '"other";r=2' in helpdesk.call("PUT", "/claims")["RateLimit"]


def test_beyond_the_limit_is_429_with_a_time_to_come_back(small: None, helpdesk: Caller) -> None:
    assert [helpdesk.get("/claims").status_code for _ in range(2)] == [200, 200]
    refused = helpdesk.get("/claims")
    problem = assert_problem(refused, 429, "rate_limited")
    assert "2 requests in 60 seconds" in problem["detail"]
    assert refused["Retry-After"] == "30"
    assert re.fullmatch(r'"other";r=0;t=(59|60)', refused["RateLimit"])


def test_after_the_time_told_one_more_is_let_through(small: None, helpdesk: Caller) -> None:
    for _ in range(3):
        refused = helpdesk.get("/claims")
    let_time_pass(int(refused["Retry-After"]))
    assert helpdesk.get("/claims").status_code == 200
    assert helpdesk.get("/claims").status_code == 429
    let_time_pass(60)
    assert [helpdesk.get("/claims").status_code for _ in range(3)] == [200, 200, 429]


def test_a_refused_claim_is_not_submitted_and_spends_nothing(small: None, helpdesk: Caller, world: World) -> None:
    for _ in range(6):
        helpdesk.post("/claims", world.claim_body())
    assert Claim.objects.count() == 3
    let_time_pass(20)
    assert helpdesk.post("/claims", world.claim_body()).status_code == 201


def test_intake_and_everything_else_are_counted_apart(small: None, helpdesk: Caller, world: World) -> None:
    while helpdesk.get("/claims").status_code == 200:
        pass
    posted = [helpdesk.post("/claims/preview", world.claim_body()).status_code for _ in range(4)]
    assert posted == [200, 200, 200, 429]


def test_requests_that_are_refused_for_other_reasons_count_as_well(small: None, world: World) -> None:
    caller = Caller(key_for(world.source, "outcomes"))
    assert_problem(caller.get("/claims"), 403)
    assert_problem(caller.post("/claims"), 403)
    assert_problem(caller.call("DELETE", "/claims"), 405)
    assert_problem(caller.get("/claims"), 429)


def test_one_keys_flood_is_nobody_elses(small: None, helpdesk: Caller, rita: Caller, world: World) -> None:
    while helpdesk.get("/claims").status_code == 200:
        pass
    assert Caller(key_for(world.source, "read")).get("/claims").status_code == 200
    assert rita.get("/pipelines").status_code == 200


def test_a_key_may_have_a_limit_of_its_own(helpdesk: Caller, world: World) -> None:
    key = ApiKey.objects.get(source=world.source)
    accounts.limit_key(key=key, requests_per_minute=1, actor=SETUP)
    assert helpdesk.get("/claims")["RateLimit-Policy"] == '"other";q=1;w=60'
    assert_problem(helpdesk.get("/claims"), 429)
    assert '"requests_per_minute":1' in Event.objects.get(kind="apikey.limited").leaf
    accounts.limit_key(key=key, requests_per_minute=None, actor=SETUP)
    let_time_pass(1)
    assert helpdesk.get("/claims").status_code == 200
    with pytest.raises(Invalid):
        accounts.limit_key(key=key, requests_per_minute=0, actor=SETUP)


# --- without a good key ---------------------------------------------------------------------------------------------


def test_failed_authentication_is_counted_per_address(small: None, world: World) -> None:
    def stranger(address: str) -> Caller:
        return Caller("hrq_test_guess", Client(REMOTE_ADDR=address))

    statuses = [stranger("192.0.2.7").get("/claims").status_code for _ in range(3)]
    assert statuses == [401, 401, 429]
    assert stranger("192.0.2.8").get("/claims").status_code == 401
    nameless = [Caller(None, Client(REMOTE_ADDR="192.0.2.9")).get("/claims").status_code for _ in range(3)]
    assert nameless == [401, 401, 429]


def test_a_good_key_is_let_in_from_an_address_where_others_fail(small: None, helpdesk: Caller) -> None:
    while Caller(None).get("/claims").status_code == 401:
        pass
    assert helpdesk.get("/claims").status_code == 200


def test_one_household_of_ipv6_addresses_is_one_address(small: None, db: None) -> None:
    statuses = [
        Caller(None, Client(REMOTE_ADDR=f"2001:db8:1:2::{number}")).get("/claims").status_code for number in range(3)
    ]
    assert statuses == [401, 401, 429]
    assert Caller(None, Client(REMOTE_ADDR="2001:db8:1:3::1")).get("/claims").status_code == 401


def test_ipv4_callers_of_an_ipv6_socket_are_told_apart(small: None, db: None) -> None:
    statuses = [
        Caller(None, Client(REMOTE_ADDR=f"::ffff:192.0.2.{number}")).get("/claims").status_code for number in range(3)
    ]
    assert statuses == [401, 401, 401]


def test_a_limit_below_one_is_named_before_anything_starts(settings) -> None:
    assert limits_are_positive(None) == []
    settings.RATE_LIMIT_OTHER = 0
    assert [error.id for error in limits_are_positive(None)] == ["api.E001"]


def test_the_address_is_the_proxys_word_only_where_there_is_a_proxy(small: None, db: None, settings) -> None:
    def fail(forwarded: str) -> int:
        return Caller(None).get("/claims", x_forwarded_for=forwarded).status_code

    assert [fail(f"192.0.2.{number}") for number in range(3)] == [401, 401, 429]
    settings.BEHIND_TLS_PROXY = True
    assert [fail(f"203.0.113.{number}, 192.0.2.1") for number in range(3)] == [401, 401, 429]
    assert fail("192.0.2.1, 192.0.2.2") == 401
    assert fail("no address") == 401


# --- many at once ---------------------------------------------------------------------------------------------------


def test_a_burst_of_many_threads_gets_exactly_its_quota_and_others_all_they_ask_for(
    committed_world: World, settings
) -> None:  # B78
    settings.RATE_LIMIT_OTHER = 12
    calm = Caller(key_for(committed_world.rita, "read"))
    told: Counter[tuple[str, int]] = Counter()
    lock = threading.Lock()

    def send(name: str, caller: Caller, path: str, times: int) -> None:
        try:
            for _ in range(times):
                response = Caller(caller.key).get(path)
                with lock:
                    told[name, response.status_code] += 1
                assert response.status_code == 200 or int(response["Retry-After"]) >= 1
        finally:
            connections.close_all()

    flood = Caller(committed_world.key)
    threads = [threading.Thread(target=send, args=("flood", flood, "/pipelines", 20)) for _ in range(6)]
    threads.append(threading.Thread(target=send, args=("calm", calm, "/pipelines", 10)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    grown_back = told["flood", 200] - 12
    assert 0 <= grown_back <= 3, told
    assert told["flood", 200] + told["flood", 429] == 120
    assert told["calm", 200] == 10


def test_spending_at_the_same_moment_never_lets_one_too_many_through(committed_db: None) -> None:
    quota = Quota("test", requests=25, seconds=86_400)
    allowed: list[bool] = []

    def take_ten() -> None:
        try:
            allowed.extend(spend(subject="test", quota=quota).allowed for _ in range(10))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=take_ten) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(allowed), sum(allowed)) == (60, 25)


def test_full_buckets_are_forgotten_and_the_others_kept(world: World, small: None) -> None:
    Caller(world.key).get("/claims")
    accounts.forget_old_requests()
    assert Bucket.objects.count() == 1
    let_time_pass()
    accounts.forget_old_requests()
    assert Bucket.objects.count() == 0
