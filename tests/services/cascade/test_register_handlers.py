"""Who may say where a pipeline asks for a second opinion, and where that may be."""

from __future__ import annotations

import pytest

from reviewqueue.cascade.models import SecondaryHandler
from reviewqueue.cascade.services.handlers import register_handler, renew_secret, switch_handler
from reviewqueue.deliveries.vault import unsealed
from reviewqueue.errors import Forbidden, Invalid, NotFound
from reviewqueue.ledger.models import Event
from tests.world import World

WISHES = {"url": "https://second.example.com/ask?token=canary", "model": "second-lm", "timeout_seconds": 20}


def handler(world: World) -> SecondaryHandler:
    return SecondaryHandler.objects.get(pipeline=world.pipeline)


@pytest.mark.parametrize("name", ["olga", "adam"])
def test_an_owner_or_an_admin_registers_a_handler_and_sees_its_secret_once(world: World, name: str) -> None:
    secret = register_handler(pipeline=world.pipeline, by=world.people[name], **WISHES)
    assert secret is not None
    assert secret.startswith("whsec_")
    stored = handler(world)
    assert unsealed(stored.sealed) not in stored.sealed.encode()
    assert (stored.enabled, stored.verified_at) == (True, None)
    leaf = Event.objects.get(pk=stored.event_id).leaf
    assert '"changed":["secondary_handler"]' in leaf
    assert "canary" not in leaf


@pytest.mark.parametrize("name", ["rita", "sam", "ada", "nora"])
def test_nobody_else_does(world: World, name: str) -> None:
    register_handler(pipeline=world.pipeline, by=world.olga, **WISHES)
    person = world.people[name]
    with pytest.raises(Forbidden):
        register_handler(pipeline=world.pipeline, by=person, **WISHES)
    with pytest.raises(Forbidden):
        renew_secret(pipeline=world.pipeline, by=person)
    with pytest.raises(Forbidden):
        switch_handler(pipeline=world.pipeline, enabled=False, by=person)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"url": "http://second.example.com/"}, "/url"),
        ({"url": "https://127.0.0.1/"}, "/url"),
        ({"url": "https://localhost/"}, "/url"),
        ({"url": "https://user:secret@second.example.com/"}, "/url"),
        ({"url": "https://second.example.com:8443/"}, "/url"),
        ({"url": ""}, "/url"),
        ({"model": ""}, "/model"),
        ({"model": "a\u0000b"}, "/model"),
        ({"model": "x" * 121}, "/model"),
        ({"timeout_seconds": 0}, "/timeout_seconds"),
        ({"timeout_seconds": 61}, "/timeout_seconds"),
    ],
)
def test_what_cannot_be_called_is_refused(world: World, changes: dict[str, object], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        register_handler(pipeline=world.pipeline, by=world.olga, **{**WISHES, **changes})  # type: ignore[arg-type]
    assert [problem.pointer for problem in refused.value.problems] == [pointer]
    assert not SecondaryHandler.objects.exists()


def test_another_address_has_another_secret_and_is_challenged_anew(world: World) -> None:
    first = register_handler(pipeline=world.pipeline, by=world.olga, **WISHES)
    known = handler(world)
    SecondaryHandler.objects.update(verified_at=known.changed_at)
    assert register_handler(pipeline=world.pipeline, by=world.olga, **{**WISHES, "timeout_seconds": 30}) is None
    assert handler(world).verified_at == known.changed_at
    moved = register_handler(pipeline=world.pipeline, by=world.adam, **{**WISHES, "url": "https://third.example.com/"})
    assert moved not in (None, first)
    assert handler(world).verified_at is None
    assert handler(world).challenge != known.challenge


def test_a_renewed_secret_takes_the_place_of_the_former_one(world: World) -> None:
    first = register_handler(pipeline=world.pipeline, by=world.olga, **WISHES)
    before = handler(world).sealed
    assert renew_secret(pipeline=world.pipeline, by=world.olga) != first
    assert handler(world).sealed != before


def test_without_a_handler_there_is_nothing_to_switch_or_renew(world: World) -> None:
    with pytest.raises(NotFound):
        switch_handler(pipeline=world.pipeline, enabled=True, by=world.olga)
    with pytest.raises(NotFound):
        renew_secret(pipeline=world.pipeline, by=world.olga)
