"""The pages about people: adding them, giving and taking roles, letting them in and out."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from pytest_django import DjangoAssertNumQueries

from reviewqueue.accounts.models import ApiKey, User
from reviewqueue.accounts.services import key_of
from reviewqueue.erasure.services import ask_for_person, decide
from reviewqueue.ledger.models import Event
from reviewqueue.pipelines.models import Grant, Role
from tests.web.visitor import Visitor, text_of
from tests.world import World, make_person

PASSWORD = "a long sentence nobody says"
GOOD = {"new_password1": PASSWORD, "new_password2": PASSWORD}


@pytest.fixture
def adam(world: World) -> Visitor:
    return Visitor(world.adam)


def do(visitor: Visitor, person: User, what: str, **fields: Any) -> Any:
    return visitor.post(f"/people/{person.pseudonym}/", {"do": what, **fields})


def link_in(page: str) -> str:
    [found] = re.findall(r">(http://testserver/password/[^<]+)<", page)
    return urlsplit(found).path


def key_in(page: str) -> str:
    [found] = re.findall(r">(hrq_[^<…]+)</textarea>", page)
    return found


def test_an_administrator_adds_somebody_who_chooses_a_password_and_works(world: World, adam: Visitor) -> None:
    gone = adam.post("/people/new/", {"username": "zoe", "first_name": "Zoë", "last_name": "", "email": ""})
    zoe = User.objects.get(username="zoe")
    assert gone["Location"] == f"/people/{zoe.pseudonym}/"
    assert do(adam, zoe, "give", role="reviewer", pipeline="support-answers").status_code == 303
    visitor = Visitor()
    form = visitor.get(link_in(text_of(do(adam, zoe, "link"))))["Location"]
    assert "set-password" in form  # the token is in the session now, and in no address that is kept
    page = text_of(visitor.get(form))
    assert "zoe" in page
    assert "at least 15 characters" in page
    assert visitor.post(form, GOOD)["Location"] == "/"
    assert visitor.get("/queue/").status_code == 200
    assert Event.objects.filter(kind="password.changed").count() == 1


def test_a_link_works_once(world: World, adam: Visitor) -> None:
    address = link_in(text_of(do(adam, world.nora, "link")))
    first = Visitor()
    first.post(first.get(address)["Location"], GOOD)
    again = Visitor().get(address)
    assert again.status_code == 422
    assert "This link does not work any more" in text_of(again)


@pytest.mark.parametrize("path", ["/password/MQ/abc-def/", "/password/%00/x/", "/password/x/set-password/"])
def test_a_link_that_somebody_made_up_leads_nowhere(world: World, path: str) -> None:
    assert Visitor().get(path).status_code == 422


def test_a_link_ends_when_its_account_is_closed(world: World, adam: Visitor) -> None:
    address = link_in(text_of(do(adam, world.nora, "link")))
    visitor = Visitor()
    form = visitor.get(address)["Location"]
    do(adam, world.nora, "close", sure="1")
    assert visitor.post(form, GOOD).status_code == 422
    assert not User.objects.get(pk=world.nora.pk).has_usable_password()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"new_password1": "short", "new_password2": "short"}, "too short"),
        ({"new_password1": PASSWORD, "new_password2": PASSWORD + "!"}, "didn’t match"),
        ({"new_password1": "", "new_password2": ""}, "required"),
    ],
)
def test_a_password_that_will_not_do_is_refused_with_the_reason(
    world: World, adam: Visitor, given: dict[str, str], said: str
) -> None:
    visitor = Visitor()
    form = visitor.get(link_in(text_of(do(adam, world.nora, "link"))))["Location"]
    refused = visitor.post(form, given)
    assert refused.status_code == 422
    assert said in text_of(refused)
    assert visitor.post(form, GOOD)["Location"] == "/"


def test_changing_ones_password_logs_other_browsers_out(world: World) -> None:
    world.rita.set_password("the password until now")
    world.rita.save()
    here, elsewhere = Visitor(world.rita), Visitor(world.rita)
    wrong = here.post("/password/", {"old_password": "another", **GOOD})
    assert wrong.status_code == 422
    assert "old password" in text_of(wrong)
    assert here.post("/password/", {"old_password": "the password until now", **GOOD})["Location"] == "/"
    assert here.get("/queue/").status_code == 200
    assert elsewhere.get("/queue/").status_code == 302
    assert Event.objects.filter(kind="password.changed").count() == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"username": ""}, "What they log in with."),
        ({"username": "rita"}, "Somebody has this user name."),
        ({"username": "zoe", "email": "nobody"}, "valid email"),
        ({"username": "zoe", "first_name": "Zo\u200be"}, "cannot be seen"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(
    world: World, adam: Visitor, fields: dict[str, str], said: str
) -> None:
    refused = adam.post("/people/new/", {"username": "zoe", "last_name": "Typed once", **fields})
    assert refused.status_code == 422
    assert said in text_of(refused)
    assert "Typed once" in text_of(refused)


def test_the_list_says_what_everybody_may_and_is_found_by_beginnings(world: World, adam: Visitor) -> None:
    page = text_of(adam.get("/people/"))
    assert "reviewer · Support answers" in page
    assert "nothing yet" in page
    found = text_of(adam.get("/people/?search=rI"))
    assert "Rita" in found
    assert "Ravi" not in found
    assert "Nobody’s name begins like that" in text_of(adam.get("/people/?search=zzz"))


@pytest.mark.parametrize("query", ["search=%00", "after=%00", "search=%25", "after=zzzz", f"search={'x' * 5000}"])
def test_strange_searches_are_answered(world: World, adam: Visitor, query: str) -> None:
    assert adam.get(f"/people/?{query}").status_code == 200


def test_a_long_list_comes_in_pages_that_miss_nobody_with_few_queries(
    world: World, adam: Visitor, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(100):
        make_person(f"person-{number:03}")
    with django_assert_max_num_queries(12):
        first = text_of(adam.get("/people/"))
    address, seen = "/people/", set()
    while address:
        page = text_of(adam.get(address))
        seen |= set(re.findall(r'href="/people/([0-9a-f-]{36})/"', page))
        [*_, address] = ["", *(f"/people/{each}" for each in re.findall(r'href="(\?[^"]*after=[^"]+)"', page))]
        address = address.replace("&amp;", "&")
    assert len(seen) == User.objects.count() == 109
    assert first.count("person-0") < 109


def test_a_role_is_given_and_taken(world: World, adam: Visitor) -> None:
    assert do(adam, world.nora, "give", role="auditor", pipeline="support-answers").status_code == 303
    given = Grant.objects.get(user=world.nora)
    assert (given.role, given.pipeline) == (Role.AUDITOR, None)
    assert do(adam, world.nora, "take", grant=given.pk).status_code == 303
    assert not Grant.objects.filter(user=world.nora).exists()
    assert do(adam, world.nora, "take", grant=given.pk).status_code == 404


@pytest.mark.parametrize(
    ("what", "fields", "status"),
    [
        ("give", {"role": "reviewer"}, 422),
        ("give", {"role": "emperor"}, 422),
        ("give", {"role": "reviewer", "pipeline": "no-such"}, 422),
        ("take", {"grant": "x"}, 404),
        ("take", {"grant": "9" * 30}, 404),
        ("take", {"grant": "²"}, 404),
        ("close", {}, 422),
        ("dance", {}, 422),
        ("revoke", {"key": "\0"}, 404),
        ("replace", {"key": "unknown1"}, 404),
    ],
)
def test_an_action_that_makes_no_sense_changes_nothing(
    world: World, adam: Visitor, what: str, fields: dict[str, str], status: int
) -> None:
    before = Event.objects.count()
    assert do(adam, world.nora, what, **fields).status_code == status
    assert Event.objects.count() == before


def test_somebody_elses_role_is_not_taken_by_way_of_another_page(world: World, adam: Visitor) -> None:
    ritas = Grant.objects.get(user=world.rita)
    assert do(adam, world.nora, "take", grant=ritas.pk).status_code == 404
    assert Grant.objects.filter(pk=ritas.pk).exists()


def test_the_owner_of_a_pipeline_stays_and_the_page_says_what_to_do(world: World, adam: Visitor) -> None:
    held = Grant.objects.get(user=world.olga)
    refused = do(adam, world.olga, "take", grant=held.pk)
    assert refused.status_code == 409
    assert "Name another one in its settings first." in text_of(refused)


def test_administrators_do_not_offer_themselves_what_they_may_not(world: World, adam: Visitor) -> None:
    page = text_of(adam.get(f"/people/{world.adam.pseudonym}/"))
    assert "Nobody changes their own roles" in page
    assert 'value="take"' not in page
    assert 'value="close"' not in page
    assert do(adam, world.adam, "close", sure="1").status_code == 403


def test_auditors_read_and_are_offered_nothing(world: World) -> None:
    page = text_of(Visitor(world.ada).get(f"/people/{world.rita.pseudonym}/"))
    assert "Reviewer: takes and answers tasks" in page
    assert not re.search(r'name="do"', page)


def test_a_closed_account_is_out_at_the_next_request(world: World, adam: Visitor) -> None:
    rita = Visitor(world.rita)
    do(adam, world.rita, "close", sure="1")
    assert rita.get("/queue/").status_code == 302
    assert "This account is closed" in text_of(adam.get(f"/people/{world.rita.pseudonym}/"))
    do(adam, world.rita, "open")
    assert Visitor(world.rita).get("/queue/").status_code == 200


def test_a_persons_key_is_shown_once_and_opens_what_it_says(world: World, adam: Visitor) -> None:
    issued = do(adam, world.rita, "issue", **{"new-name": "notebook", "new-days": "30", "new-scopes": ["review"]})
    text = key_in(text_of(issued))
    found = key_of(text)
    assert found is not None
    assert found.user == world.rita
    page = text_of(adam.get(f"/people/{world.rita.pseudonym}/"))
    assert "notebook" in page
    assert text not in page


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Choose at least one."),
        ({"new-scopes": ["intake"]}, "not one of the available choices"),
        ({"new-scopes": ["review"], "new-days": "0"}, "greater than or equal to 1"),
        ({"new-scopes": ["review"], "new-days": "soon"}, "whole number"),
        ({"new-scopes": ["review"], "new-requests_per_minute": "0"}, "1 to 1,000,000"),
        ({"new-scopes": ["review"], "new-name": ""}, "Say what the key is for."),
    ],
)
def test_a_key_that_makes_no_sense_is_refused_with_the_reason(
    world: World, adam: Visitor, fields: dict[str, Any], said: str
) -> None:
    refused = do(adam, world.rita, "issue", **{"new-name": "notebook", "new-days": "30", **fields})
    assert refused.status_code == 422
    assert said in text_of(refused)
    assert not ApiKey.objects.filter(user=world.rita).exists()


def test_whose_name_was_erased_is_offered_no_way_back(world: World, adam: Visitor) -> None:
    wish = ask_for_person(by=world.adam, username="nora", basis="left")
    decide(by=world.ada, erasure_id=wish.pk, approve=True)
    page = text_of(adam.get(f"/people/{world.nora.pseudonym}/"))
    assert "forgotten for good" in page
    assert 'value="open"' not in page
    for what in ("open", "save", "link", "give"):
        answer = do(adam, world.nora, what, role="auditor", first_name="Nora")
        assert answer.status_code == 409, what
    assert not User.objects.get(pk=world.nora.pk).is_active


def test_people_see_the_keys_that_speak_for_them_and_change_none(world: World, adam: Visitor) -> None:
    rita = Visitor(world.rita)
    assert "speaks for you" not in text_of(rita.get("/password/"))
    do(adam, world.rita, "issue", **{"new-name": "notebook", "new-days": "30", "new-scopes": ["review"]})
    page = text_of(rita.get("/password/"))
    assert "speaks for you" in page
    assert "notebook" in page
    assert 'name="do"' not in page


def test_hostile_names_are_shown_as_text(world: World, adam: Visitor) -> None:
    User.objects.filter(pk=world.nora.pk).update(first_name="<img src=x onerror=alert(1)>", last_name="\u202etxt")
    for address in ("/people/", f"/people/{world.nora.pseudonym}/"):
        page = text_of(adam.get(address))
        assert "<img" not in page
        assert 'RLO"><i>\u202e</i>' in page  # shown as a mark, within a box of its own
