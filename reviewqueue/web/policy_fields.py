"""What is wrong with what was sent, by JSON Pointer, so that a page can say it beside the field. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from reviewqueue.errors import FieldProblem


def beside(problems: Iterable[FieldProblem]) -> dict[str, list[str]]:
    """The sentences for each field, by the last name of its pointer."""
    found: dict[str, list[str]] = {}
    for problem in problems:
        found.setdefault(problem.pointer.rpartition("/")[2], []).append(problem.detail)
    return found
