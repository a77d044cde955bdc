"""Columns become the fields of a claim, or a problem with the field's pointer."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from reviewqueue.claims.submission import Submission
from reviewqueue.errors import Invalid
from reviewqueue.transfers.parquet_files import pyarrow
from reviewqueue.transfers.plan import Plan
from reviewqueue.transfers.refusals import NotPossible
from reviewqueue.transfers.rows import Form, Row
from reviewqueue.transfers.targets import FIELDS, target_of


def body(cells: dict[str, Any], plan: Plan | None = None, form: Form = Form.CELLS) -> Any:
    return (plan or Plan()).body(Row(1, form, cells, 0))


def problems(cells: dict[str, Any], plan: Plan | None = None, form: Form = Form.CELLS) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as refused:
        body(cells, plan, form)
    return [(problem.pointer, problem.code) for problem in refused.value.problems]


def test_every_field_of_a_claim_is_a_target() -> None:
    assert set(FIELDS) == set(Submission.__struct_fields__)
    assert target_of("confidense") is target_of("output.x") is target_of("signals.") is None


def test_keys_of_fields_join_what_the_field_has() -> None:
    cells = {"signals.b": "0.5", "signals": '{"a": 0.25}', "segments.language": "en", "metadata.x": "1"}
    cells |= {"context.document": "Price list", "context.mail": "Dear all"}
    assert body(cells) == {
        "signals": {"a": 0.25, "b": 0.5},
        "segments": {"language": "en"},
        "metadata": {"x": "1"},
        "context": [{"kind": "document", "text": "Price list"}, {"kind": "mail", "text": "Dear all"}],
    }


def test_a_key_cannot_join_what_has_no_keys() -> None:
    assert problems({"signals": "[]", "signals.a": "0.5"}) == [("/signals", "type")]


def test_no_value_of_a_row_covers_another() -> None:
    assert problems({"output": "18", "output_json": "18"}) == [("/output", "twice")]
    assert body({"output": "18", "output_json": ""}) == {"output": "18"}
    twice = {"output": "18", "answer": "18", "signals": {"a": 0.5}, "signals.a": 0.5}
    assert problems(twice, Plan(columns={"answer": "output"}), Form.VALUE) == [
        ("/output", "twice"),
        ("/signals/a", "twice"),
    ]


def test_every_problem_of_a_row_is_told() -> None:
    assert problems({"confidence": "high", "signals.a/b": "?", "metadata": "{", "output_json": '{"a":1,"a":2}'}) == [
        ("/confidence", "type"),
        ("/metadata", "malformed_json"),
        ("/output", "malformed_json"),
        ("/signals/a~1b", "type"),
    ]


def test_a_text_is_a_text_and_json_is_asked_for() -> None:
    assert body({"output": "18", "input_json": "18"}) == {"output": "18", "input": 18}


def test_an_empty_cell_is_not_given_and_null_in_json_is_null() -> None:
    assert body({"output": "", "category": ""}) == {}
    assert body({"output": None, "category": None}, form=Form.VALUE) == {"output": None, "category": None}
    assert body({"output": None, "category": None}, form=Form.TABLE) == {}


def test_constants_win_and_the_default_pipeline_fills_in() -> None:
    plan = Plan(constants={"model": "acme-lm", "signals.a": "0.5"}, pipeline="answers")
    assert body({"model": "other", "pipeline": ""}, plan) == {
        "model": "acme-lm",
        "signals": {"a": 0.5},
        "pipeline": "answers",
    }
    assert body({"pipeline": "own"}, plan)["pipeline"] == "own"


def test_a_key_that_no_claim_has_is_left_for_the_claims_own_check() -> None:
    assert body({"colour": "blue"}, form=Form.VALUE) == {"colour": "blue"}
    assert body({"colour": "blue"}, Plan(ignored={"colour"}), Form.VALUE) == {}


def test_an_export_brings_neither_decisions_nor_quotes_nor_derived_signals_nor_erased_outputs() -> None:
    cells = {"id": "x", "decision.route": "accept", "output_json": "null", "erased": "true", "external_id": "'=1"}
    cells |= {"signals": '{"attempt_agreement": 1, "a": 0.5}'}
    assert body(cells, Plan(exported=True)) == {"external_id": "=1", "signals": {"a": 0.5}}


def test_without_the_package_for_parquet_its_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(NotPossible, match="pyarrow"):
        pyarrow()
