"""Plain-text mail to people who run this instance: alarms, reports, checkpoints.

No mail holds what a claim said: whoever wants to read that logs in.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from django.conf import settings
from django.core.mail import EmailMessage

NOWHERE = "django.core.mail.backends.dummy.EmailBackend"


class Attached(NamedTuple):
    name: str
    content: bytes
    media_type: str


def mail_is_set_up() -> bool:
    return bool(settings.EMAIL_BACKEND != NOWHERE)


def send(*, subject: str, text: str, to: Collection[str], attached: Collection[Attached] = ()) -> int:
    """One message to each address, so that nobody sees who else gets it. Returns how many went out.

    Raises OSError (which SMTP errors are) where the server cannot be reached or refuses one of them.
    """
    sent = 0
    for address in sorted(set(filter(None, to))):
        message = EmailMessage(" ".join(subject.split()), text, to=[address])
        for file in attached:
            message.attach(file.name, file.content, file.media_type)
        sent += message.send()
    return sent
