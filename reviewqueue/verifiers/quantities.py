"""A number, with its unit, inside a range."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import ClassVar, Final, Literal

from reviewqueue.verifiers.finding import PASSED, CannotTell, Claim, Finding, Unusable, Work, pointed_at
from reviewqueue.verifiers.numbers import decimal_of

DecimalMark = Literal[".", ","]
LONGEST_TEXT: Final = 10_000
_GROUPING: Final = {".": r",' \u00a0\u2009\u202f’", ",": r".' \u00a0\u2009\u202f’"}


@dataclass(frozen=True, slots=True)
class NumberRange:
    """Passes when the number lies from `at_least` to `at_most`, after its unit was turned into the base unit.

    A number is one of JSON, or the only number in a text. With `units`, each with its factor to the base unit, the unit
    has to stand right before or after it; without, none is looked for. `decimal_mark` says which of "." and "," parts
    the decimals; the other one may part thousands.
    """

    kind: ClassVar[str] = "number_range"
    field: str
    at_least: float | None
    at_most: float | None
    units: tuple[tuple[str, float], ...]
    decimal_mark: DecimalMark

    def __post_init__(self) -> None:
        if self.at_least is None and self.at_most is None and not self.units:
            raise Unusable("asks for nothing: give at_least, at_most or units")
        if self.at_least is not None and self.at_most is not None and self.at_most < self.at_least:
            raise Unusable("must not be below at_least")

    def terms(self) -> dict[str, object]:
        return {
            "field": self.field,
            "at_least": self.at_least,
            "at_most": self.at_most,
            "units": dict(self.units),
            "decimal_mark": self.decimal_mark,
        }

    def run(self, claim: Claim, work: Work) -> Finding:
        value = pointed_at(claim, self.field)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return Finding("fail", note="not_a_number")
        found = self._read(value, work) if isinstance(value, str) else self._bare(decimal_of(value))
        if isinstance(found, Finding):
            return found
        if self.at_least is not None and found < decimal_of(self.at_least):
            return Finding("fail", note="too_small")
        return (
            Finding("fail", note="too_large")
            if self.at_most is not None and found > decimal_of(self.at_most)
            else PASSED
        )

    def _bare(self, number: Decimal) -> Decimal | Finding:
        """A JSON number carries no unit."""
        return Finding("fail", note="no_unit") if self.units else number

    def _read(self, text: str, work: Work) -> Decimal | Finding:
        if len(text) > LONGEST_TEXT:
            raise CannotTell("too_long_to_read")
        work.spend(2 * len(text))
        found = list(_number(self.decimal_mark).finditer(text))
        if not found:
            return Finding("fail", note="not_a_number")
        if len(found) > 1:
            raise CannotTell("several_numbers")
        number = _decimal(found[0].group(), self.decimal_mark)
        if not self.units:
            return number
        factor = _factor(text[: found[0].start()], text[found[0].end() :], dict(self.units))
        return Finding("fail", note="other_unit") if factor is None else number * decimal_of(factor)


@lru_cache(maxsize=2)
def _number(mark: DecimalMark) -> re.Pattern[str]:
    """One number: digits, thousands in groups of three, decimals, a sign."""
    grouping, decimals = _GROUPING[mark], re.escape(mark)
    digits = rf"(?:\d{{1,3}}(?:[{grouping}]\d{{3}})+(?!\d)|\d{{1,40}})"
    return re.compile(rf"(?<![\w{decimals}])[-+−]?{digits}(?:{decimals}\d{{1,40}})?(?!\d)", re.ASCII)


def _decimal(text: str, mark: DecimalMark) -> Decimal:
    kept = "".join(each for each in text if each.isdigit() or each in "-+−" or each == mark)
    return Decimal(kept.replace("−", "-").replace(mark, "."))


def _factor(before: str, after: str, units: Mapping[str, float]) -> float | None:
    """That of the longest unit that stands at the number; a letter right behind it would make it another word."""
    before, after = before.rstrip(), after.lstrip()
    for unit in sorted(units, key=len, reverse=True):
        if after.startswith(unit) and not after[len(unit) : len(unit) + 1].isalnum():
            return units[unit]
        if before.endswith(unit) and not before[: -len(unit)][-1:].isalnum():
            return units[unit]
    return None
