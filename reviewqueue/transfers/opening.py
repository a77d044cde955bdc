"""A file of claims, opened: what it is, which columns it has, its rows and how much of it is read."""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import logging
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from reviewqueue.errors import FieldProblem
from reviewqueue.transfers.csv_rows import CSVFile
from reviewqueue.transfers.lines import TOO_LONG, Line, lines
from reviewqueue.transfers.parquet_files import ParquetFile
from reviewqueue.transfers.refusals import FileUnreadable, NotPossible
from reviewqueue.transfers.rows import Form, Row, json_row, unreadable

log = logging.getLogger(__name__)

_EDGE: Final = 1024 * 1024


class Format(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


_ENDINGS: Final = {
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
    ".parquet": Format.PARQUET,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is to be read. `rejects`: it holds the rows that an earlier import refused."""

    format: Format
    delimiter: str | None = None
    rejects: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """`columns` is None when they differ from row to row. `share` is how much of the file is read, from 0 to 1."""

    columns: list[str] | None
    rows: Callable[[int], Iterator[Row]]
    share: Callable[[], float]


def format_of(path: Path) -> Format:
    """By the ending of its name, with or without `.gz`. Raises NotPossible."""
    endings = [ending.lower() for ending in path.suffixes if ending.lower() != ".gz"]
    known = _ENDINGS.get(endings[-1]) if endings else None
    if known is None:
        raise NotPossible("What kind of file this is does not show in its name: give --format.")
    return known


def identity_of(path: Path) -> dict[str, object]:
    """Tells the file from any other and from a later version of itself. Raises FileUnreadable."""
    with _stream(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        edges = hashlib.sha256(stream.read(_EDGE))
        stream.seek(max(0, size - _EDGE))
        edges.update(stream.read(_EDGE))
    return {"size": size, "edges": edges.hexdigest()}


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Keeps a second import of the file away, which would mix up what is kept track of. Raises NotPossible.

    Where a file cannot be locked, as on some network drives, nobody is kept away.
    """
    with _stream(path) as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotPossible(f"Another import of {path} is running.") from None
        except OSError:
            log.info("%s cannot be locked", path)
        yield


@contextmanager
def opened(path: Path, reading: Reading) -> Iterator[Opened]:
    """Raises NotPossible, and FileUnreadable also while rows are read."""
    packed = path.suffix.lower() == ".gz"
    if packed and reading.format is Format.PARQUET:
        raise NotPossible("Parquet is compressed already; a .gz of it cannot be read.")
    with _stream(path) as stream:
        size = os.fstat(stream.fileno()).st_size or 1
        content = cast(BinaryIO, gzip.GzipFile(fileobj=stream)) if packed else stream
        with _told_apart():
            if reading.format is Format.PARQUET:
                yield _parquet(stream)
            else:
                yield _texts(content, reading, lambda: min(1.0, stream.tell() / size))


def _parquet(stream: BinaryIO) -> Opened:
    file = ParquetFile(stream)
    read = 0

    def rows(skip: int) -> Iterator[Row]:
        nonlocal read
        for row in file.rows(skip):
            read = row.line
            yield row

    return Opened(file.columns, rows, lambda: read / (file.count or 1))


def _texts(content: BinaryIO, reading: Reading, share: Callable[[], float]) -> Opened:
    if reading.rejects:
        return Opened(None, lambda skip: map(_refused_row, _json_rows(content, skip)), share)
    if reading.format is Format.JSONL:
        return Opened(None, lambda skip: _json_rows(content, skip), share)
    file = CSVFile(content, reading.delimiter)
    return Opened(file.columns, file.rows, share)


def _json_rows(stream: BinaryIO, skip: int) -> Iterator[Row]:
    for line in lines(stream):
        if line.is_blank:
            continue
        if skip:
            skip -= 1
        else:
            yield _json_line(line)


def _json_line(line: Line) -> Row:
    if line.whole:
        return json_row(line.number, line.raw)
    return unreadable(line.number, line.raw.decode("utf-8", "surrogateescape"), TOO_LONG)


def _refused_row(row: Row) -> Row:
    """The row inside a line of a reject file, as it was first read."""
    record: Any = row.content
    if row.problem:
        return row
    if not isinstance(record, dict) or record.get("form") not in set(Form) or "row" not in record:
        problem = FieldProblem("", "no_reject", "This line is not one of a reject file.")
        return Row(row.line, Form.VALUE, record, row.size, problem)
    if record["form"] == Form.TEXT:
        return json_row(row.line, str(record["row"]).encode())
    return Row(row.line, Form(record["form"]), record["row"], row.size)


@contextmanager
def _stream(path: Path) -> Iterator[BinaryIO]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise FileUnreadable(f"{path} is no file.")
        stream = path.open("rb")
    except OSError as error:
        raise FileUnreadable(f"{path} cannot be read: {error.strerror}.") from None
    with stream:
        yield stream


@contextmanager
def _told_apart() -> Iterator[None]:
    """A file that breaks off is the file's fault."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FileUnreadable(f"The compressed file is damaged: {error}.") from None
