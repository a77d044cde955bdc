"""How a pipeline's texts are shown to people: what it declares, and what is wrong with that. Pure.

`{"input": "auto", "output": "markdown", "markdown_context": ["document"], "media_origins": ["https://img.example.com"],
"images": "blurred", "audio": "muted"}`

Plain text is always one key away, whatever is declared; nothing here changes what is stored, decided or measured.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from reviewqueue.errors import FieldProblem

AUTO: Final = "auto"
TEXT: Final = "text"
MARKDOWN: Final = "markdown"
VIEWS: Final = (AUTO, TEXT, MARKDOWN)
"""`auto` shows objects and lists by their shape and texts as they are."""

PARTS: Final = ("input", "output")
KINDS: Final = "markdown_context"
"""The kinds of context items whose text is Markdown."""
MAX_KINDS: Final = 50
MAX_KIND: Final = 40

ORIGINS: Final = "media_origins"
"""From where browsers of reviewers may load images and sound that a context item gives the address of."""
MAX_ORIGINS: Final = 10
_ORIGIN: Final = re.compile(r"https://(?=.{1,253}(?::|$))[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+(?::[1-9][0-9]{0,4})?")

IMAGES: Final = ("plain", "blurred", "grey", "blurred_grey")
AUDIO: Final = ("plain", "muted")
CHOICES: Final = {**dict.fromkeys(PARTS, VIEWS), "images": IMAGES, "audio": AUDIO}
_LISTS: Final = (KINDS, ORIGINS)


def view_problems(views: object) -> list[FieldProblem]:
    if not isinstance(views, Mapping):
        return [FieldProblem("/content_views", "type", "Content views are an object.")]
    return list(_problems(views))


def _problems(views: Mapping[Any, Any]) -> Iterator[FieldProblem]:
    for name in views:
        if name not in (*CHOICES, *_LISTS):
            yield FieldProblem(f"/content_views/{str(name)[:64]}", "unknown_field", "There is no such setting.")
    for name, choices in CHOICES.items():
        if views.get(name, choices[0]) not in choices:
            yield FieldProblem(f"/content_views/{name}", "choice", "This is one of: " + ", ".join(choices) + ".")
    yield from _kind_problems(views)
    yield from _origin_problems(views)


def _kind_problems(views: Mapping[Any, Any]) -> Iterator[FieldProblem]:
    kinds = views.get(KINDS, [])
    if not isinstance(kinds, list) or not all(_is_kind(kind) for kind in kinds):
        yield FieldProblem(
            f"/content_views/{KINDS}", "type", f"Kinds are printable names of at most {MAX_KIND} characters."
        )
    elif len(kinds) > MAX_KINDS:
        yield FieldProblem(f"/content_views/{KINDS}", "too_many", f"At most {MAX_KINDS} kinds.")


def _origin_problems(views: Mapping[Any, Any]) -> Iterator[FieldProblem]:
    origins = views.get(ORIGINS, [])
    pointer = f"/content_views/{ORIGINS}"
    if not isinstance(origins, list) or not all(isinstance(each, str) and _ORIGIN.fullmatch(each) for each in origins):
        detail = "An origin is https:// and the name of a host in small letters, as in https://images.example.com."
        yield FieldProblem(pointer, "origin", detail)
    elif len(origins) > MAX_ORIGINS:
        yield FieldProblem(pointer, "too_many", f"At most {MAX_ORIGINS} origins.")


def _is_kind(kind: object) -> bool:
    return isinstance(kind, str) and 0 < len(kind) <= MAX_KIND and kind.isprintable()


def declared_views(views: Mapping[str, Any]) -> dict[str, Any]:
    """As it is stored: only what is not as it would be anyway."""
    chosen = {name: views[name] for name, choices in CHOICES.items() if views.get(name, choices[0]) != choices[0]}
    lists = {name: sorted({each.removesuffix(":443") for each in views.get(name, [])}) for name in _LISTS}
    return chosen | {name: listed for name, listed in lists.items() if listed}


def with_every_view(views: Mapping[str, Any]) -> dict[str, Any]:
    return {**{name: choices[0] for name, choices in CHOICES.items()}, **{name: [] for name in _LISTS}, **views}


def view_of_kind(views: Mapping[str, Any], kind: str) -> str:
    return MARKDOWN if kind in views.get(KINDS, []) else AUTO
