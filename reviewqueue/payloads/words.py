"""What people and sources say about a claim: encrypted under the claim's key, in a column of the row that says it.

It goes when the claim's key goes. The names within are properties, so that nobody who reads a row has to know.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeVar
from uuid import UUID

from django.db import connection, models

from reviewqueue.payloads.models import PayloadKey
from reviewqueue.payloads.vault import ClaimKey, known_key, written

ENCRYPTED_AT_ONCE: Final = 500


def word(name: str) -> Any:
    """A property that reads and writes one part of a row's words."""

    def read(row: Words) -> Any:
        return row.said()[name]

    def write(row: Words, value: Any) -> None:
        row.say(name, value)

    return property(read, write)


class Words(models.Model):
    """A row about a claim. `WORDS` are the names within and what they are when nothing is said.

    `CLAIM` is the way to the claim, and `BOUND_TO` names the UUID that the words are bound to: the id of the row, or
    of what the row is about. Reading asks for the claim's key, unless that came along (`with_keys`).
    """

    words = models.BinaryField(null=True)  # null: nothing was said, or it was erased

    WORDS: ClassVar[Mapping[str, Any]] = {}
    KIND: ClassVar[str] = ""
    CLAIM: ClassVar[str] = "claim"
    BOUND_TO: ClassVar[str] = "pk"

    class Meta:
        abstract = True

    def save(self, *given: Any, **named: Any) -> None:
        self.close_words()
        super().save(*given, **named)

    def close_words(self) -> None:
        """Encrypts what was said to the row. `save` does this by itself, `bulk_create` does not."""
        if self.__dict__.pop("_unsaved", False):
            self.words = self._closed()

    def refresh_from_db(self, *given: Any, **named: Any) -> None:
        self.__dict__.pop("_said", None)
        super().refresh_from_db(*given, **named)

    def said(self) -> dict[str, Any]:
        kept: dict[str, Any] | None = self.__dict__.get("_said")
        if kept is None:
            kept = self.__dict__["_said"] = {**self._nothing(), **self._opened()}
        return kept

    def say(self, name: str, value: Any) -> None:
        kept = self.__dict__.get("_said") or {**self._nothing(), **(self._opened() if self.words else {})}
        self.__dict__["_said"] = {**kept, name: value}
        self.__dict__["_unsaved"] = True

    @classmethod
    def _nothing(cls) -> dict[str, Any]:
        return {name: type(empty)() if empty is not None else None for name, empty in cls.WORDS.items()}

    def _opened(self) -> dict[str, Any]:
        if self.words is None:
            return {}
        return words_within(self._key(), bytes(self.words), kind=self.KIND, row=getattr(self, self.BOUND_TO))

    def _closed(self) -> bytes | None:
        said = {name: value for name, value in self.said().items() if value != self.WORDS[name]}
        return self._key().close(written(said), kind=self.KIND, row=getattr(self, self.BOUND_TO)) if said else None

    def _key(self) -> ClaimKey:
        """That of the claim at hand where it was read along, else from the database; kept with the row."""
        found: Any = self
        for name in (*self.CLAIM.split("__"), "payload", "key"):
            found = found._state.fields_cache.get(name) if found else None
        if found is None:
            found = PayloadKey.objects.get(pk=self._claim_id())
        opened: ClaimKey = found.opened
        return opened

    def _claim_id(self) -> UUID:
        *way, claim = self.CLAIM.split("__")
        found: Any = self
        for name in way:
            found = getattr(found, name)
        claim_id: UUID = getattr(found, f"{claim}_id")
        return claim_id


_Row = TypeVar("_Row", bound=Words)


def with_keys(rows: models.QuerySet[_Row]) -> models.QuerySet[_Row]:
    """With the keys that the words of these rows are read with, and without what their claims said."""
    claim = rows.model.CLAIM
    return rows.select_related(f"{claim}__payload__key").defer(f"{claim}__payload__ciphertext")


def words_within(key: ClaimKey, ciphertext: bytes, *, kind: str, row: UUID) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(key.open(ciphertext, kind=kind, row=row))
    return said


# --- for migrations --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Table:
    """Where the words of a table's rows belong: SQL for the claim and what they are bound to, and joins for both."""

    name: str
    kind: str
    id_type: str = "uuid"
    bound_to: str = "row.id"
    claim: str = "row.claim_id"
    joins: str = ""

    @property
    def rows(self) -> str:
        return f"{self.name} AS row {self.joins} JOIN payloads_payloadkey AS key ON key.claim_id = {self.claim}"


def encrypt_columns(table: Table, empty: Mapping[str, str]) -> None:
    """Moves columns into `words`, some hundred rows at a time; `empty` says what an empty one is, as JSON text.

    Of a claim without a key there is nothing to move: its words were emptied.
    """
    names = ", ".join(f"'{name}', row.{name}" for name in empty)
    some = " OR ".join(f"coalesce(to_jsonb(row.{name}), 'null') <> '{text}'" for name, text in empty.items())
    take = f"""
        SELECT row.id, {table.bound_to}, jsonb_build_object({names})::text,
               key.claim_id, key.wrapped, key.salt, key.master
          FROM {table.rows}
         WHERE row.words IS NULL AND ({some}) ORDER BY row.id LIMIT %s"""  # noqa: S608 - our own names
    put = f"""
        UPDATE {table.name} AS row SET words = given.words
          FROM unnest(%s::{table.id_type}[], %s::bytea[]) AS given (id, words) WHERE row.id = given.id"""  # noqa: S608
    _move(take, put, lambda key, row, text: key.close(_without_nulls(text), kind=table.kind, row=row))


def decrypt_columns(table: Table, empty: Mapping[str, str]) -> None:
    """The way back."""
    take = f"""
        SELECT row.id, {table.bound_to}, row.words, key.claim_id, key.wrapped, key.salt, key.master
          FROM {table.rows}
         WHERE row.words IS NOT NULL ORDER BY row.id LIMIT %s"""  # noqa: S608
    kept = ", ".join(f"{name} = coalesce(said.{name}, row.{name})" for name in empty)
    put = f"""
        UPDATE {table.name} AS row SET words = NULL, {kept}
          FROM unnest(%s::{table.id_type}[], %s::text[]) AS given (id, words),
               jsonb_populate_record(NULL::{table.name}, given.words::jsonb) AS said
         WHERE row.id = given.id"""  # noqa: S608
    _move(take, put, lambda key, row, text: key.open(bytes(text), kind=table.kind, row=row).decode())


def _move(take: str, put: str, handle: Callable[[ClaimKey, UUID, Any], Any]) -> None:
    with connection.cursor() as cursor:
        while True:
            cursor.execute(take, [ENCRYPTED_AT_ONCE])
            rows = cursor.fetchall()
            if not rows:
                return
            keys = [known_key(claim, bytes(wrapped), bytes(salt), master) for *_, claim, wrapped, salt, master in rows]
            moved = [handle(key, row[1], row[2]) for key, row in zip(keys, rows, strict=True)]
            cursor.execute(put, [[row[0] for row in rows], moved])


def _without_nulls(text: str) -> bytes:
    return written({name: value for name, value in json.loads(text).items() if value is not None})
