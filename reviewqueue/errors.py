"""What can go wrong, as states with a code.

Services raise these; `reviewqueue.api.problems` maps each code to an HTTP status once, and the pages show `detail`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing wrong with one field. `pointer` is a JSON Pointer into the request body."""

    pointer: str
    code: str
    detail: str


class DomainError(Exception):
    """An expected refusal. Subclasses set `code`; `detail` is a sentence for people, without secrets."""

    code = "refused"

    def __init__(self, detail: str = "", **facts: object) -> None:
        super().__init__(detail or self.code)
        self.detail = detail
        self.facts = facts


class NotFound(DomainError):
    """Not there, or out of the caller's scope: the two are indistinguishable on purpose."""

    code = "not_found"


class Forbidden(DomainError):
    """The caller's role may not do this at all."""

    code = "forbidden"


class Invalid(DomainError):
    """Understood, but wrong: carries every problem found."""

    code = "invalid"

    def __init__(self, problems: Sequence[FieldProblem], detail: str = "Some fields are not valid.") -> None:
        super().__init__(detail)
        self.problems = tuple(problems)


class Conflict(DomainError):
    """The state of the thing does not allow this."""

    code = "conflict"
