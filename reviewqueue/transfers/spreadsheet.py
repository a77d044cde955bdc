"""Text that a spreadsheet would run as a formula gets a leading quote, and loses it again on the way back. Pure."""

from __future__ import annotations

import unicodedata
from typing import Final

_BEGINS_FORMULA: Final = frozenset("=+-@\u2212")
_CONTROLS: Final = frozenset("\t\r\n\0")


def quoted(text: str) -> str:
    """`text`, safe in a cell. What has a quote before such a beginning gets one more: nothing is lost."""
    return "'" + text if _runs(text.lstrip("'")) else text


def unquoted(text: str) -> str:
    """The text that `quoted` was given."""
    return text[1:] if text.startswith("'") and _runs(text.lstrip("'")) else text


def _runs(text: str) -> bool:
    """Whether a formula or a control character begins the text, also after spaces, unseen or in another width."""
    for character in text:
        if character in _CONTROLS or unicodedata.normalize("NFKC", character)[:1] in _BEGINS_FORMULA:
            return True
        if not (character.isspace() or unicodedata.category(character) == "Cf"):
            return False
    return False
