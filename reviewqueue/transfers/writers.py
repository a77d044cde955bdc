"""Rows in the formats of an export, each written as it comes."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from typing import IO, Any, Final, Protocol

import msgspec

from reviewqueue.transfers.columns import Column, cell, flat, flat_columns, nested
from reviewqueue.transfers.opening import Format
from reviewqueue.transfers.parquet_files import ParquetWriter


class Writer(Protocol):
    def write(self, values: Sequence[Any]) -> None: ...

    def close(self) -> None: ...


class JSONLines:
    def __init__(self, stream: IO[bytes], columns: Sequence[Column]) -> None:
        self._stream, self._columns = stream, columns

    def write(self, values: Sequence[Any]) -> None:
        self._stream.write(msgspec.json.encode(nested(self._columns, values)) + b"\n")

    def close(self) -> None:
        """Nothing is held back."""


class CSV:
    def __init__(self, stream: IO[bytes], columns: Sequence[Column]) -> None:
        self._text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
        self._csv = csv.writer(self._text)
        self._columns = columns
        self._kinds = [column.kind for column in flat_columns(columns)]
        self._csv.writerow([column.name for column in flat_columns(columns)])

    def write(self, values: Sequence[Any]) -> None:
        self._csv.writerow(map(cell, self._kinds, flat(self._columns, values)))

    def close(self) -> None:
        self._text.detach()


class Parquet:
    def __init__(self, stream: IO[bytes], columns: Sequence[Column]) -> None:
        types = {column.name: column.kind.value for column in flat_columns(columns)}
        self._columns = columns
        self._writer = ParquetWriter(stream, types)

    def write(self, values: Sequence[Any]) -> None:
        self._writer.write(list(flat(self._columns, values)))

    def close(self) -> None:
        self._writer.close()


WRITERS: Final[dict[Format, Callable[[IO[bytes], Sequence[Column]], Writer]]] = {
    Format.JSONL: JSONLines,
    Format.CSV: CSV,
    Format.PARQUET: Parquet,
}
