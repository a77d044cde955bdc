"""What a reader of files does with any bytes at all."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.transfers.csv_rows import CSVFile
from reviewqueue.transfers.lines import lines
from reviewqueue.transfers.refusals import FileUnreadable
from reviewqueue.transfers.rows import Form, Row

PIECES = [b"a", b"1", b",", b'"', b"\n", b"\r\n", b"\r", b"\0", b"\xff", b"\xc3\xa9", b" ", b"\n\n", b'""']
pieces = st.sampled_from(PIECES)
contents = st.lists(pieces, max_size=40).map(b"".join)
cells = st.text(alphabet=st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=6)
tables = st.lists(st.tuples(cells, cells), max_size=6)


def read(content: bytes, skip: int = 0) -> list[Row]:
    return list(CSVFile(io.BytesIO(b"one,two\n" + content), ",").rows(skip))


@given(content=contents)
def test_lines_are_the_bytes_they_came_from(content: bytes) -> None:
    assert b"".join(line.raw for line in lines(io.BytesIO(content))) == content


@given(content=contents)
def test_any_bytes_are_rows_or_problems_and_never_an_error(content: bytes) -> None:
    for row in read(content):
        assert (row.form is Form.TEXT) == (row.problem is not None)
        assert row.line >= 2
    with suppress(FileUnreadable):  # the header may be anything as well
        list(CSVFile(io.BytesIO(content)).rows(0))


@given(content=contents, skip=st.integers(0, 50))
def test_skipping_is_reading_without_the_first_rows(content: bytes, skip: int) -> None:
    assert read(content, skip) == read(content)[skip:]


@given(table=tables)
def test_what_a_csv_writer_wrote_is_read_as_it_was(table: list[tuple[Any, Any]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(table)
    rows = read(text.getvalue().encode())
    assert [tuple(row.content.values()) for row in rows] == table
