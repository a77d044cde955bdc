"""How a pipeline's texts are shown to people: what it declares, and what is wrong with that. Pure.

`{"input": "auto", "output": "markdown", "markdown_context": ["document"]}`

Plain text is always one key away, whatever is declared; nothing here changes what is stored, decided or measured.
"""

from __future__ import annotations

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


def view_problems(views: object) -> list[FieldProblem]:
    if not isinstance(views, Mapping):
        return [FieldProblem("/content_views", "type", "Content views are an object.")]
    return list(_problems(views))


def _problems(views: Mapping[Any, Any]) -> Iterator[FieldProblem]:
    for name in views:
        if name not in (*PARTS, KINDS):
            yield FieldProblem(f"/content_views/{str(name)[:64]}", "unknown_field", "There is no such setting.")
    for part in PARTS:
        if views.get(part, AUTO) not in VIEWS:
            yield FieldProblem(f"/content_views/{part}", "choice", "This is one of: " + ", ".join(VIEWS) + ".")
    kinds = views.get(KINDS, [])
    if not isinstance(kinds, list) or not all(_is_kind(kind) for kind in kinds):
        yield FieldProblem(
            f"/content_views/{KINDS}", "type", f"Kinds are printable names of at most {MAX_KIND} characters."
        )
    elif len(kinds) > MAX_KINDS:
        yield FieldProblem(f"/content_views/{KINDS}", "too_many", f"At most {MAX_KINDS} kinds.")


def _is_kind(kind: object) -> bool:
    return isinstance(kind, str) and 0 < len(kind) <= MAX_KIND and kind.isprintable()


def declared_views(views: Mapping[str, Any]) -> dict[str, Any]:
    """As it is stored: only what is not as it would be anyway."""
    parts = {part: views[part] for part in PARTS if views.get(part, AUTO) != AUTO}
    kinds = sorted(set(views.get(KINDS, [])))
    return parts | ({KINDS: kinds} if kinds else {})


def with_every_view(views: Mapping[str, Any]) -> dict[str, Any]:
    return {**dict.fromkeys(PARTS, AUTO), KINDS: [], **views}


def view_of_kind(views: Mapping[str, Any], kind: str) -> str:
    return MARKDOWN if kind in views.get(KINDS, []) else AUTO
