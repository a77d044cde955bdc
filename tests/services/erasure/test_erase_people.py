"""Who somebody was becomes unknown when two persons agree; what they did stays, under their pseudonym."""

from __future__ import annotations

import json

import pytest
from axes.models import AccessAttempt
from django.test import Client

from reviewqueue.accounts import services as accounts
from reviewqueue.accounts.models import ApiKey, Scope, User
from reviewqueue.erasure import services
from reviewqueue.erasure.models import Erasure
from reviewqueue.erasure.services import ErasureDecided
from reviewqueue.errors import Forbidden, NotFound
from reviewqueue.ledger.models import Event
from reviewqueue.review.models import Label
from tests.services.payloads.test_encrypt import tables_with
from tests.services.review.steps import submit, taken
from tests.world import SETUP, World

pytestmark = pytest.mark.django_db

NAME = "henrietta-5c1d"


@pytest.fixture
def henrietta(world: World) -> User:
    person = world.rita
    person.username, person.first_name, person.last_name = NAME, f"{NAME} first", f"{NAME} last"
    person.email = f"{NAME}@example.com"
    person.save()
    AccessAttempt.objects.create(username=NAME, ip_address="192.0.2.7", user_agent="x", path_info="/", get_data="",
                                 post_data="", http_accept="", failures_since_start=1)  # fmt: skip
    accounts.issue_key(holder=person, name=f"{NAME} key", scopes=[Scope.REVIEW], actor=SETUP)
    return person


def gone(world: World, person: User) -> Erasure:
    wish = services.ask_for_person(by=world.adam, username=person.username, basis="left")
    return services.decide(by=world.ada, erasure_id=wish.pk, approve=True)


def test_no_table_says_who_they_were(world: World, henrietta: User) -> None:
    assert tables_with(NAME) != []
    gone(world, henrietta)
    assert tables_with(NAME) == []


def test_what_they_had_in_hand_is_free_for_others(world: World, henrietta: User) -> None:
    world.claim()
    lease = taken(henrietta)
    gone(world, henrietta)
    assert taken(world.ravi).slot_id == lease.slot_id


def test_what_they_did_stays_under_the_pseudonym(world: World, henrietta: User) -> None:
    claim = world.claim()
    submit(taken(henrietta))
    erasure = gone(world, henrietta)
    label = Label.objects.select_related("reviewer").get(claim=claim)
    assert label.reviewer.pseudonym == henrietta.pseudonym
    assert label.reviewer.shown_name == f"erased-{henrietta.pseudonym}"
    body = json.loads(Event.objects.get(pk=erasure.event_id or 0).leaf)["body"]
    assert (body["user"], body["second_approver"]) == (str(henrietta.pseudonym), str(world.ada.pseudonym))


def test_they_are_logged_out_and_their_keys_are_worth_nothing(world: World, henrietta: User) -> None:
    visitor = Client()
    visitor.force_login(henrietta, backend="django.contrib.auth.backends.ModelBackend")
    gone(world, henrietta)
    assert visitor.get("/queue/").status_code == 302
    assert not ApiKey.objects.filter(user=henrietta, revoked_at=None).exists()


def test_who_answers_for_a_pipeline_is_replaced_first(world: World) -> None:
    with pytest.raises(ErasureDecided, match="answers for"):
        services.ask_for_person(by=world.adam, username="olga", basis="left")


def test_nobody_erases_themselves_or_agrees_to_their_own_erasure(world: World) -> None:
    with pytest.raises(Forbidden):
        services.ask_for_person(by=world.adam, username="adam", basis="left")
    wish = services.ask_for_person(by=world.adam, username="ada", basis="left")
    with pytest.raises(Forbidden):
        services.decide(by=world.ada, erasure_id=wish.pk, approve=True)


def test_a_senior_does_not_agree_to_the_erasure_of_a_person(world: World, henrietta: User) -> None:
    wish = services.ask_for_person(by=world.adam, username=henrietta.username, basis="left")
    with pytest.raises(NotFound):
        services.decide(by=world.sam, erasure_id=wish.pk, approve=True)
