"""Items of a golden set in a file or a pasted text: CSV with a header, or JSON Lines. Pure.

Everything that is wrong is found in one reading and named by its line; nothing is taken in unless all of it is good.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final, Literal

from reviewqueue.errors import DomainError, FieldProblem, Invalid
from reviewqueue.golden.comparing import number_of
from reviewqueue.golden.items import MOST_ITEMS, Item, Names, parse_item
from reviewqueue.strict_json import MalformedJSON, parse_strict
from reviewqueue.transfers.csv_rows import CSVFile
from reviewqueue.transfers.lines import TOO_LONG, lines
from reviewqueue.transfers.rows import Row, json_row, unreadable
from reviewqueue.transfers.spreadsheet import unquoted

Format = Literal["csv", "jsonl"]
FORMATS: Final[tuple[Format, ...]] = ("csv", "jsonl")
MAX_FILE_BYTES: Final = 32 * 1024 * 1024
MOST_WRONG: Final = 200
"""After so many wrong rows the rest is not looked at."""

_PLAIN: Final = ("key", "input", "answer", "comparison", "category", "note")
_JSON: Final = {"input_json": "input", "answer_json": "answer", "segments": "segments"}
COLUMNS: Final = (*_PLAIN, "tolerance", *_JSON)
SEGMENT: Final = "segments."


@dataclass(frozen=True, slots=True)
class LineProblem:
    """What is wrong, in which line; `pointer` is a JSON Pointer into the item of that line."""

    line: int
    problem: FieldProblem

    @property
    def pointer(self) -> str:
        return self.problem.pointer

    @property
    def detail(self) -> str:
        return self.problem.detail


class BadItems(Invalid):
    """The items cannot be taken in as they are: which line, which field, and why."""

    def __init__(self, problems: Sequence[LineProblem], pointer: str = "") -> None:
        self.lines = tuple(problems)
        super().__init__(
            [
                FieldProblem(pointer or each.pointer, each.problem.code, _told(each, named=bool(pointer)))
                for each in problems
            ],
            "Nothing was taken in: some lines are not good items.",
        )


def _told(each: LineProblem, *, named: bool) -> str:
    where = f"Line {each.line}" + (f", {each.pointer}" if named and each.pointer else "")
    return f"{where}: {each.detail}"


def guess_format(name: str, content: bytes) -> Format:
    """By the ending of the file's name, else by how it begins."""
    if name.casefold().endswith((".jsonl", ".ndjson", ".json")):
        return "jsonl"
    if name.casefold().endswith((".csv", ".tsv", ".txt")):
        return "csv"
    return "jsonl" if content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{" else "csv"


def read_items(content: bytes, form: Format, names: Names) -> list[Item]:
    """Raises BadItems with what is wrong in which lines."""
    try:
        rows = _csv_rows(content) if form == "csv" else _json_rows(content)
        return checked_items(((row.line, _body_of(row)) for row in rows), names)
    except Invalid:
        raise
    except DomainError as unreadable_file:
        raise BadItems([LineProblem(1, FieldProblem("", unreadable_file.code, unreadable_file.detail))]) from None


def checked_items(bodies: Iterable[tuple[int, object]], names: Names) -> list[Item]:
    """The items of numbered bodies. Raises BadItems; a body may be the FieldProblem that kept it from being read."""
    items: list[Item] = []
    problems: list[LineProblem] = []
    seen: dict[str, int] = {}
    for line, body in bodies:
        try:
            item = parse_item(_readable(body), names)
        except Invalid as invalid:
            problems += [LineProblem(line, problem) for problem in invalid.problems]
        else:
            items.append(item)
            if first := seen.get(item.key):
                detail = f"Line {first} has this key already."
                problems.append(LineProblem(line, FieldProblem("/key", "repeated", detail)))
            seen.setdefault(item.key, line)
        if len(items) > MOST_ITEMS:
            problems.append(LineProblem(line, FieldProblem("", "too_many", f"A set has at most {MOST_ITEMS:,} items.")))
        if len(problems) >= MOST_WRONG or len(items) > MOST_ITEMS:
            break
    if not items and not problems:
        problems = [LineProblem(1, FieldProblem("", "empty", "There is no item in it."))]
    if problems:
        raise BadItems(problems[:MOST_WRONG])
    return items


def _readable(body: object) -> object:
    if isinstance(body, FieldProblem):
        raise Invalid([body])
    return body


def _json_rows(content: bytes) -> Iterator[Row]:
    for line in lines(BytesIO(content)):
        if not line.whole:
            yield unreadable(line.number, line.raw[:80].decode("utf-8", "surrogateescape"), TOO_LONG)
        elif not line.is_blank:
            yield json_row(line.number, line.raw)


def _csv_rows(content: bytes) -> Iterator[Row]:
    """Raises FileUnreadable, or BadItems for a column that means nothing here."""
    file = CSVFile(BytesIO(content))
    unknown = [name for name in file.columns if name not in COLUMNS and not name.startswith(SEGMENT)]
    if unknown or "key" not in file.columns:
        known = ", ".join((*COLUMNS, f"{SEGMENT}<name>"))
        what = f"“{unknown[0][:60]}” is no column of items" if unknown else "There is no column “key”"
        problem = FieldProblem("", "unknown_column", f"{what}. The columns are: {known}.")
        raise BadItems([LineProblem(1, problem)])
    return file.rows(skip=0)


def _body_of(row: Row) -> object:
    if row.problem is not None:
        return row.problem
    return row.content if not _is_cells(row) else _from_cells(row.content)


def _is_cells(row: Row) -> bool:
    return row.form == "cells"


def _from_cells(cells: Mapping[str, str]) -> object:
    """The item as JSON would have it. An empty cell is not given. Numbers are texts in CSV, and are read as numbers."""
    body: dict[str, Any] = {name: unquoted(cells[name]) for name in _PLAIN if cells.get(name)}
    for column, name in _JSON.items():
        if cells.get(column):
            try:
                body[name] = parse_strict(cells[column].encode())
            except MalformedJSON as error:
                return FieldProblem(f"/{name}", error.code, f"In {column}: {error.detail}")
    segments = {name.removeprefix(SEGMENT): text for name, text in cells.items() if name.startswith(SEGMENT) and text}
    if segments:
        body["segments"] = {**body.get("segments", {}), **segments} if _may_merge(body) else segments
    if cells.get("tolerance"):
        tolerance = number_of(cells["tolerance"])
        if tolerance is None:
            return FieldProblem("/tolerance", "type", "This is no number.")
        body["tolerance"] = float(tolerance)
    return body


def _may_merge(body: Mapping[str, Any]) -> bool:
    return isinstance(body.get("segments", {}), dict)
