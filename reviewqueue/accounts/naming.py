"""What may name a source, a key or a pipeline: in addresses, and for people."""

from __future__ import annotations

from typing import Any, Final

from django.core.validators import slug_re
from django.db.models import QuerySet

from reviewqueue.errors import FieldProblem

MAX_SLUG: Final = 60
RESERVED: Final = "new"
"""An address below the list of sources, and of pipelines, that is none of them."""


def slug_problems(slug: str, others: QuerySet[Any, Any], what: str) -> list[FieldProblem]:
    """`others` are those that may have it already; `what` they are called."""
    if slug == RESERVED or not slug_re.fullmatch(slug) or len(slug) > MAX_SLUG:
        detail = f"1 to {MAX_SLUG} letters, digits, hyphens and underscores; not “{RESERVED}”."
        return [FieldProblem("/slug", "form", detail)]
    if others.filter(slug=slug).exists():
        return [FieldProblem("/slug", "taken", f"Another {what} has this name in its addresses.")]
    return []


def name_problems(name: str, detail: str = "A name that people can read.") -> list[FieldProblem]:
    return [] if name.strip() and name.isprintable() else [FieldProblem("/name", "form", detail)]
