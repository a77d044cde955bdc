"""The tables of a report as a page shows them: every row written, each chart beside its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

from django.utils.safestring import SafeString

from reviewqueue.web import charts, curves
from reviewqueue.web.curves import Columns
from reviewqueue.web.report_cells import RIGHT, Writer

MOST_COLUMNS: Final = 40
MOST_PARTS: Final = 12


class Interval(NamedTuple):
    low: float
    high: float
    accuracy: float | None
    required: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    cells: SafeString
    bar: Interval | None


@dataclass(frozen=True, slots=True)
class ShownTable:
    name: str
    title: str
    heads: list[tuple[str, bool]]
    rows: list[Row]
    more: int
    bar_start: float
    has_bars: bool
    columns: Columns | None
    parts: list[tuple[str, float, None]]


@dataclass(frozen=True, slots=True)
class ShownSection:
    name: str
    title: str
    says: list[str]
    warns: list[str]
    tables: list[ShownTable]
    empty: list[str]  # titles of tables without a row


def shown(document: Mapping[str, Any], names: Mapping[str, str], *, sees_ledger: bool) -> list[ShownSection]:
    writer = Writer(names, sees_ledger=sees_ledger)
    return [_section(each, writer) for each in document["sections"]]


def _section(section: Mapping[str, Any], writer: Writer) -> ShownSection:
    tables = section["tables"]
    return ShownSection(
        section["name"],
        section["title"],
        section["says"],
        section["warns"],
        [_table(each, writer) for each in tables if each["rows"]],
        [each["title"] for each in tables if not each["rows"]],
    )


def _table(table: Mapping[str, Any], writer: Writer) -> ShownTable:
    columns, chart = table["columns"], table["chart"]
    bars = [_interval(columns, row) for row in table["rows"]] if chart == "interval" else []
    return ShownTable(
        name=table["name"],
        title=table["title"],
        heads=[(each["title"], each["kind"] in RIGHT) for each in columns],
        rows=[Row(writer.row(columns, row), bars[place] if bars else None) for place, row in enumerate(table["rows"])],
        more=table["more"],
        bar_start=charts.track_start([bar.low for bar in bars if bar]) if bars else 0.0,
        has_bars=any(bars),
        columns=_columns(table["rows"]) if chart == "columns" else None,
        parts=_parts(columns, table["rows"]) if chart == "shares" else [],
    )


def _interval(columns: Sequence[Mapping[str, str]], row: Sequence[Any]) -> Interval | None:
    by_name = {column["name"]: value for column, value in zip(columns, row, strict=True)}
    if by_name["low"] is None:
        return None
    return Interval(by_name["low"], by_name["high"], by_name["accuracy"])


def _columns(rows: Sequence[Sequence[Any]]) -> Columns:
    """The newest of them, with a label under some."""
    newest = rows[-MOST_COLUMNS:]
    step = max(len(newest) // 5, 1)
    labels = [f"{date.fromisoformat(row[0]):%d %b}" if place % step == 0 else "" for place, row in enumerate(newest)]
    return curves.columns([(row[1], row[2]) for row in newest], labels)


def _parts(columns: Sequence[Mapping[str, str]], rows: Sequence[Sequence[Any]]) -> list[tuple[str, float, None]]:
    """Each row by what it says before its numbers."""
    share = next(place for place, column in enumerate(columns) if column["kind"] == "share")
    texts = [place for place, column in enumerate(columns) if column["kind"] == "text"]
    return [(" · ".join(str(row[place]) for place in texts), row[share], None) for row in rows[:MOST_PARTS]]
