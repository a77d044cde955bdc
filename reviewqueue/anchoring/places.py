"""The places outside that checkpoints are sent to, as the settings name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

from django.conf import settings

from reviewqueue.deliveries.outgoing import ERRORS, Answer, post
from reviewqueue.deliveries.targets import HostPermission

SECONDS: Final = 10.0
DAY: Final = 86_400.0


class PlaceFailed(OSError):
    """The place took nothing: it did not answer, or not as it should."""


class Contradicted(PlaceFailed):
    """The place knows of another history of this ledger."""


@dataclass(frozen=True, slots=True)
class Checkpointed:
    """A checkpoint to be sent. `before` is the size that the place took last, 0 for none."""

    origin: str
    size: int
    root: bytes
    note: str
    before: int


class Place(Protocol):
    name: str
    every: float
    """At most one checkpoint in so many seconds."""

    def send(self, checkpoint: Checkpointed) -> bytes | None:
        """Hands it over and returns the receipt, if the place gives one. Raises PlaceFailed, OSError."""


def places() -> list[Place]:
    from reviewqueue.anchoring.mailing import MailPlace
    from reviewqueue.anchoring.timestamps import TimestampPlace
    from reviewqueue.anchoring.webhook import WebhookPlace
    from reviewqueue.anchoring.witnesses import WitnessPlace

    found: list[Place] = [
        WitnessPlace(entry["url"], entry["key"], settings.LEDGER_ANCHOR_SECONDS) for entry in settings.LEDGER_WITNESSES
    ]
    if settings.LEDGER_TIMESTAMP_URL:
        found.append(TimestampPlace(settings.LEDGER_TIMESTAMP_URL, settings.LEDGER_TIMESTAMP_CA_FILE))
    if settings.LEDGER_WEBHOOK_URL:
        found.append(WebhookPlace(settings.LEDGER_WEBHOOK_URL, settings.LEDGER_WEBHOOK_SECRET))
    if settings.LEDGER_AUDITOR_MAIL:
        found.append(MailPlace(settings.LEDGER_AUDITOR_MAIL))
    return found


def patience_of(place: Place) -> float:
    """How many seconds it may be behind before that is an alarm."""
    return 2 * place.every + 600.0 if place.every < DAY else place.every + 7_200.0


def sent(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """One POST to an address out of the settings. Raises PlaceFailed where there was no answer.

    Who runs this instance named the host, so it may be a private one, and another port.
    """
    answer = post(url, body=body, headers=headers, permissions=_permission(url), seconds=SECONDS)
    if answer.error:
        raise PlaceFailed(ERRORS.get(answer.error, answer.error))
    return answer


def _permission(url: str) -> dict[str, HostPermission]:
    parts = urlsplit(url)
    plain = parts.scheme == "http"
    port = parts.port or (80 if plain else 443)
    host = parts.hostname or ""
    return {host: HostPermission(host, frozenset({port}), plain_http=plain)}
