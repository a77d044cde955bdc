"""Real outputs of real models with their confidences and the truth, as streams of claims. Pure but for reading files.

The files are those that the tests use (tests/data/README.md says what they are and whose).
"""

from __future__ import annotations

import csv
import gzip
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

DATA: Final = Path(__file__).resolve().parents[3] / "tests" / "data"
Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """One output of one model. `item` names the input: the same for every model that was given it."""

    item: str
    model: str
    model_version: str
    input: str
    output: str
    confidence: float
    correct: bool
    elicitation: str

    def claim(self, pipeline: str, number: int) -> dict[str, Any]:
        """The body of `POST /api/v1/claims`, posted as the stream's number so-and-so."""
        return {
            "pipeline": pipeline,
            "external_id": f"{pipeline}/{number}/{self.item}",
            "model": self.model,
            "model_version": self.model_version,
            "input": self.input,
            "output": self.output,
            "confidence": self.confidence,
            "elicitation": self.elicitation,
        }


@dataclass(frozen=True, slots=True)
class Stream:
    """Where the answers of one model are, and how it is called. `rows` is what the file calls it, `confidence` the
    column that holds its confidence.
    """

    file: str
    rows: str
    model: str
    model_version: str
    confidence: str
    elicitation: str
    told: Callable[[Row], str]

    def answers(self, *, seed: int) -> list[Answer]:
        """Every answer with a usable confidence, in the order that the seed gives."""
        found = [self._answer(row) for row in _rows(self.file) if row["model"] == self.rows and self._usable(row)]
        random.Random(seed).shuffle(found)  # noqa: S311 - an order, not a secret
        return found

    def _usable(self, row: Row) -> bool:
        """What a model wrote instead of a number in [0, 1] would be refused at the door."""
        try:
            return 0 <= float(row[self.confidence]) <= 1
        except ValueError:
            return False

    def _answer(self, row: Row) -> Answer:
        return Answer(
            item=row["item_id"],
            model=self.model,
            model_version=self.model_version,
            input=self.told(row),
            output=row["output"] or "(nothing)",
            confidence=float(row[self.confidence]),
            correct=row["correct"] == "1",
            elicitation=self.elicitation,
        )


def _rows(file: str) -> Iterator[Row]:
    with gzip.open(DATA / file, "rt", encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def _picture(row: Row) -> str:
    return f"Which class of {row['dataset']} is in picture {row['item_id']}?"


def _exam(row: Row) -> str:
    return f"MMLU-Pro, question {row['item_id']} ({row['segment']})"


def _question(row: Row) -> str:
    return row["input_text"]


def _stated(rows: str, model: str, version: str) -> Stream:
    return Stream("mmlu_pro.csv.gz", rows, model, version, "conf_verbal_numeric", "verbalized_after", _exam)


def _classifier(file: str, rows: str, model: str, version: str) -> Stream:
    return Stream(file, rows, model, version, "confidence", "classifier", _picture)


QUIZ: Final = Stream(
    "boolq_verbalized.csv.gz", "gpt-4o", "gpt-4o", "unpinned", "confidence", "verbalized_after", _question
)
EXAM: Final = _stated("gpt-4.1-mini", "gpt-4.1", "mini")
IMAGENET: Final = _classifier("image_imagenet_resnet34.csv.gz", "timm-resnet34", "resnet", "34-imagenet")
CIFAR: Final = _classifier("image_small.csv.gz", "resnet110", "resnet", "110-cifar10")
LARGE: Final = _stated("Meta-Llama-3.1-405B-Instruct-Turbo", "llama-3.1", "405B-instruct")
SMALL: Final = _stated("Meta-Llama-3.1-70B-Instruct-Turbo", "llama-3.1", "70B-instruct")
