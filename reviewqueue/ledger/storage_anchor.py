"""Checkpoints in an object storage, meant to have a retention lock: written once under a name that is the size."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages

from reviewqueue.ledger.note import NoteError, TreeHead, parse_note

R = TypeVar("R")

ANSWER_SECONDS: Final = 5.0
"""A storage that does not answer must not hold up sealing any longer."""
TRUSTED_SECONDS: Final = 60.0
"""How long it is not read again: what it said stays true, and this process adds what it writes itself."""
_DIGITS: Final = 18


class StorageFailed(OSError):
    """It did not answer, or with an error of its own."""


class TwoOfOneSize(StorageFailed):
    """The storage holds another checkpoint of this size: somebody else signs under this name."""


@dataclass(slots=True)
class _Seen:
    at: float
    note: str | None


_seen: WeakKeyDictionary[Storage, dict[str, _Seen]] = WeakKeyDictionary()


class StorageAnchor:
    """In the storage that STORAGES has under `alias`: folders of three digits each, so that none is long to list."""

    name = "storage"
    ordered = False

    def __init__(self, alias: str, origin: str, every: float) -> None:
        self.every = every
        self.patience = 2 * every + 120.0
        self._storage = storages[alias]
        self._folder = sha256(origin.encode()).hexdigest()[:16]

    def add(self, note: str) -> None:
        size = TreeHead.parse(parse_note(note).text).size
        _within(ANSWER_SECONDS, lambda: self._add(self._name(size), note))
        self._remember(note)

    def newest(self) -> str | None:
        seen = _seen.get(self._storage, {}).get(self._folder)
        if seen and time.monotonic() - seen.at < TRUSTED_SECONDS:
            return seen.note
        try:
            note = _within(ANSWER_SECONDS, self._newest)
        except StorageFailed:
            self._remember(seen.note if seen else None)  # not asked again at once
            raise
        self._remember(note)
        return note

    def _remember(self, note: str | None) -> None:
        _seen.setdefault(self._storage, {})[self._folder] = _Seen(time.monotonic(), note)

    def _add(self, name: str, note: str) -> None:
        if not self._storage.exists(name):
            saved = self._storage.save(name, ContentFile(note.encode()))
            if saved == name:
                return
            self._storage.delete(saved)  # somebody else came in between, and storages never write over a file
        if _text(parse_note(self._read(name)).text) != _text(parse_note(note).text):
            raise TwoOfOneSize(f"the storage holds another checkpoint in {name}: two checkpoints of one size")

    def _newest(self) -> str | None:
        """Down the largest folder of each level. A note that a crash cut short is passed over."""
        place = self._folder
        try:
            for _ in range(_DIGITS // 3 - 1):
                folders, _files = self._storage.listdir(place)
                if not folders:
                    return None
                place = f"{place}/{max(folders)}"
            _folders, files = self._storage.listdir(place)
        except FileNotFoundError:
            return None
        notes = (self._read(f"{place}/{name}") for name in sorted(files, reverse=True))
        return next((note for note in notes if _is_whole(note)), None)

    def _read(self, name: str) -> str:
        with self._storage.open(name) as file:
            return bytes(file.read()).decode()

    def _name(self, size: int) -> str:
        digits = str(size).zfill(_DIGITS)
        return "/".join([self._folder, *(digits[at : at + 3] for at in range(0, _DIGITS, 3))]) + ".note"


def _is_whole(note: str) -> bool:
    try:
        TreeHead.parse(parse_note(note).text)
    except NoteError:
        return False
    return True


def _text(text: str) -> TreeHead:
    return TreeHead.parse(text)


def _within(seconds: float, ask: Callable[[], R]) -> R:
    """What `ask` returns. A storage has errors and time-outs of its own; at the deadline its thread is left alone.

    Raises StorageFailed.
    """
    answers: SimpleQueue[R | Exception] = SimpleQueue()

    def run() -> None:
        try:
            answers.put(ask())
        except Exception as error:  # of whatever library the storage is made with
            answers.put(error)

    Thread(target=run, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except Empty:
        raise StorageFailed(f"no answer within {seconds:g} seconds") from None
    if isinstance(answer, StorageFailed):
        raise answer
    if isinstance(answer, Exception):
        raise StorageFailed(f"{type(answer).__name__}: {answer}") from answer
    return answer
