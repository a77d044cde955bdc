"""What an auditor types in, as what the ledger knows: pseudonyms for people, ids for claims."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import OperationalError
from django.db.models import Q, Value
from django.db.models.functions import Concat
from psycopg.errors import QueryCanceled

from reviewqueue.accounts.models import Source, User
from reviewqueue.claims.models import Claim
from reviewqueue.errors import Conflict
from reviewqueue.ledger.actors import ActorKind
from reviewqueue.ledger.selectors import EntryFilter, EntryPage, LedgerEntry, entries, entries_in_turn

MOST_PEOPLE: Final = 20


@dataclass(frozen=True, slots=True)
class Found:
    """The actors that a text means; `people` are those of them that were found by their names."""

    actors: list[str]
    people: list[User]


class SearchTooWide(Conflict):
    """No index led to what was asked for in the time that a statement may take."""

    code = "search_too_wide"


def found_entries(filters: EntryFilter, *, before: int | None, limit: int) -> EntryPage:
    """A page of entries, newest first. Raises SearchTooWide."""
    with _in_time():
        return entries(filters=filters, before=before, limit=limit)


def found_in_turn(filters: EntryFilter, *, most: int) -> list[LedgerEntry]:
    """All that fit, newest first, up to `most`. Raises SearchTooWide."""
    with _in_time():
        return list(entries_in_turn(filters=filters, most=most))


@contextmanager
def _in_time() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        raise SearchTooWide("This search takes too long. Narrow it, by a claim or a time.") from error


def actors_called(text: str) -> Found:
    """ "user:…", "source:…" and the like as they stand, a pseudonym, or the name of a person, a source or a part."""
    if text.partition(":")[0] in {kind.value for kind in ActorKind} and ":" in text:
        return Found([text], [])
    if pseudonym := _uuid(text):
        return Found([f"{ActorKind.USER}:{pseudonym}"], [])
    people = _people_called(text)
    by_name = [f"{ActorKind.USER}:{person.pseudonym}" for person in people]
    others = [f"{kind}:{text}" for kind in (ActorKind.SOURCE, ActorKind.SYSTEM, ActorKind.KEY)]
    return Found([*by_name, *others], people)


def claims_called(text: str) -> list[UUID]:
    """Claims of this id or external_id. The same external_id may be used by several sources."""
    sources = list(Source.objects.values_list("pk", flat=True))  # named, so that the unique index is used
    found = list(Claim.objects.filter(source__in=sources, external_id=text).values_list("pk", flat=True))
    claim = _uuid(text)
    return [claim, *found] if claim else found


def _people_called(text: str) -> list[User]:
    named = User.objects.annotate(whole=Concat("first_name", Value(" "), "last_name"))
    return list(named.filter(Q(username__iexact=text) | Q(whole__icontains=text)).order_by("username")[:MOST_PEOPLE])


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
