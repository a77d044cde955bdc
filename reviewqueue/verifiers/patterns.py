"""A regular expression over a text, by RE2: its time grows with the length of the text and never faster."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Final

import re2

from reviewqueue.verifiers.finding import PASSED, Claim, Finding, Unusable, Work, text_at

LONGEST_PATTERN: Final = 1_000
LARGEST_PROGRAM: Final = 2_000
"""RE2 instructions; a pattern like (a{1,100}){1,10} is short and still large."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Passes when the text matches, or with `forbidden` when it does not. `whole`: the match has to be all of it."""

    kind: ClassVar[str] = "pattern"
    field: str
    pattern: str
    whole: bool
    forbidden: bool

    def __post_init__(self) -> None:
        compiled(self.pattern)

    def terms(self) -> dict[str, object]:
        return {"field": self.field, "pattern": self.pattern, "whole": self.whole, "forbidden": self.forbidden}

    def run(self, claim: Claim, work: Work) -> Finding:
        text, pattern = text_at(claim, self.field), compiled(self.pattern)
        work.spend(len(text) * (1 + pattern.programsize // 500) // 10)
        found = (pattern.fullmatch if self.whole else pattern.search)(text) is not None
        if found != self.forbidden:
            return PASSED
        return Finding("fail", note="matches" if found else "no_match")


@lru_cache(maxsize=1_000)
def compiled(pattern: str) -> Any:
    """Raises Unusable."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 22
    try:
        program = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        raise Unusable(f"is no regular expression of RE2: {_readable(reason)}") from None
    if program.programsize > LARGEST_PROGRAM:
        raise Unusable("describes too many possibilities; use smaller repetitions")
    return program


def _readable(reason: object) -> str:
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    return text[:200]
