"""Plain-text mail."""

from __future__ import annotations

import pytest
from django.core import mail as outbox
from pytest_django import Settings

from reviewqueue.operations.mail import Attached, mail_is_set_up, send


def test_everybody_gets_a_message_of_their_own_with_the_files_attached() -> None:
    file = Attached("report.csv", b"a,b\n", "text/csv")

    assert send(subject="Two\nlines", text="Hello.", to=["b@example.org", "a@example.org", ""], attached=[file]) == 2

    assert [message.to for message in outbox.outbox] == [["a@example.org"], ["b@example.org"]]
    assert outbox.outbox[0].subject == "Two lines"
    assert [name for name, _, _ in outbox.outbox[0].attachments] == ["report.csv"]


@pytest.mark.parametrize(("backend", "set_up"), [("dummy", False), ("smtp", True)])
def test_mail_is_set_up_where_a_server_is_named(settings: Settings, backend: str, set_up: bool) -> None:
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{backend}.EmailBackend"

    assert mail_is_set_up() is set_up
