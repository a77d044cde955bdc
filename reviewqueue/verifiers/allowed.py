"""Values that are allowed, and how long a text may be."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import ClassVar, Literal

from reviewqueue.verifiers.finding import PASSED, Claim, Finding, Unusable, Work, pointed_at, text_at
from reviewqueue.verifiers.texts import sentences, words

Scalar = str | float | bool
Unit = Literal["characters", "words", "sentences"]


@dataclass(frozen=True, slots=True)
class AllowedValues:
    """Passes when the value is one of `values`. With `ignore_case`, case, width and spaces around it do not matter."""

    kind: ClassVar[str] = "allowed_values"
    field: str
    values: tuple[Scalar, ...]
    ignore_case: bool

    def terms(self) -> dict[str, object]:
        return {"field": self.field, "values": list(self.values), "ignore_case": self.ignore_case}

    def run(self, claim: Claim, work: Work) -> Finding:
        value = pointed_at(claim, self.field)
        if not isinstance(value, str | int | float):
            return Finding("fail", note="not_allowed")
        work.spend(len(self.values) + len(value) if isinstance(value, str) else len(self.values))
        own = self._compared(value)
        allowed = any(own == self._compared(each) for each in self.values)
        return PASSED if allowed else Finding("fail", note="not_allowed")

    def _compared(self, value: object) -> tuple[bool, object]:
        """True is not 1 here, as it is not in JSON."""
        if self.ignore_case and isinstance(value, str):
            value = unicodedata.normalize("NFKC", value).casefold().strip()
        return isinstance(value, bool), value


@dataclass(frozen=True, slots=True)
class Length:
    """Passes when the text has `at_least` to `at_most` of the unit."""

    kind: ClassVar[str] = "length"
    field: str
    unit: Unit
    at_least: int
    at_most: int | None

    def __post_init__(self) -> None:
        if self.at_most is not None and self.at_most < self.at_least:
            raise Unusable("must not be below at_least")

    def terms(self) -> dict[str, object]:
        return {"field": self.field, "unit": self.unit, "at_least": self.at_least, "at_most": self.at_most}

    def run(self, claim: Claim, work: Work) -> Finding:
        text = text_at(claim, self.field)
        work.spend(0 if self.unit == "characters" else len(text) // 3)
        length = len(text if self.unit == "characters" else words(text) if self.unit == "words" else sentences(text))
        if length < self.at_least:
            return Finding("fail", note="too_short")
        return Finding("fail", note="too_long") if self.at_most is not None and length > self.at_most else PASSED
