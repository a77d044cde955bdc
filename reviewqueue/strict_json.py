"""One strict JSON reader for everything that comes in. Pure.

Stricter than `json.loads`, so that no two readers of a body can understand it differently: UTF-8 without a mark, no
duplicate keys, finite numbers of sane length, no NUL, no lone surrogates, bounded depth.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from typing import Any, Final, NoReturn

from reviewqueue.errors import DomainError

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 32
MAX_NUMBER_TEXT: Final = 40
MAX_INTEGER: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps exact."""


class MalformedJSON(DomainError):
    """The body is not JSON as it is read here."""

    code = "malformed_json"


def parse_strict(raw: bytes) -> Any:
    """The JSON value in `raw`. Linear in its length.

    Raises:
        MalformedJSON: with the reason, and nothing of the body in it.
    """
    text = _decoded(raw)
    try:
        value = _decoder.decode(text)
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        raise MalformedJSON(f"The body is not JSON (at character {error.pos}).") from None
    if _depth_reaches(value, MAX_DEPTH + 1):
        raise _too_deep()
    if "\\u" in text:  # only an escape can bring in what UTF-8 and JSON's own rules have not refused already
        _refuse_unstorable(_texts(value))
    return value


def _decoded(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedJSON("The body is not UTF-8.") from None
    if text.startswith("\ufeff"):
        raise MalformedJSON("The body starts with a byte order mark.")
    return text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedJSON("An object in the body has the same key twice.")
    return members


def _integer(text: str) -> int:
    _check_number_text(text)
    number = int(text)
    if abs(number) > MAX_INTEGER:
        raise MalformedJSON("An integer in the body is beyond 2^53 - 1.")
    return number


def _float(text: str) -> float:
    _check_number_text(text)
    number = float(text)
    if not math.isfinite(number):
        raise MalformedJSON("A number in the body is not finite.")
    return number


def _check_number_text(text: str) -> None:
    if len(text) > MAX_NUMBER_TEXT:
        raise MalformedJSON(f"A number in the body has more than {MAX_NUMBER_TEXT} characters.")


def _constant(_: str) -> NoReturn:
    raise MalformedJSON("NaN and Infinity are not JSON.")


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant)


def _too_deep() -> MalformedJSON:
    return MalformedJSON(f"The body is nested more than {MAX_DEPTH} levels deep.")


def _depth_reaches(value: Any, depth: int) -> bool:
    """Whether some value lies inside `depth` lists and objects, counting itself when it is one. Level by level."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(depth - 1):
        level = [inner for container in level for inner in _inside(container) if isinstance(inner, dict | list)]
        if not level:
            return False
    return True


def _inside(container: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return container.values() if isinstance(container, dict) else container


def _texts(value: Any) -> Iterator[str]:
    """Every key and every string of a value whose depth is known to be bounded."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _refuse_unstorable(texts: Iterable[str]) -> None:
    for text in texts:
        if "\0" in text:
            raise MalformedJSON("A text in the body has a NUL character.")
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise MalformedJSON("A text in the body has half of a surrogate pair.") from None
