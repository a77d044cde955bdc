"""Logging in and out, and what every answer carries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.test import override_settings

from tests.web.visitor import Visitor, text_of
from tests.world import World

PASSWORD = "correct horse battery staple"


@pytest.fixture
def rita_by_password(world: World) -> Visitor:
    world.rita.set_password(PASSWORD)
    world.rita.save(update_fields=["password"])
    return Visitor()


def log_in(visitor: Visitor, password: str = PASSWORD, **more: str) -> object:
    return visitor.post("/login/", {"username": "rita", "password": password, **more})


def test_logging_in_leads_to_where_one_wanted_to_go(world: World, rita_by_password: Visitor) -> None:
    wanted = rita_by_password.get("/queue/")["Location"]
    assert wanted == "/login/?next=/queue/"
    assert 'name="next" value="/queue/"' in text_of(rita_by_password.get(wanted))
    assert log_in(rita_by_password, next="/queue/")["Location"] == "/queue/"  # type: ignore[index]
    assert rita_by_password.get("/login/")["Location"] == "/"


def test_logging_in_never_leads_to_another_site(world: World, rita_by_password: Visitor) -> None:
    assert log_in(rita_by_password, next="https://evil.example/")["Location"] == "/"  # type: ignore[index]


def test_a_wrong_password_says_so_without_saying_which_part_was_wrong(world: World, rita_by_password: Visitor) -> None:
    wrong = log_in(rita_by_password, "nonsense")
    unknown = rita_by_password.post("/login/", {"username": "nobody", "password": "nonsense"})
    sentence = "Please enter a correct username and password."
    assert sentence in text_of(wrong)  # type: ignore[arg-type]
    assert sentence in text_of(unknown)


@override_settings(AXES_FAILURE_LIMIT=2)
def test_too_many_failures_lock_the_account_and_the_page_says_for_how_long(
    world: World, rita_by_password: Visitor
) -> None:
    log_in(rita_by_password, "nonsense")
    locked = log_in(rita_by_password, "nonsense")
    assert locked.status_code == 429  # type: ignore[attr-defined]
    assert "Wait 15 minutes" in text_of(locked)  # type: ignore[arg-type]
    assert log_in(rita_by_password).status_code == 429  # type: ignore[attr-defined]


def test_logging_out_takes_a_post_and_clears_what_the_browser_kept(world: World, rita: Visitor) -> None:
    assert rita.get("/logout/").status_code == 405
    gone = rita.post("/logout/")
    assert gone["Location"] == "/login/"
    assert gone["Clear-Site-Data"] == '"cache"'
    assert rita.get("/queue/").status_code == 302


def test_reviewers_start_at_the_queue_and_owners_at_their_pipelines(world: World, rita: Visitor, olga: Visitor) -> None:
    assert rita.get("/")["Location"] == "/queue/"
    assert Visitor(world.sam).get("/")["Location"] == "/queue/"
    assert olga.get("/")["Location"] == "/pipelines/"
    assert Visitor(world.nora).get("/")["Location"] == "/queue/"


def test_a_page_behind_a_log_in_is_kept_by_nobody_and_differs_for_htmx(world: World, rita: Visitor) -> None:
    page = rita.get("/queue/")
    assert page["Cache-Control"] == "no-store, private"
    assert {"HX-Request", "HX-Target", "Cookie"} <= set(page["Vary"].replace(",", "").split())


def test_the_content_security_policy_allows_nothing_inline(world: World, rita: Visitor) -> None:
    page = rita.get("/queue/")
    policy = page["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    html = text_of(page)
    assert "<style" not in html
    assert " style=" not in html
    assert " onclick=" not in html
    assert html.count("<script") == html.count("<script src=") + html.count('<script type="module" src=')


def test_htmx_may_evaluate_nothing_and_keeps_no_history(world: World, rita: Visitor) -> None:
    html = text_of(rita.get("/queue/"))
    for setting in (
        '"allowEval": false',
        '"allowScriptTags": false',
        '"includeIndicatorStyles": false',
        '"selfRequestsOnly": true',
        '"historyCacheSize": 0',
    ):
        assert setting in html
    assert "hx-on" not in html


def test_a_form_without_its_token_is_refused_with_a_page_that_helps(world: World) -> None:
    visitor = Visitor(world.rita, enforce_csrf_checks=True)
    refused = visitor.post("/queue/take/")
    assert refused.status_code == 403
    assert "This page was out of date" in text_of(refused)


def test_the_token_of_the_page_is_accepted_from_htmx(world: World) -> None:
    visitor = Visitor(world.rita, enforce_csrf_checks=True)
    html = text_of(visitor.get("/queue/"))
    token = html.split('"X-CSRFToken": "')[1].split('"')[0]
    assert visitor.ajax("post", "/queue/take/", **{"X-CSRFToken": token}).status_code == 204


@pytest.mark.parametrize("address", ["/nothing-here/", "/review/nonsense/", "/pipelines/UPPER%20case/"])
def test_an_unknown_address_is_a_page_of_ours(world: World, rita: Visitor, address: str) -> None:
    answer = rita.get(address)
    assert answer.status_code == 404
    assert "Go to the start page" in text_of(answer)


@contextmanager
def every_statement_fails(error: Exception) -> Iterator[None]:
    def fail(*_: object) -> None:
        raise error

    with connection.execute_wrapper(fail):
        yield


@pytest.mark.parametrize("address", ["/queue/", "/people/", "/login/"])
def test_a_broken_server_shows_a_page_that_needs_nothing(world: World, address: str) -> None:
    visitor = Visitor(world.adam, raise_request_exception=False)
    with every_statement_fails(RuntimeError("secret canary")):
        answer = visitor.get(address)
    assert answer.status_code == 500
    assert "Something broke on our side" in text_of(answer)
    assert "canary" not in text_of(answer)
    assert settings.DEBUG is False


@pytest.mark.parametrize("error", [OperationalError("connection to 10.0.0.7 lost"), InterfaceError("closed")])
@pytest.mark.parametrize(("method", "address"), [("get", "/queue/"), ("post", "/queue/take/"), ("get", "/login/")])
def test_while_the_database_is_away_pages_say_so_and_when_to_come_back(
    world: World, error: Exception, method: str, address: str
) -> None:
    """F07: no 500 without a hint to try again."""
    visitor = Visitor(world.rita, raise_request_exception=False)
    with every_statement_fails(error):
        answer = getattr(visitor, method)(address)
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert "The database does not answer" in text_of(answer)
    assert "10.0.0.7" not in text_of(answer)
    assert visitor.get("/queue/").status_code == 200
