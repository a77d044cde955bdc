"""What a report is made of: sections of sentences and tables. Pure. Every form of a report is drawn from this.

No cell holds what a claim said: identifiers, codes, names that the pipeline declared, counts, shares and times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple

FORMAT: Final = "reviewqueue-audit-report/1"
MOST_ROWS: Final = 500
"""Of one table; what is more is counted, and lies in the export of the ledger."""


class Kind(StrEnum):
    TEXT = "text"
    COUNT = "count"
    SHARE = "share"
    SECONDS = "seconds"
    TIME = "time"
    CLAIM = "claim"
    PERSON = "person"  # "user:<pseudonym>" or another actor, with a name where people read
    PSEUDONYM = "pseudonym"  # stays one
    LEAF = "leaf"


class Column(NamedTuple):
    name: str
    title: str
    kind: Kind = Kind.TEXT


@dataclass(frozen=True, slots=True)
class Table:
    """`more` rows are left out. `chart` says how a page draws it beside the numbers."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: list[list[Any]]
    more: int = 0
    chart: str = ""

    def plain(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "chart": self.chart,
            "columns": [{"name": each.name, "title": each.title, "kind": each.kind.value} for each in self.columns],
            "rows": self.rows,
            "more": self.more,
        }


@dataclass(frozen=True, slots=True)
class Section:
    """`says` are its findings in whole sentences; `warns` those among them that somebody must look at."""

    name: str
    title: str
    says: list[str] = field(default_factory=list)
    warns: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "says": self.says,
            "warns": self.warns,
            "tables": [table.plain() for table in self.tables],
        }


def columns(words: str, **kinds: Kind) -> tuple[Column, ...]:
    """From "name: Title; other: Other title" and the kinds of those that are no texts."""
    pairs = (part.split(":") for part in words.split(";"))
    return tuple(Column(name.strip(), title.strip(), kinds.get(name.strip(), Kind.TEXT)) for name, title in pairs)


def table(
    name: str, title: str, of: tuple[Column, ...], rows: Iterable[Sequence[Any]], *, more: int = 0, chart: str = ""
) -> Table:
    """The first MOST_ROWS of `rows`; `more` besides them are known of already."""
    every = [list(row) for row in rows]
    return Table(name, title, of, every[:MOST_ROWS], more + max(len(every) - MOST_ROWS, 0), chart)


def without(tables: Iterable[Table], column: str) -> list[Table]:
    """As they are, without a column that would say the same in every row."""
    return [_without(each, column) for each in tables]


def _without(given: Table, column: str) -> Table:
    kept = [place for place, each in enumerate(given.columns) if each.name != column]
    pick: Callable[[Sequence[Any]], list[Any]] = lambda row: [row[place] for place in kept]  # noqa: E731
    return Table(
        given.name, given.title, tuple(pick(given.columns)), list(map(pick, given.rows)), given.more, given.chart
    )


def several(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
