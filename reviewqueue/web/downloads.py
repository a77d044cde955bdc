"""The figures of a page as a file: `?as=csv` or `?as=json` of its address."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.http import HttpResponse

from reviewqueue.transfers.spreadsheet import quoted
from reviewqueue.web.request import PersonRequest

TYPES: Final = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


def wants_file(request: PersonRequest) -> bool:
    return request.GET.get("as") in TYPES


def file_of(request: PersonRequest, figures: Mapping[str, Any], *, name: str) -> HttpResponse:
    """Plain figures (reports.plain) as the kind of file that was asked for; `name` is that of the file."""
    kind = request.GET["as"]
    text = as_csv(figures) if kind == "csv" else json.dumps(figures, ensure_ascii=False, indent=2) + "\n"
    response = HttpResponse(text, content_type=TYPES[kind])
    response["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return response


def as_csv(figures: Mapping[str, Any]) -> str:
    """Every value as one table: a row for each object, named in the first column by where it stands.

    A row begins with the names (texts) of what it stands in, so that it can be read alone.
    """
    rows = list(_rows(figures, "", {}))
    columns = list(dict.fromkeys(name for row in rows for name in row))
    file = io.StringIO()
    writer = csv.DictWriter(file, columns, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return file.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return quoted(value) if isinstance(value, str) else value


def _rows(part: Mapping[str, Any], table: str, around: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    own = dict(_single_values(part, ""))
    if own:
        yield {"table": table or "figures", **around, **own}
    names = {**around, **{name: value for name, value in own.items() if isinstance(value, str)}}
    for name, objects in _lists(part, ""):
        for each in objects:
            yield from _rows(each, f"{table}.{name}" if table else name, names)


def _single_values(part: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """What is no list of objects; the values of an object within by its name and theirs."""
    for name, value in part.items():
        if isinstance(value, Mapping):
            yield from _single_values(value, f"{prefix}{name}.")
        elif not isinstance(value, list):
            yield prefix + name, value
        elif value and not isinstance(value[0], Mapping):
            yield prefix + name, " ".join(str(each) for each in value)


def _lists(part: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    for name, value in part.items():
        if isinstance(value, Mapping):
            yield from _lists(value, f"{prefix}{name}.")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield prefix + name, value
