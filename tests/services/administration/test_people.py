"""Accounts of people and what they may do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.administration import people
from reviewqueue.errors import Forbidden, Invalid
from reviewqueue.ledger.models import Event
from reviewqueue.pipelines.models import Grant, Role
from reviewqueue.pipelines.services import grant
from reviewqueue.review.models import Lease, Reservation, ReviewSlot
from reviewqueue.review.services import leases, on_hold, reservations
from tests.services.administration.steps import entries
from tests.services.review.steps import taken
from tests.world import SETUP, World

pytestmark = pytest.mark.django_db


def fresh(user: User) -> User:
    """As the next request sees them."""
    return User.objects.get(pk=user.pk)


def test_a_new_person_has_no_password_and_no_role_and_an_entry_that_says_who_added_them(world: World) -> None:
    made = people.create_person(username="zoe", first_name="Zoë", email="zoe@example.org", by=world.adam)
    assert not made.has_usable_password()
    assert not Grant.objects.filter(user=made).exists()
    assert entries("user.created")[-1] == {
        "event": "user.created",
        "user": str(made.pseudonym),
        "actor": {"kind": "user", "id": str(world.adam.pseudonym), "role": "admin"},
    }
    assert "zoe" not in Event.objects.get(pk=made.event_id).leaf.lower()


@pytest.mark.parametrize("username", ["rita", "RITA", "ｒｉｔａ", "zoé", "ZOE\u0301"])
def test_nobody_gets_a_user_name_that_reads_like_anothers(world: World, username: str) -> None:
    """B88: twins in another case, width or composition of their letters."""
    people.create_person(username="zoe\u0301", by=world.adam)
    with pytest.raises(Invalid) as refused:
        people.create_person(username=username, by=world.adam)
    assert [problem.pointer for problem in refused.value.problems] == ["/username"]


@pytest.mark.parametrize(
    ("about", "pointer"),
    [
        ({"username": ""}, "/username"),
        ({"username": "two words"}, "/username"),
        ({"username": "zoe\u202e"}, "/username"),
        ({"username": "z" * 151}, "/username"),
        ({"username": "zoe", "first_name": "Zo\u200be"}, "/first_name"),
        ({"username": "zoe", "last_name": "\u202eeoZ"}, "/last_name"),
        ({"username": "zoe", "email": "nobody"}, "/email"),
    ],
)
def test_what_is_no_name_and_no_address_is_refused(world: World, about: dict[str, str], pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        people.create_person(by=world.adam, **about)
    assert {problem.pointer for problem in refused.value.problems} == {pointer}
    assert entries("user.created")[-1]["user"] == str(world.nora.pseudonym)


def test_only_administrators_look_after_people(world: World) -> None:
    for by in (world.rita, world.sam, world.olga, world.ada, world.nora):
        for attempt in (
            lambda by=by: people.create_person(username="zoe", by=by),
            lambda by=by: people.describe_person(user=world.ravi, first_name="", last_name="", email="", by=by),
            lambda by=by: people.sign_in_link(user=world.ravi, by=by),
            lambda by=by: people.give_role(user=world.ravi, role=Role.ADMIN, by=by),
            lambda by=by: people.take_role(grant=Grant.objects.filter(user=world.ravi).get(), by=by),
            lambda by=by: people.close_account(user=world.ravi, by=by),
            lambda by=by: people.open_account(user=world.ravi, by=by),
        ):
            before = Event.objects.count()
            with pytest.raises(Forbidden):
                attempt()
            assert Event.objects.count() == before


def test_a_role_is_given_once_and_taken_once_on_record(world: World) -> None:
    given = people.give_role(user=world.nora, role=Role.REVIEWER, pipeline=world.pipeline, by=world.adam)
    assert people.give_role(user=world.nora, role=Role.REVIEWER, pipeline=world.pipeline, by=world.adam) == given
    people.take_role(grant=given, by=world.adam)
    people.take_role(grant=given, by=world.adam)
    about_nora = [body for body in entries("role.changed") if body["user"] == str(world.nora.pseudonym)]
    assert [(body.get("role_to"), body.get("role_from"), body["pipeline"]) for body in about_nora] == [
        ("reviewer", None, "support-answers"),
        (None, "reviewer", "support-answers"),
    ]
    assert not Grant.objects.filter(user=world.nora).exists()


def test_roles_and_pipelines_go_together_or_not_at_all(world: World) -> None:
    for role, pipeline in ((Role.REVIEWER, None), (Role.AUDITOR, world.pipeline), (Role.ADMIN, world.pipeline)):
        with pytest.raises(Invalid):
            people.give_role(user=world.nora, role=role, pipeline=pipeline, by=world.adam)


def test_nobody_changes_their_own_roles_or_closes_their_own_account(world: World) -> None:
    own = Grant.objects.get(user=world.adam, role=Role.ADMIN)
    with pytest.raises(Forbidden):
        people.give_role(user=world.adam, role=Role.AUDITOR, by=world.adam)
    with pytest.raises(Forbidden):
        people.take_role(grant=own, by=world.adam)
    with pytest.raises(Forbidden):
        people.close_account(user=world.adam, by=world.adam)


def test_who_is_no_administrator_any_more_changes_nothing_with_a_page_that_is_still_open(world: World) -> None:
    remembered = fresh(world.amir)
    assert people.give_role(user=world.nora, role=Role.AUDITOR, by=remembered)  # the roles are read and kept now
    people.take_role(grant=Grant.objects.get(user=world.amir, role=Role.ADMIN), by=world.adam)
    with pytest.raises(Forbidden):
        people.take_role(grant=Grant.objects.get(user=world.adam, role=Role.ADMIN), by=remembered)


@pytest.mark.parametrize(("name", "what"), [("olga", "owner"), ("otto", "deputy")])
def test_who_answers_for_a_pipeline_stays_its_owner_until_another_one_is_named(
    world: World, name: str, what: str
) -> None:
    held = Grant.objects.get(user=world.people[name], role=Role.OWNER)
    with pytest.raises(people.StillAnswers, match=f"the {what} of Support answers"):
        people.take_role(grant=held, by=world.adam)
    assert Grant.objects.filter(pk=held.pk).exists()


def test_what_somebody_has_in_hand_is_free_for_others_when_their_role_is_taken(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    on_hold.put_on_hold(reviewer=world.rita, lease_id=lease.pk, minutes=600)
    assert isinstance(leases.take(reviewer=world.ravi), leases.Nothing)
    people.take_role(grant=Grant.objects.get(user=world.rita), by=world.adam)
    lease = Lease.objects.get(pk=lease.pk)
    assert lease.expires_at == lease.slot.free_at, "whoever may have the slot finds the lease over"
    assert taken(world.ravi).slot_id == lease.slot_id
    assert Lease.objects.get(pk=lease.pk).end_reason == "expired"


def test_who_still_works_there_in_another_role_keeps_what_they_have_in_hand(world: World) -> None:
    grant(user=world.rita, role=Role.SENIOR, pipeline=world.pipeline, actor=SETUP)
    world.claim()
    lease = taken(fresh(world.rita))
    people.take_role(grant=Grant.objects.get(user=world.rita, role=Role.REVIEWER), by=world.adam)
    assert Lease.objects.get(pk=lease.pk).expires_at > timezone.now()


def test_a_closed_account_leaves_nothing_that_nobody_else_may_take(world: World) -> None:
    for number in range(3):
        world.claim(input=f"question {number}")
    lease = taken(world.rita)
    reserved = reservations.reserve(reviewer=world.rita)
    third = ReviewSlot.objects.exclude(pk__in=[lease.slot_id, reserved.slot_id]).get()
    until = timezone.now() + timedelta(days=3)
    ReviewSlot.objects.filter(pk=third.pk).update(for_reviewer=world.rita, for_until=until)
    people.close_account(user=world.rita, by=world.adam)
    got = {taken(world.ravi).slot_id for _ in range(3)}
    assert got == set(ReviewSlot.objects.values_list("pk", flat=True))
    assert not Reservation.objects.filter(reviewer=world.rita).exists()


def test_an_account_is_closed_and_opened_once_on_record_with_the_roles_it_had(world: World) -> None:
    for _ in range(2):
        people.close_account(user=world.rita, by=world.adam)
    assert not fresh(world.rita).is_active
    with pytest.raises(people.AccountClosed):
        people.give_role(user=fresh(world.rita), role=Role.AUDITOR, by=world.adam)
    with pytest.raises(people.AccountClosed):
        people.sign_in_link(user=fresh(world.rita), by=world.adam)
    for _ in range(2):
        people.open_account(user=world.rita, by=world.adam)
    world.claim()
    assert taken(fresh(world.rita))
    said = [(kind, len(entries(kind))) for kind in ("user.disabled", "user.enabled")]
    assert said == [("user.disabled", 1), ("user.enabled", 1)]


def test_a_link_lets_its_holder_in_and_says_so_on_record_without_its_token(world: World) -> None:
    link = people.sign_in_link(user=world.nora, by=world.adam)
    assert default_token_generator.check_token(world.nora, link.token)
    [entry] = entries("password.link_issued")
    assert entry["user"] == str(world.nora.pseudonym)
    assert link.token not in Event.objects.get(kind="password.link_issued").leaf


def test_a_description_is_kept_and_the_ledger_has_no_word_of_it(world: World) -> None:
    before = Event.objects.count()
    people.describe_person(user=world.rita, first_name="Rita", last_name="Ray", email="rita@example.org", by=world.adam)
    assert fresh(world.rita).get_full_name() == "Rita Ray"
    assert Event.objects.count() == before
