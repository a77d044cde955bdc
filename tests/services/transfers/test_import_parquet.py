"""Parquet has types of its own, and they become the values of a claim."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from reviewqueue.claims.models import Claim
from reviewqueue.payloads.models import ClaimPayload
from tests.services.transfers.steps import broken_off, imported, rejects
from tests.world import MODEL, World

SEGMENTS = pa.struct([("workflow", pa.string()), ("language", pa.string())])
SIGNALS = pa.map_(pa.string(), pa.float64())
AT = datetime(2026, 10, 1, 6, 0, tzinfo=UTC)
CONSTANTS = [part for name, value in MODEL.items() for part in ("--set", f"{name}={value}")]
CONSTANTS += ["--pipeline", "support-answers"]


def table(path: Path, rows: list[dict[str, Any]], group: int = 1_000, **types: pa.DataType) -> Path:
    schema = pa.schema(list({"external_id": pa.string(), "confidence": pa.float64(), **types}.items()))
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, row_group_size=group)
    return path


def answers(count: int) -> list[dict[str, Any]]:
    return [{"external_id": f"row-{number}", "confidence": 0.5, "output": "yes"} for number in range(count)]


def test_typed_columns_become_values_and_nulls_are_not_given(world: World, tmp_path: Path) -> None:
    rows = [
        {
            "external_id": "full",
            "confidence": Decimal("0.75"),
            "segments": {"workflow": "qa", "language": None},
            "signals": [("self_consistency", 0.5)],
            "output": {"sum": 18},
            "occurred_at": AT,
            "context": json.dumps([{"kind": "document", "text": "Price list"}]),
            "category": "pricing",
        },
        {"external_id": "bare", "confidence": Decimal("0.25"), "output": {"sum": None}},
    ]
    types = {"segments": SEGMENTS, "signals": SIGNALS, "output": pa.struct([("sum", pa.int64())])}
    types |= {"occurred_at": pa.timestamp("us", tz="Europe/Vienna"), "context": pa.string(), "category": pa.string()}
    path = table(tmp_path / "claims.parquet", rows, **{"confidence": pa.decimal128(5, 2), **types})
    done = imported(path, *CONSTANTS)
    assert done.code == 0, done
    full, bare = (Claim.objects.get(external_id=name) for name in ("full", "bare"))
    assert (full.confidence, full.segments, full.signals) == (0.75, {"workflow": "qa"}, {"self_consistency": 0.5})
    assert (full.category, full.occurred_at) == ("pricing", AT)
    assert full.payload.content["output"] == {"sum": 18}
    assert full.payload.content["context"][0]["text"] == "Price list"
    assert (bare.segments, bare.category, bare.occurred_at) == ({}, "", None)
    assert bare.payload.content["output"] == {"sum": None}


def test_values_that_json_has_not_are_rejected_alone(world: World, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = answers(5)
    rows[1] |= {"confidence": float("nan")}
    rows[2] |= {"blob": b"\xff\0"}
    rows[3] |= {"signals": [("a", 0.5), ("a", 0.6)]}
    path = table(tmp_path / "claims.parquet", rows, output=pa.string(), blob=pa.binary(), signals=SIGNALS)
    done = imported(path, *CONSTANTS, "--map", "blob=input")
    assert (done.code, "2 new" in done.out) == (1, True), done
    assert [(each["line"], each["errors"][0]["code"]) for each in rejects(path)] == [
        (2, "value"),
        (3, "value"),
        (4, "value"),
    ]


def test_it_goes_on_within_a_row_group(world: World, tmp_path: Path) -> None:
    path = table(tmp_path / "claims.parquet", answers(1_700), group=450, output=pa.string())
    broken_off(path, *CONSTANTS, after=1)
    done = imported(path, *CONSTANTS)
    assert "1,700 new, 0 repeated, 0 rejected" in done.out
    assert ClaimPayload.objects.count() == 1_700


def test_a_file_damaged_in_the_middle_says_where(world: World, tmp_path: Path) -> None:
    path = table(tmp_path / "claims.parquet", answers(5_000), group=1_000, output=pa.string())
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 400] = b"\xee" * 400
    path.write_bytes(content)
    done = imported(path, *CONSTANTS)
    assert done.code == 2
    assert "cannot be read after row" in done.err
    assert Claim.objects.count() in range(1_000, 5_000)
