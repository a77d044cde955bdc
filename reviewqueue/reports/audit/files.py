"""A report as tables for programs: CSV and Parquet (a zip file with one file a table) and JSON Lines (a row a line).

All are drawn from `report.json`, which alone has its hash in the ledger. CSV is no evidence: text that a spreadsheet
would run gets a leading quote.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any, Final

from reviewqueue.reports.audit.document import Kind
from reviewqueue.transfers.parquet_files import ParquetWriter
from reviewqueue.transfers.spreadsheet import quoted

_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a zip: the same report has the same bytes."""
_TYPES: Final = {Kind.COUNT: "int64", Kind.LEAF: "int64", Kind.SHARE: "double", Kind.SECONDS: "double"}


def csv_files(document: Mapping[str, Any], digest: str) -> bytes:
    return _zipped({f"{name}.csv": _csv(table) for name, table in _tables(document)}, _head(document, digest))


def parquet_files(document: Mapping[str, Any], digest: str) -> bytes:
    """Raises NotPossible without pyarrow."""
    return _zipped({f"{name}.parquet": _parquet(table) for name, table in _tables(document)}, _head(document, digest))


def json_lines(document: Mapping[str, Any], digest: str) -> bytes:
    """A head, then every row with the section and the table it stands in."""
    lines = [json.dumps(_head(document, digest), ensure_ascii=False)]
    for section in document["sections"]:
        for table in section["tables"]:
            names = [column["name"] for column in table["columns"]]
            about = {"section": section["name"], "table": table["name"]}
            lines += [
                json.dumps({**about, "row": dict(zip(names, row, strict=True))}, ensure_ascii=False)
                for row in table["rows"]
            ]
            if table["more"]:
                lines.append(json.dumps({**about, "more": table["more"]}))
    return ("\n".join(lines) + "\n").encode()


def _head(document: Mapping[str, Any], digest: str) -> dict[str, Any]:
    """What they rest on: all that stands around the tables, and which `report.json` they were drawn from."""
    return {**{name: value for name, value in document.items() if name != "sections"}, "report_sha256": digest}


def _tables(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for section in document["sections"]:
        for table in section["tables"]:
            yield f"{section['name']}-{table['name']}", table


def _csv(table: Mapping[str, Any]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow([column["name"] for column in table["columns"]])
    writer.writerows([quoted(value) if isinstance(value, str) else value for value in row] for row in table["rows"])
    return file.getvalue().encode()


def _parquet(table: Mapping[str, Any]) -> bytes:
    types = {column["name"]: _TYPES.get(Kind(column["kind"]), "string") for column in table["columns"]}
    file = io.BytesIO()
    writer = ParquetWriter(file, types)
    for row in table["rows"]:
        writer.write([_typed(value, type_) for value, type_ in zip(row, types.values(), strict=True)])
    writer.close()
    return file.getvalue()


def _typed(value: Any, type_: str) -> Any:
    if value is None:
        return None
    return str(value) if type_ == "string" else value


def _zipped(files: Mapping[str, bytes], head: Mapping[str, Any]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in {"head.json": json.dumps(head, ensure_ascii=False, indent=2).encode(), **files}.items():
            info = zipfile.ZipInfo(name, _EARLIEST)
            info.compress_type = zipfile.ZIP_DEFLATED
            zipped.writestr(info, content)
    return target.getvalue()
