"""Exact decimal arithmetic with bounded size: no number of a claim can make a check slow."""

from __future__ import annotations

from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Final

EXACT: Final = Context(prec=40, Emax=400, Emin=-400, traps=[InvalidOperation, DivisionByZero, Overflow])


def decimal_of(number: float) -> Decimal:
    """The number as people wrote it: 0.1 is a tenth."""
    return EXACT.create_decimal(repr(number) if isinstance(number, float) else number)
