"""Images, sound and PDF files among the evidence: what may be shown, and what stays an address in words. Pure.

A context item whose kind is `image`, `audio` or `pdf` may give an address. A browser only loads what lies at an origin
that the pipeline's owner allowed: any other would learn who looks at which claim, and when.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

KINDS: Final = ("image", "audio", "pdf")
CALMING: Final = ("blur", "grey", "mute")
"""What people may put between themselves and what they have to look at."""

_ADDRESS: Final = re.compile(r"(https://[a-z0-9.-]+(?::[0-9]{1,5})?)(?:[/?][!-\[\]-~]*)?", re.IGNORECASE)
_OF_IMAGES: Final[Mapping[str, frozenset[str]]] = {
    "plain": frozenset(),
    "blurred": frozenset({"blur"}),
    "grey": frozenset({"grey"}),
    "blurred_grey": frozenset({"blur", "grey"}),
}


@dataclass(frozen=True, slots=True)
class Media:
    """`is_ours`: it was uploaded with the claim and comes from here."""

    kind: str
    address: str
    is_ours: bool = False


def kind_of(media_type: str) -> str:
    main = media_type.partition("/")[0]
    return main if main in KINDS else "pdf"


def media_of(item: Mapping[str, Any], origins: Collection[str], files: Mapping[str, Media]) -> Media | None:
    """None for what is no image, sound or file, and for what lies where nothing may be loaded from."""
    if item.get("attachment"):
        return files.get(item["attachment"])
    kind, url = item.get("kind"), item.get("url")
    if kind not in KINDS or not url:
        return None
    return Media(kind, url) if origin_of(url) in origins else None


def origin_of(url: str) -> str:
    """As browsers see it; empty where they and we might read an address differently (names in it, backslashes)."""
    found = _ADDRESS.fullmatch(url)
    return found[1].lower().removesuffix(":443") if found else ""


def calming(views: Mapping[str, Any], own: Iterable[str]) -> list[str]:
    """What the pipeline asks for, and what this person chose on top of it."""
    asked = _OF_IMAGES[views["images"]] | ({"mute"} if views["audio"] == "muted" else set())
    return [each for each in CALMING if each in asked | set(own)]
