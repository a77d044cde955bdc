"""Figures as one table, and numbers that people type."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.http import QueryDict

from reviewqueue.web.downloads import as_csv
from reviewqueue.web.numbers import number_in, percent_in


def rows(figures: dict[str, Any]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(as_csv(figures))))


def test_every_object_is_a_row_that_can_be_read_alone() -> None:
    found = rows({"n": 3, "results": [{"model": "a", "bins": [{"low": 0.5, "held": True}]}]})
    assert [row["table"] for row in found] == ["figures", "results", "results.bins"]
    assert (found[2]["model"], found[2]["low"], found[2]["held"]) == ("a", "0.5", "true")


def test_objects_within_are_named_by_where_they_stand() -> None:
    (only,) = rows({"work": {"done": 2, "forecast": {"kind": "late"}}, "names": ["a", "b"]})
    assert (only["work.done"], only["work.forecast.kind"], only["names"]) == ("2", "late", "a b")


def test_no_name_of_others_is_run_by_a_spreadsheet() -> None:
    (only,) = rows({"model": "=HYPERLINK(1)"})
    assert only["model"] == "'=HYPERLINK(1)"


@pytest.mark.parametrize(("typed", "value"), [("5", 5.0), (" 2,5 % ", 2.5), ("", None), ("1e1", 10.0)])
def test_numbers_are_read_as_people_write_them(typed: str, value: float | None) -> None:
    problems: list[str] = []
    assert number_in(QueryDict(mutable=True) | {"x": typed}, "x", (0, 50), "It", problems) == value
    assert problems == []


@pytest.mark.parametrize("typed", ["x", "nan", "inf", "-1", "51", "1_0", "٣", "9" * 30])
def test_what_is_no_such_number_is_told_in_a_sentence(typed: str) -> None:
    problems: list[str] = []
    assert percent_in(QueryDict(mutable=True) | {"x": typed}, "x", (0, 50), "It", problems) is None
    assert problems == ["It is a number from 0 to 50."]
