"""Real model outputs with ground truth, kept in `tests/data` with their licences."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

DATA = Path(__file__).resolve().parents[2] / "data"

Row = dict[str, str]
Pool = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.bool_]]


@cache
def rows_of(folder: Path, file: str) -> tuple[Row, ...]:
    opened = gzip.open if file.endswith(".gz") else open
    with opened(folder / file, "rt", encoding="utf-8", newline="") as lines:
        return tuple(csv.DictReader(lines))


@pytest.fixture
def real_data() -> Callable[[str], tuple[Row, ...]]:
    """Reads one file of real model outputs as rows."""
    return lambda file: rows_of(DATA, file)


@pytest.fixture
def pool(real_data: Callable[[str], tuple[Row, ...]]) -> Callable[..., Pool]:
    """Confidences in [0, 1], labels and "even item id" of the rows with the given column values."""

    def read(file: str, confidence: str = "confidence", **wanted: str) -> Pool:
        rows = [row for row in real_data(file) if all(row[key] == value for key, value in wanted.items())]
        rows = [row for row in rows if is_share(row[confidence])]
        values = np.array([(float(row[confidence]), float(row["correct"])) for row in rows])
        return values[:, 0], values[:, 1], np.array([int(row["item_id"]) % 2 == 0 for row in rows])

    return read


def is_share(text: str) -> bool:
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return False
