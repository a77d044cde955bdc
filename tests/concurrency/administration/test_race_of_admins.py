"""Administrators who act on each other at once: somebody is always left who can."""

from __future__ import annotations

from reviewqueue.accounts.models import User
from reviewqueue.administration import people
from reviewqueue.errors import Forbidden, Invalid
from reviewqueue.pipelines.models import Grant, Role
from tests.concurrency.review.test_race_for_leases import at_once
from tests.world import World


def fresh(user: User) -> User:
    return User.objects.get(pk=user.pk)


def admins() -> set[str]:
    active = Grant.objects.filter(role=Role.ADMIN, user__is_active=True)
    return set(active.values_list("user__username", flat=True))


def test_two_who_take_the_role_from_each_other_leave_one(committed_world: World) -> None:
    world = committed_world
    held = {name: Grant.objects.get(user=world.people[name], role=Role.ADMIN) for name in ("adam", "amir")}
    results = at_once(
        [
            lambda: people.take_role(grant=held["amir"], by=fresh(world.adam)),
            lambda: people.take_role(grant=held["adam"], by=fresh(world.amir)),
        ]
    )
    assert sorted(type(each).__name__ for each in results) == ["Forbidden", "NoneType"]
    assert len(admins()) == 1


def test_two_who_close_each_others_account_leave_one(committed_world: World) -> None:
    world = committed_world
    results = at_once(
        [
            lambda: people.close_account(user=world.amir, by=fresh(world.adam)),
            lambda: people.close_account(user=world.adam, by=fresh(world.amir)),
        ]
    )
    assert [each for each in results if isinstance(each, Exception) and not isinstance(each, Forbidden)] == []
    assert len(admins()) == 1


def test_one_user_name_asked_for_twice_at_once_is_one_account(committed_world: World) -> None:
    world = committed_world
    results = at_once([lambda: people.create_person(username="zoe", by=fresh(world.adam))] * 4)
    assert sum(isinstance(each, User) for each in results) == 1
    assert all(isinstance(each, User | Invalid) for each in results)
