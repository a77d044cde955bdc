"""How the addresses of tiles are written (c2sp.org/tlog-tiles): `x001/x234/067` is 1234067, `.p/3` its first three."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from django.urls import register_converter

TILE: Final = r"(?:x[0-9]{3}/){0,5}[0-9]{3}(?:\.p/[1-9][0-9]{0,2})?"
FULL: Final = 256


@dataclass(frozen=True, slots=True)
class TilePlace:
    index: int
    width: int


class TileConverter:
    regex = TILE

    def to_python(self, value: str) -> TilePlace:
        """Raises ValueError, which is 404, for anything but the one way of writing a place."""
        number, _, width = value.partition(".p/")
        place = TilePlace(int(re.sub("[x/]", "", number)), int(width) if width else FULL)
        if self.to_url(place) != value:
            raise ValueError(value)
        return place

    def to_url(self, place: TilePlace) -> str:
        digits = str(place.index)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        number = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        return number if place.width == FULL else f"{number}.p/{place.width}"


register_converter(TileConverter, "tile")
