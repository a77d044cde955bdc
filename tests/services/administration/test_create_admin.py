"""The command that makes the first administrator of an empty instance."""

from __future__ import annotations

from io import StringIO
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from reviewqueue.accounts.models import User
from reviewqueue.pipelines.models import Grant, Role
from tests.services.administration.steps import entries
from tests.web.visitor import Visitor
from tests.world import make_person

pytestmark = pytest.mark.django_db
PASSWORD = "a long sentence nobody says"


def said(*words: str) -> str:
    out = StringIO()
    call_command("create_admin", *words, stdout=out)
    return out.getvalue()


def test_the_link_it_prints_leads_an_administrator_in(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://queue.example.org"
    address = said("zoe").splitlines()[-1]
    assert address.startswith("https://queue.example.org/password/")
    visitor = Visitor()
    form = visitor.get(urlsplit(address).path)["Location"]
    assert visitor.post(form, {"new_password1": PASSWORD, "new_password2": PASSWORD})["Location"] == "/"
    assert visitor.get("/people/").status_code == 200
    [given] = entries("role.changed")
    assert given["actor"] == {"id": "command", "kind": "system", "role": None}


def test_somebody_who_has_an_account_keeps_it_and_gets_the_role_once() -> None:
    zoe = make_person("zoe")
    assert said("zoe")
    assert said("zoe")
    assert User.objects.get().pk == zoe.pk
    assert Grant.objects.get(role=Role.ADMIN).user_id == zoe.pk


def test_a_name_that_is_none_and_a_closed_account_are_refused() -> None:
    with pytest.raises(CommandError, match="valid username"):
        said("two words")
    User.objects.filter(pk=make_person("zoe").pk).update(is_active=False)
    with pytest.raises(CommandError, match="closed"):
        said("zoe")
    assert not Grant.objects.exists()
