"""A row of a file, before anybody knows whether it is a claim. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reviewqueue.errors import FieldProblem
from reviewqueue.strict_json import MalformedJSON, parse_strict


class Form(StrEnum):
    """What the content of a row is."""

    VALUE = "value"  # a JSON value, as it would be posted
    CELLS = "cells"  # texts by column, where an empty one is not given
    TABLE = "table"  # typed values by column, where null is not given
    TEXT = "text"  # what could not be read


@dataclass(frozen=True, slots=True)
class Row:
    """`line` counts from 1: lines of text with those that are blank and the header, rows of a Parquet file."""

    line: int
    form: Form
    content: Any
    size: int
    problem: FieldProblem | None = None


def unreadable(line: int, text: str, problem: FieldProblem) -> Row:
    """Bytes that are not UTF-8 came in as lone surrogates, and are shown as escapes."""
    shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return Row(line, Form.TEXT, shown, len(shown), problem)


def json_row(line: int, raw: bytes) -> Row:
    """The row in one line of JSON."""
    try:
        return Row(line, Form.VALUE, parse_strict(raw), len(raw))
    except MalformedJSON as error:
        return unreadable(line, raw.decode("utf-8", "surrogateescape"), FieldProblem("", error.code, error.detail))
