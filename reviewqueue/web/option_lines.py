"""Options of a review form as lines of text: `value = words people read [k]`, and back."""

from __future__ import annotations

import json
import re
from typing import Any, Final

_BREAKS: Final = re.compile("\r\n|\r|\n")
_LINE: Final = re.compile(r"(?P<value>.*?)(?:\s+=\s+(?P<title>.*?))?(?:\s+\[(?P<key>.)\])?")


def as_lines(options: list[Any]) -> str:
    return "\n".join(map(_line, options))


def _line(option: Any) -> str:
    """An option that would be read as something else stands as JSON."""
    if isinstance(option, str):
        plain = option
    else:
        title, key = option.get("title"), option.get("key")
        plain = option["value"] + (f" = {title}" if title else "") + (f" [{key}]" if key else "")
    return plain if in_lines(plain) == [option] else json.dumps(option, ensure_ascii=False)


def in_lines(text: str) -> list[Any]:
    """What is no option stays what it is: the form says what is wrong with it."""
    return [_option(line.strip()) for line in _BREAKS.split(text) if line.strip()]


def _option(line: str) -> Any:
    if line[:1] in ('"', "{"):
        try:
            return json.loads(line)
        except ValueError:
            return line
    found = _LINE.fullmatch(line)
    if found is None or not (found["title"] or found["key"]):
        return line
    named = {"value": found["value"], "title": found["title"], "key": found["key"]}
    return {name: value for name, value in named.items() if value}
