"""A person's own keys and the keys of the forms they get do not clash."""

from __future__ import annotations

from reviewqueue.accounts.key_bindings import ACTIONS
from reviewqueue.accounts.models import User
from reviewqueue.web.views.keys import FIELDS
from tests.services.review.steps import ask_by
from tests.web.visitor import Visitor, text_of
from tests.world import World


def test_a_key_of_a_form_they_get_cannot_become_one_of_their_own(world: World, rita: Visitor) -> None:
    ask_by(world, {"kind": "choice", "options": ["yes", {"value": "no", "key": "t"}]})
    wanted = {FIELDS[action]: action for action in ACTIONS}
    refused = rita.post("/keys/", {**wanted, FIELDS["a"]: "t", "on": "on"})
    assert refused.status_code == 422
    assert "errors" in text_of(refused)
    assert rita.post("/keys/", {**wanted, FIELDS["a"]: "w", "on": "on"}).status_code == 303
    assert User.objects.get(pk=world.rita.pk).key_bindings["keys"] == {"a": "w"}
