"""RFC 8785 at the speed of C, wherever msgspec writes the very same bytes. Pure.

The two agree on every text. They differ on binary floats that are whole, very large or very small, on the order of keys
outside ASCII (RFC 8785 sorts by UTF-16), and on what RFC 8785 refuses. Whatever may differ goes to the reference
implementation.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import rfc8785

from reviewqueue.ledger.canonical import MAX_BODY_BYTES, MAX_LEVELS, canonical_body

MAX_INTEGER: Final = 2**53 - 1
_PLAIN: Final = frozenset({str, bool, type(None)})
_CONTAINERS: Final = frozenset({dict, list})
_TEXT: Final = frozenset({str})
_NUL: Final = b"\\u0000"
_encode = msgspec.json.Encoder(order="sorted").encode


def quick_canonical(value: Any) -> bytes:
    """What `rfc8785.dumps` gives. Raises ValueError where it does."""
    kind = type(value)
    if kind in _PLAIN or (not value and kind in _CONTAINERS) or _written_alike(value, MAX_LEVELS, True):
        return _encode(value)
    return rfc8785.dumps(value)


def quick_canonical_body(body: dict[str, object]) -> str:
    """What `canonical_body` gives, with its refusals."""
    try:
        text = _encode(body) if _written_alike(body, MAX_LEVELS, False) else b""
    except UnicodeEncodeError:  # half of a surrogate pair
        text = b""
    return text.decode() if 0 < len(text) <= MAX_BODY_BYTES and _NUL not in text else canonical_body(body)


def _written_alike(value: Any, levels: int, floats: bool) -> bool:
    kind = type(value)
    if kind in _PLAIN:
        return True
    if kind is int:
        return bool(abs(value) <= MAX_INTEGER)
    if kind is float:
        return floats and 1e-4 < abs(value) < 1e15 and not value.is_integer()
    if levels == 0 or (kind is not list and not (kind is dict and _sorts_alike(value))):
        return False
    for part in value if kind is list else value.values():  # a loop: an expression would cost as much as the rest
        if type(part) not in _PLAIN and not _written_alike(part, levels - 1, floats):
            return False
    return True


def _sorts_alike(keys: dict[Any, object]) -> bool:
    return set(map(type, keys)) <= _TEXT and "".join(keys).isascii()
