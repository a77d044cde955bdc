"""Canonical JSON (RFC 8785), strict enough to be the exact input of a hash. Pure.

`rfc8785` refuses NaN, infinities, integers beyond ±(2^53-1) and unpaired surrogates; this module adds what PostgreSQL
or the 60 KiB limit would refuse later, and checks depth before recursing.
"""

from __future__ import annotations

import json

import rfc8785

MAX_LEVELS = 32
MAX_BODY_BYTES = 60 * 1024


class NotCanonical(ValueError):
    """The value has no canonical JSON form under the rules of the ledger; the message says where and why."""


def canonical(value: object, *, levels: int = MAX_LEVELS) -> bytes:
    """RFC 8785 bytes of a JSON value (None, bool, int, finite float, str, list, tuple, dict with str keys).

    Raises NotCanonical for anything else, for NUL in text, and for more than `levels` of nesting.
    """
    _check(value, "", levels)
    try:
        return rfc8785.dumps(value)  # type: ignore[arg-type]  # its type for JSON is not exported
    except ValueError as error:  # also UnicodeEncodeError, for an unpaired surrogate in a key
        raise NotCanonical(str(error)) from error


def canonical_body(body: dict[str, object]) -> str:
    """The text of an event body: canonical, without binary floats, at most 60 KiB."""
    text = canonical(body)
    _refuse_floats(body, "")
    if len(text) > MAX_BODY_BYTES:
        raise NotCanonical(f"a ledger body has at most {MAX_BODY_BYTES} bytes, not {len(text)}")
    return text.decode()


def read_leaf(leaf: str) -> dict[str, object]:
    """The document in a leaf (a body in its wrapper). Raises NotCanonical unless RFC 8785 would write it just so."""
    try:
        document = json.loads(leaf)
    except (ValueError, RecursionError) as error:
        raise NotCanonical("not JSON") from error
    if not isinstance(document, dict) or canonical(document, levels=MAX_LEVELS + 1) != leaf.encode():
        raise NotCanonical("not in the canonical form")
    return document


def _check(value: object, path: str, levels: int) -> None:
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, dict | list | tuple):
        if levels == 0:
            raise NotCanonical(f"too many levels at {path[:80]}")
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(value, dict):
                _check_text(key, path)
            _check(item, f"{path}/{key}", levels - 1)


def _check_text(text: object, path: str) -> None:
    if not isinstance(text, str):
        raise NotCanonical(f"a key that is no text at {path or '/'}")
    if "\x00" in text:
        raise NotCanonical(f"NUL at {path or '/'}")


def _refuse_floats(value: object, path: str) -> None:
    if isinstance(value, float):
        raise NotCanonical(f"a binary float at {path}: write millionths, or decimal text with fixed places")
    if isinstance(value, dict | list | tuple):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            _refuse_floats(item, f"{path}/{key}")
