"""A sum that has to add up: an expression over the claim's fields, in a small language of its own.

The syntax is Python's, read by `ast` and never run: names, members, numbers, texts, + - * /, comparisons, and, or, not,
and the functions in FUNCTIONS. A member of a list is the list of the members, and arithmetic with a list is done for
each of its elements: `sum(output.lines.quantity * output.lines.price) == output.total`.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from functools import lru_cache
from typing import Any, ClassVar, Final

from reviewqueue.verifiers.finding import FIELDS, PASSED, CannotTell, Claim, Finding, Unusable, Work
from reviewqueue.verifiers.numbers import EXACT, decimal_of
from reviewqueue.verifiers.schema import read_json

LONGEST: Final = 500
_READABLE: Final = re.compile(r"""[A-Za-z0-9_."'\[\](), +\-*/<>=!]*""")
_WORD_AT_NUMBER: Final = re.compile(r"(?<![\w.])\d[\d.]*[A-Za-z_]")

Value = Any
"""Decimal, str, bool, list of values, mapping; None where JSON has null."""


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Passes when the expression is true. Numbers are equal when they differ by no more than `tolerance`.

    `json_text`: the output is a text that holds JSON.
    """

    kind: ClassVar[str] = "arithmetic"
    expression: str
    tolerance: float
    json_text: bool

    def __post_init__(self) -> None:
        parsed(self.expression)

    def terms(self) -> dict[str, object]:
        return {"expression": self.expression, "tolerance": self.tolerance, "json_text": self.json_text}

    def run(self, claim: Claim, work: Work) -> Finding:
        fields: dict[str, Value] = {name: getattr(claim, name) for name in FIELDS}
        if self.json_text:
            fields["output"] = read_json(claim.output, work)
        evaluation = _Evaluation(fields, decimal_of(self.tolerance), work)
        try:
            result = evaluation.of(parsed(self.expression))
        except DecimalException:
            raise CannotTell("no_result") from None
        if not isinstance(result, bool):
            raise CannotTell("no_result")
        return PASSED if result else Finding("fail", note="does_not_hold")


@lru_cache(maxsize=1_000)
def parsed(expression: str) -> ast.expr:
    """Raises Unusable."""
    if len(expression) > LONGEST:
        raise Unusable(f"may have {LONGEST} characters")
    if not _READABLE.fullmatch(expression) or _WORD_AT_NUMBER.search(expression):
        raise Unusable("holds a character that means nothing here")
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Unusable("cannot be read; it is written like output.total == sum(output.lines.price)") from None
    for node in ast.walk(tree):
        _check(node)
    return tree


def _check(node: ast.AST) -> None:
    """Raises Unusable for whatever the language does not have."""
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS or node.keywords:
            raise Unusable("there are no functions but " + ", ".join(sorted(FUNCTIONS)))
        least, most, _ = FUNCTIONS[node.func.id]
        if not least <= len(node.args) <= most:
            raise Unusable(
                f"{node.func.id} takes {least} to {most} values" if least < most else f"{node.func.id} takes {least}"
            )
    elif isinstance(node, ast.Name) and node.id not in FIELDS and node.id not in FUNCTIONS:
        raise Unusable(f"{node.id[:64]} is none of " + ", ".join(FIELDS))
    elif isinstance(node, ast.Constant) and (
        not isinstance(node.value, str | int | float) or isinstance(node.value, bytes)
    ):
        raise Unusable("there are only numbers and texts")
    elif not isinstance(node, _KNOWN):
        raise Unusable("there are only members, + - * /, comparisons, and, or, not, and functions")


_ARITHMETIC: Final[Mapping[type[ast.operator], Callable[[Decimal, Decimal], Decimal]]] = {
    ast.Add: EXACT.add,
    ast.Sub: EXACT.subtract,
    ast.Mult: EXACT.multiply,
    ast.Div: EXACT.divide,
}
_ORDER: Final[Mapping[type[ast.cmpop], Callable[[Decimal, Decimal], bool]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_KNOWN: Final = (
    *_ARITHMETIC,
    *_ORDER,
    *(ast.Eq, ast.NotEq, ast.And, ast.Or, ast.Not, ast.USub, ast.UAdd, ast.Load),
    *(ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call, ast.Name, ast.Constant, ast.Attribute, ast.Subscript),
)


@dataclass(slots=True)
class _Evaluation:
    """One run over one claim. Every value that is looked at is a step."""

    fields: Mapping[str, Value]
    tolerance: Decimal
    work: Work

    def of(self, node: ast.expr) -> Value:
        self.work.spend(1)
        match node:
            case ast.Constant():
                return _plain(node.value)
            case ast.Name():
                if node.id not in self.fields:
                    raise CannotTell("no_result")  # the name of a function, used as a value
                return self.fields[node.id]
            case ast.Attribute():
                return self._member(self.of(node.value), node.attr)
            case ast.Subscript():
                return self._member(self.of(node.value), self.of(node.slice))
            case ast.UnaryOp():
                return self._unary(node)
            case ast.BoolOp():
                return self._logic(node)
            case ast.BinOp():
                return self._each(_ARITHMETIC[type(node.op)], self.of(node.left), self.of(node.right), _number)
            case ast.Compare():
                return self._chain(node)
            case ast.Call():
                assert isinstance(node.func, ast.Name)
                return self._call(node.func.id, [self.of(each) for each in node.args])
        raise CannotTell("no_result")

    def _member(self, value: Value, key: Value) -> Value:
        if isinstance(value, Mapping) and isinstance(key, str):
            if value.get(key) is None:
                raise CannotTell("missing")
            return value[key]
        if isinstance(value, list | tuple):
            if isinstance(key, str):
                self.work.spend(2 * len(value))
                return [self._member(each, key) for each in value]
            if isinstance(key, Decimal) and key == key.to_integral_value() and -len(value) <= key < len(value):
                return value[int(key)]
        raise CannotTell("missing")

    def _unary(self, node: ast.UnaryOp) -> Value:
        value = self.of(node.operand)
        if isinstance(node.op, ast.Not):
            return not _truth(value)
        return self._each(EXACT.multiply, Decimal(-1 if isinstance(node.op, ast.USub) else 1), value, _number)

    def _logic(self, node: ast.BoolOp) -> bool:
        """Stops where the answer is known, so that the right side may rest on what the left side made sure of."""
        wanted = isinstance(node.op, ast.Or)
        for each in node.values:
            if _truth(self.of(each)) is wanted:
                return wanted
        return not wanted

    def _chain(self, node: ast.Compare) -> Value:
        values = [self.of(each) for each in (node.left, *node.comparators)]
        links = [
            self._each(self._comparison(op), left, right, _plain)
            for op, left, right in zip(node.ops, values, values[1:], strict=False)
        ]
        return links[0] if len(links) == 1 else all(_truth(link) for link in links)

    def _comparison(self, op: ast.cmpop) -> Callable[[Value, Value], bool]:
        if isinstance(op, ast.Eq):
            return self._equal
        if isinstance(op, ast.NotEq):
            return lambda left, right: not self._equal(left, right)
        order = _ORDER[type(op)]
        return lambda left, right: order(_number(left), _number(right))

    def _equal(self, left: Value, right: Value) -> bool:
        if isinstance(left, Decimal) and isinstance(right, Decimal):
            return abs(EXACT.subtract(left, right)) <= self.tolerance
        if type(left) is not type(right) or not isinstance(left, str | bool):
            raise CannotTell("not_comparable")
        return bool(left == right)

    def _each(
        self, apply: Callable[[Any, Any], Value], left: Value, right: Value, read: Callable[[Value], Value]
    ) -> Value:
        """Of two lists the elements that belong together; of a list and a single value, each element with it."""
        if not isinstance(left, list | tuple) and not isinstance(right, list | tuple):
            return apply(read(left), read(right))
        lefts, rights = _alongside(left, right), _alongside(right, left)
        if len(lefts) != len(rights):
            raise CannotTell("other_lengths")
        self.work.spend(5 * len(lefts))
        return [self._each(apply, one, other, read) for one, other in zip(lefts, rights, strict=True)]

    def _call(self, name: str, values: list[Value]) -> Value:
        self.work.spend(3 * sum(len(value) for value in values if isinstance(value, list | tuple)))
        return FUNCTIONS[name][2](*values)


def _alongside(value: Value, other: Value) -> Sequence[Value]:
    return value if isinstance(value, list | tuple) else [value] * len(other)


def _plain(value: Value) -> Value:
    return decimal_of(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _number(value: Value) -> Decimal:
    value = _plain(value)
    if not isinstance(value, Decimal):
        raise CannotTell("not_a_number")
    return value


def _truth(value: Value) -> bool:
    if not isinstance(value, bool):
        raise CannotTell("no_result")
    return value


def _numbers(value: Value) -> list[Decimal]:
    return [_number(each) for each in value] if isinstance(value, list | tuple) else [_number(value)]


def _sum(value: Value) -> Decimal:
    total = Decimal(0)
    for each in _numbers(value):
        total = EXACT.add(total, each)
    return total


def _least(*values: Value) -> Decimal:
    return min(_some(values))


def _most(*values: Value) -> Decimal:
    return max(_some(values))


def _some(values: Sequence[Value]) -> list[Decimal]:
    numbers = [number for value in values for number in _numbers(value)]
    if not numbers:
        raise CannotTell("missing")
    return numbers


def _length(value: Value) -> Decimal:
    if not isinstance(value, list | tuple | str | Mapping):
        raise CannotTell("not_a_list")
    return Decimal(len(value))


def _rounded(value: Value, places: Value = Decimal(0)) -> Decimal:
    if not -20 <= _number(places) <= 20:
        raise CannotTell("no_result")
    return EXACT.quantize(_number(value), Decimal(1).scaleb(-int(_number(places))))


def _size_of(value: Value) -> Decimal:
    return abs(_number(value))


def _read_number(value: Value) -> Decimal:
    """The number that a text is, written with a point."""
    if isinstance(value, str) and len(value) <= 40 and re.fullmatch(r"\s*[-+]?\d+(\.\d+)?\s*", value, re.ASCII):
        return EXACT.create_decimal(value.strip())
    return _number(value)


def _every(value: Value) -> bool:
    return all(_truths(value))


def _some_true(value: Value) -> bool:
    return any(_truths(value))


def _truths(value: Value) -> list[bool]:
    """All of them are looked at: one that is no truth value leaves no result, wherever it stands."""
    return [_truth(each) for each in value] if isinstance(value, list | tuple) else [_truth(value)]


FUNCTIONS: Final[Mapping[str, tuple[int, int, Callable[..., Value]]]] = {
    "sum": (1, 1, _sum),
    "min": (1, 20, _least),
    "max": (1, 20, _most),
    "len": (1, 1, _length),
    "abs": (1, 1, _size_of),
    "round": (1, 2, _rounded),
    "number": (1, 1, _read_number),
    "all": (1, 1, _every),
    "any": (1, 1, _some_true),
}
"""Name, fewest and most values, what it does."""
