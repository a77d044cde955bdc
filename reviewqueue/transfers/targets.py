"""Where the value of a column goes in a claim, and how text becomes a value there. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, Final

from reviewqueue.errors import FieldProblem, Invalid
from reviewqueue.strict_json import MAX_NUMBER_TEXT, MalformedJSON, parse_strict


class Kind(Enum):
    """What the text of a cell is read as."""

    TEXT = "text"
    NUMBER = "number"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Target:
    """A field of a claim, or one key in a field that is an object."""

    field: str
    kind: Kind
    key: str | None = None


FIELDS: Final = {
    "pipeline": Kind.TEXT,
    "external_id": Kind.TEXT,
    "model": Kind.TEXT,
    "model_version": Kind.TEXT,
    "prompt_version": Kind.TEXT,
    "category": Kind.TEXT,
    "segments": Kind.JSON,
    "input": Kind.TEXT,
    "output": Kind.TEXT,
    "alternatives": Kind.JSON,
    "confidence": Kind.NUMBER,
    "elicitation": Kind.TEXT,
    "signals": Kind.JSON,
    "context": Kind.JSON,
    "supersedes": Kind.TEXT,
    "occurred_at": Kind.TEXT,
    "callback_url": Kind.TEXT,
    "metadata": Kind.JSON,
}
KEYS: Final = {"segments": Kind.TEXT, "signals": Kind.NUMBER, "metadata": Kind.TEXT, "context": Kind.TEXT}
"""Fields of which one key can be named: `segments.language`. `context.document` adds one item of that kind."""

OTHER_VALUES: Final = {"input_json": "input", "output_json": "output"}
"""A text column cannot tell the text `18` from the number: what is no plain text has a column of its own."""

_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@lru_cache(maxsize=2_000)
def target_of(name: str) -> Target | None:
    """None when no claim has such a field."""
    if name in FIELDS:
        return Target(name, FIELDS[name])
    if name in OTHER_VALUES:
        return Target(OTHER_VALUES[name], Kind.JSON)
    field, dot, key = name.partition(".")
    return Target(field, KEYS[field], key) if dot and key and field in KEYS else None


def value_of(target: Target, text: str) -> Any:
    """Raises Invalid."""
    if target.kind is Kind.NUMBER:
        return _number(target, text)
    return _json(target, text) if target.kind is Kind.JSON else text


def is_filled(body: Mapping[str, Any], target: Target) -> bool:
    """Whether the claim has a value there already. Context has room for any number."""
    if target.key is None:
        return target.field in body
    standing = body.get(target.field)
    return isinstance(standing, Mapping) and target.key in standing


def put(body: dict[str, Any], target: Target, value: Any) -> None:
    """Raises Invalid when the field holds something already that has no keys."""
    if target.key is None:
        body[target.field] = value
        return
    standing: Any = body.get(target.field)
    empty: Any = [] if target.field == "context" else {}
    if standing is not None and type(standing) is not type(empty):
        raise Invalid([FieldProblem(f"/{target.field}", "type", "One key of this field is given, and another value.")])
    if target.field == "context":
        body[target.field] = [*(standing or empty), {"kind": target.key, "text": value}]
    else:
        body[target.field] = {**(standing or empty), target.key: value}


def pointer_of(target: Target) -> str:
    if target.key is None or target.field == "context":
        return f"/{target.field}"
    return f"/{target.field}/{target.key.replace('~', '~0').replace('/', '~1')}"


def _number(target: Target, text: str) -> float:
    stripped = text.strip()
    if len(stripped) <= MAX_NUMBER_TEXT and _NUMBER.fullmatch(stripped):
        number = float(stripped)
        if math.isfinite(number):
            return number
    raise Invalid([FieldProblem(pointer_of(target), "type", "This is no number, such as 0.94.")])


def _json(target: Target, text: str) -> Any:
    try:
        return parse_strict(text.encode())
    except MalformedJSON as error:
        raise Invalid([FieldProblem(pointer_of(target), error.code, error.detail)]) from None
    except UnicodeEncodeError:
        raise Invalid([FieldProblem(pointer_of(target), "encoding", "This is not UTF-8.")]) from None
