"""What becomes of the columns of a file: the claim in a row. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reviewqueue.errors import FieldProblem, Invalid
from reviewqueue.pipelines.signals import DERIVED
from reviewqueue.transfers.refusals import NotPossible
from reviewqueue.transfers.rows import Form, Row
from reviewqueue.transfers.spreadsheet import unquoted
from reviewqueue.transfers.targets import Kind, Target, is_filled, pointer_of, put, target_of, value_of

ONLY_EXPORTED: Final = frozenset({"id", "source", "received_at", "status", "erased", "attempt", "decision", "outcome"})
"""What an export of claims has beside the fields that were submitted."""

_WITHOUT_NULLS: Final = frozenset({"segments", "signals"})


@dataclass(frozen=True, slots=True)
class Plan:
    """`columns` maps what is named otherwise than its target. Constants win over what a row says.

    `exported` is for files of our own: it leaves out what only an export has, and takes leading quotes away.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    ignored: Collection[str] = ()
    pipeline: str | None = None
    exported: bool = False

    def check(self, columns: Collection[str] | None) -> None:
        """Raises NotPossible for targets that no claim has, and for what does not fit the columns of the file.

        Without `columns` they differ from row to row.
        """
        problems = list(self._own_problems())
        if columns is not None:
            problems += self._column_problems(columns)
        if problems:
            raise NotPossible(" ".join(problems))

    def body(self, row: Row) -> Any:
        """The claim as it would be posted. Raises Invalid."""
        if row.problem:
            raise Invalid([row.problem])
        if not isinstance(row.content, dict):
            return row.content
        body: dict[str, Any] = {}
        problems: list[FieldProblem] = []
        for column, value in self._whole_fields_first(row.content):
            try:
                self._put(body, column, value, row.form)
            except Invalid as error:
                problems += error.problems
        if problems:
            raise Invalid(problems)
        return self._completed(body, row.content)

    def _whole_fields_first(self, cells: Mapping[str, Any]) -> list[tuple[str, Any]]:
        wanted = [(column, value) for column, value in cells.items() if not self._leaves_out(column)]
        return sorted(wanted, key=lambda each: "." in self.columns.get(each[0], each[0]))

    def _leaves_out(self, column: str) -> bool:
        return column in self.ignored or (self.exported and column.partition(".")[0] in ONLY_EXPORTED)

    def _put(self, body: dict[str, Any], column: str, value: Any, form: Form) -> None:
        target = target_of(self.columns.get(column, column))
        if target is None:
            body[column] = value  # the claim's own check names it
        elif _is_given(value, form):
            if is_filled(body, target):
                raise Invalid([FieldProblem(pointer_of(target), "twice", "Two columns of this row go to this field.")])
            put(body, target, self._value(target, value, form))

    def _value(self, target: Target, value: Any, form: Form) -> Any:
        if form is not Form.CELLS:
            return _typed(target, value, form)
        return value_of(target, unquoted(value) if self.exported else value)

    def _completed(self, body: dict[str, Any], cells: Mapping[str, Any]) -> dict[str, Any]:
        for name, text in self.constants.items():
            target = target_of(name)
            assert target is not None, "checked before the first row"
            put(body, target, value_of(target, text))
        if self.pipeline and not body.get("pipeline"):
            body["pipeline"] = self.pipeline
        if self.exported:
            _forget_what_is_ours(body, cells)
        return body

    def _own_problems(self) -> Iterator[str]:
        for name in (*self.columns.values(), *self.constants):
            if target_of(name) is None:
                yield f"No claim has a field {name!r}."
        for name, text in self.constants.items():
            target = target_of(name)
            try:
                if target:
                    value_of(target, text)
            except Invalid as error:
                yield f"{name}={text!r}: {error.problems[0].detail}"

    def _column_problems(self, columns: Collection[str]) -> Iterator[str]:
        for missing in sorted({*self.columns, *self.ignored} - set(columns)):
            yield f"The file has no column {missing!r}."
        used: dict[Target, str] = {}
        for column in columns:
            if self._leaves_out(column):
                continue
            target = target_of(self.columns.get(column, column))
            if target is None and column in self.columns:
                continue  # named already
            if target is None:
                yield f"The column {column!r} is no field of a claim: give --map {column}=FIELD or --ignore {column}."
            elif target.field != "context" and target in used:
                yield f"The columns {used[target]!r} and {column!r} go to the same field."
            else:
                used[target] = column


def _is_given(value: Any, form: Form) -> bool:
    if form is Form.VALUE:
        return True
    return value is not None and (form is Form.TABLE or value != "")


def _typed(target: Target, value: Any, form: Form) -> Any:
    if target.kind is Kind.JSON and isinstance(value, str):
        return value_of(target, value)
    if form is Form.TABLE and target.field in _WITHOUT_NULLS and isinstance(value, dict):
        return {key: inner for key, inner in value.items() if inner is not None}
    return value


def _forget_what_is_ours(body: dict[str, Any], cells: Mapping[str, Any]) -> None:
    """Signals that intake works out itself; and the absence of an erased output is no output."""
    if isinstance(body.get("signals"), dict):
        body["signals"] = {name: value for name, value in body["signals"].items() if name not in DERIVED}
    if cells.get("erased") in (True, "true"):
        body.pop("output", None)
