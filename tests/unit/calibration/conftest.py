"""Real model outputs with ground truth, kept beside the project in `../shared/data`."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

SHARED_DATA = Path(__file__).resolve().parents[3] / ".." / "shared" / "data"

Row = dict[str, str]
Pool = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.bool_]]


@cache
def rows_of(folder: Path, file: str) -> tuple[Row, ...]:
    opened = gzip.open if file.endswith(".gz") else open
    with opened(folder / file, "rt", encoding="utf-8", newline="") as lines:
        return tuple(csv.DictReader(lines))


@pytest.fixture
def shared_data() -> Callable[[str], tuple[Row, ...]]:
    """Reads one file of the shared data as rows."""
    folder = SHARED_DATA.resolve()
    if not (folder / "README.md").is_file():
        pytest.fail(f"the shared data is missing: expected {folder} beside the project")
    return lambda file: rows_of(folder, file)


@pytest.fixture
def pool(shared_data: Callable[[str], tuple[Row, ...]]) -> Callable[..., Pool]:
    """Confidences in [0, 1], labels and "even item id" of the rows with the given column values."""

    def read(file: str, confidence: str = "confidence", **wanted: str) -> Pool:
        rows = [row for row in shared_data(file) if all(row[key] == value for key, value in wanted.items())]
        rows = [row for row in rows if is_share(row[confidence])]
        values = np.array([(float(row[confidence]), float(row["correct"])) for row in rows])
        return values[:, 0], values[:, 1], np.array([int(row["item_id"]) % 2 == 0 for row in rows])

    return read


def is_share(text: str) -> bool:
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return False
