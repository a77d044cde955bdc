"""Parquet in and out, with pyarrow, which only those install who want it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any, Final

from reviewqueue.errors import FieldProblem
from reviewqueue.strict_json import MalformedJSON, parse_strict
from reviewqueue.transfers.refusals import FileUnreadable, NotPossible
from reviewqueue.transfers.rows import Form, Row, unreadable

READ_AT_ONCE: Final = 25
"""Rows; each may be some hundred kilobytes long."""


class ParquetFile:
    """The rows of a file, one row group after the other. Raises NotPossible without pyarrow, and FileUnreadable."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._arrow, self._parquet = pyarrow()
        try:
            self._file = self._parquet.ParquetFile(stream, pre_buffer=False)
        except (self._arrow.ArrowException, OSError) as error:
            raise FileUnreadable(f"This is not a Parquet file: {error}") from None
        self.columns: list[str] = list(self._file.schema_arrow.names)
        if len(set(self.columns)) < len(self.columns):
            raise FileUnreadable("Two columns have the same name.")
        self.count: int = self._file.metadata.num_rows

    def rows(self, skip: int) -> Iterator[Row]:
        """All but the first `skip`, without reading the row groups that lie before them."""
        done = 0
        for group in range(self._file.num_row_groups):
            held = self._file.metadata.row_group(group).num_rows
            if done + held > skip:
                rows = self._rows_of(group, done)
                yield from (row for row in rows if row.line > skip)
            done += held

    def _rows_of(self, group: int, done: int) -> Iterator[Row]:
        try:
            for batch in self._file.iter_batches(READ_AT_ONCE, row_groups=[group], use_threads=False):
                for values in self._values(batch):
                    done += 1
                    yield _row(done, values)
        except (self._arrow.ArrowException, OSError) as error:
            raise FileUnreadable(f"The file cannot be read after row {done}: {error}") from None

    def _values(self, batch: Any) -> Iterator[Any]:
        """The rows of a batch as objects; in place of a row that cannot be one, why."""
        try:
            yield from batch.to_pylist(maps_as_pydicts="strict")
        except (KeyError, ValueError):  # one bad row among them; Unicode and Arrow errors are ValueErrors
            for place in range(batch.num_rows):
                try:
                    yield batch.slice(place, 1).to_pylist(maps_as_pydicts="strict")[0]
                except (KeyError, ValueError) as error:
                    yield error


def pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise NotPossible("Parquet needs one package more: pip install 'pyarrow>=26' (the extra `parquet`).") from None
    return pyarrow, pyarrow.parquet


class ParquetWriter:
    """Rows as they come, in row groups of bounded size. `types` says what each column holds."""

    GROUP_ROWS: Final = 10_000
    GROUP_BYTES: Final = 16 * 1024 * 1024

    def __init__(self, stream: IO[bytes], types: Mapping[str, str]) -> None:
        self._arrow, parquet = pyarrow()
        self._schema = self._arrow.schema([(name, self._type(kind)) for name, kind in types.items()])
        self._writer = parquet.ParquetWriter(stream, self._schema, compression="zstd")
        self._waiting: list[Sequence[Any]] = []
        self._size = 0

    def write(self, values: Sequence[Any]) -> None:
        self._waiting.append(values)
        self._size += sum(len(value) for value in values if isinstance(value, str))
        if len(self._waiting) >= self.GROUP_ROWS or self._size >= self.GROUP_BYTES:
            self._write_group()

    def close(self) -> None:
        if self._waiting:
            self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        columns = zip(*self._waiting, strict=True)
        arrays = [self._arrow.array(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))
        self._waiting, self._size = [], 0

    def _type(self, kind: str) -> Any:
        if kind == "timestamp":
            return self._arrow.timestamp("us", tz="UTC")
        return self._arrow.type_for_alias("string" if kind == "json" else kind)


def _row(line: int, values: Any) -> Row:
    try:
        if isinstance(values, Exception):
            raise values
        written = json.dumps(values, default=_plain, allow_nan=False, ensure_ascii=False).encode()
        return Row(line, Form.TABLE, parse_strict(written), len(written))
    except (MalformedJSON, TypeError, KeyError, ValueError) as error:
        problem = FieldProblem("", "value", f"This row has a value that JSON has not: {error}"[:300])
        return unreadable(line, repr(values), problem)


def _plain(value: object) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"a {type(value).__name__}")
