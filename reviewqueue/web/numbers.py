"""Numbers that people type into the forms of pages: with a comma or a point, with or without a percent sign."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.http import QueryDict

LONGEST = 20


def number_in(
    query: QueryDict, name: str, bounds: tuple[float, float], title: str, problems: list[str]
) -> float | None:
    """None where nothing was typed, or nothing that can be used: then `problems` grows by a sentence."""
    text = query.get(name, "").strip().removesuffix("%").strip().replace(",", ".")
    if not text:
        return None
    low, high = bounds
    try:
        value = float(text) if len(text) <= LONGEST and text.isascii() and "_" not in text else math.nan
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        problems.append(f"{title} is a number from {low:g} to {high:g}.")
        return None
    return value


def percent_in(
    query: QueryDict, name: str, bounds: tuple[float, float], title: str, problems: list[str]
) -> float | None:
    """A percentage as a share."""
    value = number_in(query, name, bounds, title, problems)
    return None if value is None else value / 100
