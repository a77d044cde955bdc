"""Who did it, by value: the ledger knows nobody above it and must stay readable when the actor is gone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self
from uuid import UUID


class ActorKind(StrEnum):
    USER = "user"
    SOURCE = "source"
    SYSTEM = "system"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class Actor:
    """`id` is pseudonymous (a row id or a key prefix), never a name or an address."""

    kind: ActorKind
    id: str
    role: str | None = None

    @classmethod
    def user(cls, user_id: UUID | str, *, role: str | None = None) -> Self:
        return cls(ActorKind.USER, str(user_id), role)

    @classmethod
    def source(cls, source_id: UUID | str) -> Self:
        return cls(ActorKind.SOURCE, str(source_id))

    @classmethod
    def key(cls, prefix: str) -> Self:
        return cls(ActorKind.KEY, prefix)

    @classmethod
    def system(cls, part: str) -> Self:
        """A part of the application that acts by itself, such as "calibration"."""
        return cls(ActorKind.SYSTEM, part)

    def as_body(self) -> dict[str, str | None]:
        return {"kind": self.kind.value, "id": self.id, "role": self.role}
