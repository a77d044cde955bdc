"""Rows of a CSV file: a header, then texts. Pure."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import BinaryIO, Final

from reviewqueue.errors import FieldProblem
from reviewqueue.transfers.lines import MAX_LINE, TOO_LONG, lines
from reviewqueue.transfers.refusals import FileUnreadable
from reviewqueue.transfers.rows import Form, Row, unreadable

DELIMITERS: Final = ",;\t|"


class CSVFile:
    """Records as the csv module reads them, strictly. After a record that cannot be read it goes on with the next line.

    Raises FileUnreadable when there is no usable header.
    """

    def __init__(self, stream: BinaryIO, delimiter: str | None = None) -> None:
        csv.field_size_limit(MAX_LINE)
        self._source = _RecordLines(stream)
        self._reader = csv.reader(self._source, delimiter=delimiter or self._source.sniffed(), strict=True)
        self.columns = self._header()

    def _header(self) -> list[str]:
        header = self._next()
        if not header or not isinstance(header, list):
            raise FileUnreadable("There is no header in the first line.")
        columns = [name.strip() for name in header]
        if "" in columns or len(set(columns)) < len(columns):
            raise FileUnreadable("The columns in the header need a name each, and each another one.")
        if any(_text_problem(name) for name in columns):
            raise FileUnreadable("The header is not UTF-8.")
        return columns

    def rows(self, skip: int) -> Iterator[Row]:
        """All but the first `skip`."""
        while (record := self._next()) is not None:
            if record == []:
                continue
            if skip:
                skip -= 1
                continue
            if isinstance(record, FieldProblem):
                yield unreadable(self._source.first, self._source.text, record)
            else:
                yield self._row(record)

    def _next(self) -> list[str] | FieldProblem | None:
        """The next record, what is wrong with it, or None after the last. A blank line is an empty record."""
        self._source.begin()
        try:
            return next(self._reader, None)
        except _TooLong:
            return TOO_LONG
        except csv.Error as error:
            return FieldProblem("", "malformed_csv", f"This is not CSV: {error}.")

    def _row(self, record: list[str]) -> Row:
        text = self._source.text
        if len(record) != len(self.columns):
            detail = f"There are {len(record)} cells, and the header names {len(self.columns)}."
            return unreadable(self._source.first, text, FieldProblem("", "cells", detail))
        problem = _text_problem(text)
        if problem:
            return unreadable(self._source.first, text, problem)
        return Row(self._source.first, Form.CELLS, dict(zip(self.columns, record, strict=True)), len(text))


class _TooLong(Exception):
    pass


class _RecordLines:
    """Hands out lines as text, and keeps those of the record that is being read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._lines = lines(stream)
        self._ahead: list[str] = []
        self.number = 0
        self.begin()

    def begin(self) -> None:
        self._taken: list[str] = []
        self._size = 0
        self.first = self.number + 1

    @property
    def text(self) -> str:
        return "".join(self._taken)

    def sniffed(self) -> str:
        """The delimiter that the first line has most of, outside quotes; a comma when it has none."""
        try:
            first = next(self, "")
        except _TooLong:
            raise FileUnreadable("The first line is longer than 1 MiB.") from None
        self._ahead, self.number = [first] if first else [], 0
        bare = "".join(first.split('"')[::2])
        return max(DELIMITERS, key=bare.count)

    def __iter__(self) -> _RecordLines:
        return self

    def __next__(self) -> str:
        if self._ahead:
            text = self._ahead.pop()
            self.number = 1
        else:
            text = self._read()
        self._taken.append(text)
        self._size += len(text)
        if self._size > MAX_LINE:
            raise _TooLong
        return text

    def _read(self) -> str:
        line = next(self._lines)
        self.number = line.number
        text = line.raw.decode("utf-8", "surrogateescape")
        if not line.whole:
            self._taken.append(text)
            raise _TooLong
        return text


def _text_problem(text: str) -> FieldProblem | None:
    if "\0" in text:
        return FieldProblem("", "nul", "A text has a NUL character.")
    try:
        text.encode()
    except UnicodeEncodeError:
        return FieldProblem("", "encoding", "This is not UTF-8.")
    return None
