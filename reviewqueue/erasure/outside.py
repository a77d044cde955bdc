"""The list of erasures outside the database: what a restored database must forget again.

A file with one JSON object a line, only ever added to. It holds ids and codes, nothing that was said.
"""

from __future__ import annotations

import json
import logging
import os
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from reviewqueue.claims.selectors import instant

log = logging.getLogger(__name__)

_ENTRIES: Final = re.compile(r"entries-\d+\.jsonl")


@dataclass(frozen=True, slots=True)
class Erased:
    """`kind` is "payload" (of a claim), "golden" (a payload of a golden item) or "person" (by pseudonym)."""

    kind: str
    subject: UUID
    basis: str
    event: str


def remember(*, kind: str, subject: UUID, basis: str, event: UUID, at: datetime) -> None:
    """Once the transaction is committed; without a file in the settings, nowhere."""
    if not settings.ERASURE_LIST_FILE:
        return
    line = json.dumps({"kind": kind, "subject": str(subject), "basis": basis, "event": str(event), "at": instant(at)})
    transaction.on_commit(partial(_add, Path(settings.ERASURE_LIST_FILE), line))


def _add(path: Path, line: str) -> None:
    """A list that cannot be written is an alarm in the log; the erasure stands, and the ledger names it too."""
    try:
        with path.open("a", encoding="ascii") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        log.error("erasure: the list outside took no line: %s", error)


def listed(path: Path) -> Iterator[Erased]:
    """From the list. Raises ValueError, with the number of the line, where it is none."""
    with path.open(encoding="ascii") as file:
        for number, line in enumerate(file, 1):
            try:
                said = json.loads(line)
                yield Erased(said["kind"], UUID(said["subject"]), said["basis"], said["event"])
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{path}, line {number}: this is no erasure") from error


def exported(path: Path) -> Iterator[Erased]:
    """From the entries of a ledger export, a folder or a zip file: every `payload.erased` and `person.erased`.

    Raises OSError, and ValueError where there are no entries: a wrong name must not look like nothing to erase.
    """
    try:
        for line in _lines(path):
            if b'"payload.erased"' in line or b'"person.erased"' in line:
                yield from _in_entry(json.loads(line))
    except (zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def _lines(path: Path) -> Iterator[bytes]:
    export = zipfile.Path(path) if path.is_file() else path
    entries = sorted((each for each in export.iterdir() if _ENTRIES.fullmatch(each.name)), key=lambda each: each.name)
    if not entries:
        raise ValueError(f"{path} is no export of the ledger: it has no entries")
    for each in entries:
        with each.open("rb") as file:
            yield from file


def _in_entry(entry: dict[str, object]) -> Iterator[Erased]:
    body = entry["body"]
    assert isinstance(body, dict)
    if body["event"] == "payload.erased" and body.get("claim"):
        yield Erased("payload", UUID(body["claim"]), body.get("basis") or "", str(entry["id"]))
    elif body["event"] == "payload.erased" and body.get("golden_set"):
        yield Erased("golden", UUID(body["payload"]), body.get("basis") or "", str(entry["id"]))
    elif body["event"] == "person.erased":
        yield Erased("person", UUID(body["user"]), body.get("basis") or "", str(entry["id"]))
