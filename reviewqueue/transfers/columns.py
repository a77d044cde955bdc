"""What an export has in its columns, and how a row looks in each format. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import msgspec

from reviewqueue.transfers.spreadsheet import quoted


class Kind(Enum):
    """What a column holds, in the words of Parquet where it has one for it."""

    TEXT = "string"
    NUMBER = "float64"
    COUNT = "int64"
    FLAG = "bool"
    INSTANT = "timestamp"
    JSON = "json"
    ANSWER = "answer"  # text, or any other JSON value: two columns where a column has one type


@dataclass(frozen=True, slots=True)
class Column:
    """A dot in the name puts the value into an inner object of JSON. `always`: null is a value and not its absence."""

    name: str
    kind: Kind = Kind.TEXT
    always: bool = False


def nested(columns: Sequence[Column], values: Sequence[Any]) -> dict[str, Any]:
    """The row as one JSON object. An inner object without any value is null."""
    row: dict[str, Any] = {}
    inner: dict[str, dict[str, Any]] = {}
    for column, value in zip(columns, values, strict=True):
        group, dot, name = column.name.partition(".")
        if dot:
            row[group] = inner.setdefault(group, {})
            inner[group][name] = value
        else:
            row[group] = value
    return row | {group: None for group, held in inner.items() if all(value is None for value in held.values())}


def flat_columns(columns: Sequence[Column]) -> list[Column]:
    """One type each."""
    flat: list[Column] = []
    for column in columns:
        if column.kind is Kind.ANSWER:
            flat += [Column(column.name), Column(f"{column.name}_json", Kind.JSON)]
        else:
            flat.append(column)
    return flat


def flat(columns: Sequence[Column], values: Sequence[Any]) -> Iterator[Any]:
    """The values of `flat_columns`. What is no plain value is its JSON text."""
    for column, value in zip(columns, values, strict=True):
        if column.kind is Kind.ANSWER:
            plain = isinstance(value, str) and value != ""  # in CSV an empty text looks like nothing
            yield value if plain else None
            yield None if plain or (value is None and not column.always) else _json(value)
        elif value is None:
            yield None
        elif column.kind is Kind.JSON:
            yield _json(value)
        else:
            yield str(value) if column.kind is Kind.TEXT else value


def cell(kind: Kind, value: Any) -> str:
    """For a spreadsheet: texts of people and models are no formulas there, and our numbers stay numbers."""
    if value is None:
        return ""
    if kind is Kind.TEXT:
        return quoted(value)
    if kind is Kind.FLAG:
        return "true" if value else "false"
    return instant(value) if kind is Kind.INSTANT else str(value)


def instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
