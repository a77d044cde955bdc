"""Who may call: one key, in one header, written in one way. All that is wrong with a key looks the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from reviewqueue.accounts import services as accounts
from reviewqueue.accounts.keys import new_key, parse_key
from reviewqueue.accounts.models import ApiKey, Source
from reviewqueue.ledger.models import Event
from tests.api.caller import Caller, assert_problem, key_for, row_counts
from tests.world import SETUP, World

OF_SOURCES = [
    ("GET", "/claims"),
    ("POST", "/claims"),
    ("POST", "/claims/preview"),
    ("GET", "/claims/0198f0c2-0000-7000-8000-000000000000"),
    ("POST", "/claims/0198f0c2-0000-7000-8000-000000000000/outcome"),
    ("GET", "/outcomes"),
]
OF_PEOPLE = [
    ("POST", "/reviews/take"),
    ("POST", "/leases/0198f0c2-0000-4000-8000-000000000000/renew"),
    ("POST", "/leases/0198f0c2-0000-4000-8000-000000000000/release"),
    ("POST", "/leases/0198f0c2-0000-4000-8000-000000000000/label"),
    ("POST", "/labels/0198f0c2-0000-7000-8000-000000000000/revise"),
]
OF_BOTH = [
    ("GET", "/pipelines"),
    ("GET", "/pipelines/support-answers"),
    ("GET", "/pipelines/support-answers/bands"),
    ("GET", "/pipelines/support-answers/calibration"),
    ("GET", "/pipelines/support-answers/thresholds"),
    ("GET", "/pipelines/support-answers/drift"),
    ("GET", "/pipelines/support-answers/signals"),
    ("GET", "/pipelines/support-answers/policies"),
    ("GET", "/pipelines/support-answers/policies/1"),
]


def with_header(value: str) -> Caller:
    return Caller(None, Client(headers={"authorization": value}))


def key_of(world: World) -> ApiKey:
    return ApiKey.objects.get(public_id=parse_key(world.key).public_id)


def test_every_operation_needs_a_key(world: World, subtests: pytest.Subtests) -> None:
    before = row_counts()
    for method, path in [*OF_SOURCES, *OF_PEOPLE, *OF_BOTH]:
        with subtests.test(path):
            response = Caller(None).call(method, path)
            assert_problem(response, 401, "unauthorized")
            assert response["WWW-Authenticate"].startswith("Bearer")
    assert row_counts() == before


def test_a_key_without_the_scope_is_forbidden_everywhere(world: World, subtests: pytest.Subtests) -> None:
    caller = Caller(key_for(world.source, "audit"))
    for method, path in [*OF_SOURCES, *OF_PEOPLE, *OF_BOTH]:
        with subtests.test(path):
            assert_problem(caller.call(method, path), 403, "forbidden")


def test_what_belongs_to_a_source_is_not_for_the_key_of_a_person(world: World, subtests: pytest.Subtests) -> None:
    person = Caller(key_for(world.rita, "read", "outcomes", "review"))
    for method, path in OF_SOURCES:
        with subtests.test(path):
            assert_problem(person.call(method, path), 403, "forbidden")


def test_review_is_for_people(world: World, subtests: pytest.Subtests) -> None:
    system = Caller(key_for(world.source, "review"))
    for method, path in OF_PEOPLE:
        with subtests.test(path):
            assert_problem(system.call(method, path), 403, "forbidden")


def test_the_header_is_written_in_one_way(world: World, subtests: pytest.Subtests) -> None:
    # B72
    for spelled in (
        "bearer {0}",
        "BEARER {0}",
        "Bearer  {0}",
        "Bearer {0}\u00a0",
        "Bearer {0},Bearer {0}",
        "Basic {0}",
        "{0}",
        "Bearer",
        "",
    ):
        with subtests.test(spelled):
            assert_problem(with_header(spelled.format(world.key)).get("/claims"), 401)


def test_no_unknown_revoked_expired_and_misspelled_keys_look_the_same(world: World) -> None:
    # B72
    def body_for(caller: Caller) -> dict[str, object]:
        problem = assert_problem(caller.get("/claims"), 401)
        return {name: value for name, value in problem.items() if name != "instance"}

    expired = accounts.issue_key(
        holder=world.source, name="old", scopes=["read"], actor=SETUP, lifetime=timedelta(seconds=-1)
    )[1]
    revoked, revoked_text = accounts.issue_key(holder=world.source, name="gone", scopes=["read"], actor=SETUP)
    accounts.revoke_key(key=revoked, actor=SETUP)
    known = parse_key(world.key)
    other_secret = new_key(environment=known.environment)
    bad_keys = [
        None,
        new_key(environment=known.environment).text,
        expired,
        revoked_text,
        other_secret.text.replace(other_secret.public_id, known.public_id),
        type(known)(known.environment, known.public_id, other_secret.secret).text,
        world.key[:-1] + ("0" if world.key[-1] != "0" else "1"),
        type(known)("test", known.public_id, known.secret).text,
        "x" * 10_000,
    ]
    bodies = [body_for(Caller(key)) for key in bad_keys]
    assert all(body == bodies[0] for body in bodies)


def test_a_key_of_a_disabled_person_or_source_stops_at_the_next_request(world: World) -> None:
    caller = Caller(world.key)
    assert caller.get("/claims").status_code == 200
    Source.objects.filter(pk=world.source.pk).update(is_active=False)
    assert_problem(caller.get("/claims"), 401)
    rita = Caller(key_for(world.rita, "review"))
    world.rita.is_active = False
    world.rita.save(update_fields=["is_active"])
    assert_problem(rita.post("/reviews/take"), 401)


@pytest.mark.parametrize(
    "query", ["?key={}", "?authorization=Bearer%20{}", "?{}", "?pipeline=support-answers&x=Bearer+{}"]
)
def test_a_key_in_an_address_is_refused_and_revoked(world: World, query: str) -> None:
    # B72
    leaked, text = accounts.issue_key(holder=world.source, name="leaked", scopes=["read"], actor=SETUP)
    assert_problem(Caller(world.key).get("/claims" + query.format(text)), 401)
    leaked.refresh_from_db()
    assert leaked.revoked_at is not None
    entry = Event.objects.get(kind="apikey.revoked")
    assert leaked.prefix in entry.leaf
    assert "sent_in_query_string" in entry.leaf
    assert key_of(world).revoked_at is None
    assert Caller(world.key).get("/claims").status_code == 200


def test_the_callers_own_key_in_the_address_is_revoked_as_well(world: World) -> None:
    caller = Caller(world.key)
    assert_problem(caller.get(f"/claims?key={world.key}"), 401)
    assert_problem(caller.get("/claims"), 401)


def test_a_key_in_a_cookie_or_another_header_is_no_key(world: World) -> None:
    # B72
    client = Client(headers={"x-api-key": world.key, "proxy-authorization": f"Bearer {world.key}"})
    client.cookies["authorization"] = f"Bearer {world.key}"
    assert_problem(Caller(None, client).get("/claims"), 401)


def test_a_logged_in_session_does_not_open_the_api(world: World) -> None:
    # B73
    client = Client()
    client.force_login(world.adam, backend="django.contrib.auth.backends.ModelBackend")
    caller = Caller(None, client)
    assert_problem(caller.get("/claims"), 401)
    assert_problem(caller.post("/reviews/take"), 401)


def test_a_session_beside_a_key_changes_nothing(world: World) -> None:
    client = Client()
    client.force_login(world.adam, backend="django.contrib.auth.backends.ModelBackend")
    assert Caller(world.key, client).post("/claims", world.claim_body()).status_code == 201


def test_the_last_use_of_a_key_is_written_at_most_once_a_minute(world: World) -> None:
    caller = Caller(world.key)
    caller.get("/claims")
    used = key_of(world).last_used_at
    assert used is not None
    assert (used.second, used.microsecond) == (0, 0)
    ApiKey.objects.filter(pk=key_of(world).pk).update(last_used_at=timezone.now() - timedelta(seconds=30))
    before = key_of(world).last_used_at
    caller.get("/claims")
    assert key_of(world).last_used_at == before
