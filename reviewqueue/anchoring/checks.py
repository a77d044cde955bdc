"""What the settings must say about places outside before anything starts."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import InvalidStorageError

from reviewqueue.anchoring.places import places
from reviewqueue.anchoring.timestamps import certificates_in
from reviewqueue.ledger.anchors import local_anchors


def settings_fit(*_: Any, **__: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    try:
        local_anchors()
    except (InvalidStorageError, ImproperlyConfigured) as error:
        found.append(Error(f"LEDGER_ANCHOR_STORAGE: {error}", hint="Name it in MORE_STORAGES.", id="anchoring.E001"))
    try:
        places()
        if settings.LEDGER_TIMESTAMP_URL:
            _require_certificates()
    except (OSError, ValueError, KeyError, TypeError) as error:
        found.append(Error(f"A place for checkpoints is not set up rightly: {error}", id="anchoring.E002"))
    return found


def _require_certificates() -> None:
    from pathlib import Path

    certificates_in(Path(settings.LEDGER_TIMESTAMP_CA_FILE))


def two_places(*_: Any, **__: Any) -> list[CheckMessage]:
    """One place can be lost, or belong to whoever would rewrite the ledger."""
    if settings_fit() or len(local_anchors()) + len(places()) >= 2:
        return []
    return [
        Warning(
            "Checkpoints of the ledger are kept in fewer than two places outside the database.",
            hint='See "Places for checkpoints" in docs/operators.md: LEDGER_ANCHOR_FILE, LEDGER_ANCHOR_STORAGE, '
            "LEDGER_WITNESSES, LEDGER_TIMESTAMP_URL, LEDGER_WEBHOOK_URL, LEDGER_AUDITOR_MAIL.",
            id="anchoring.W001",
        )
    ]
