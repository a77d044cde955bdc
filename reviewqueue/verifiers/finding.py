"""What a check looks at, what it may cost, and what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

Outcome = Literal["pass", "fail", "unknown"]

STEPS: Final = 50_000
STEPS_PER_BYTE: Final = 4
"""How many steps all checks of one claim may take together: the larger the claim, the more. A step takes 0.2 µs at
most, which makes a fifth of a second for the largest claim, whatever it holds."""

FIELDS: Final = ("input", "output", "context", "metadata", "category", "segments")
"""What of a claim checks may look at. Not the confidence: no number of the model's own decides unmeasured."""


class Finding(NamedTuple):
    """What one check found. `note` is a code and never holds anything of the claim: findings outlive an erased payload.

    `score` lies in [0, 1] where the check measures a degree, and is None where it only passes or fails. `unknown` says
    that the check could not be made; `note` then says why.
    """

    outcome: Outcome
    score: float | None = None
    note: str = ""

    @classmethod
    def scored(cls, score: float, at_least: float, note: str) -> Finding:
        """Passes from `at_least` on, compared on eight places as everything that decides is."""
        score = round(score, 8)
        return cls("pass", score) if score >= at_least else cls("fail", score, note)


PASSED: Final = Finding("pass")


class Unusable(ValueError):
    """A check that cannot be declared like this. The text says why, for the person who writes the policy."""


class CannotTell(Exception):
    """The check does not apply to this claim. The text is the note of the finding."""


@dataclass(slots=True)
class Work:
    """Counts steps instead of time, so that a slow machine and a fast one decide alike."""

    left: int

    @classmethod
    def on(cls, claim: Claim) -> Work:
        return cls(STEPS + STEPS_PER_BYTE * claim.size)

    def spend(self, steps: int) -> None:
        """Raises CannotTell when the budget does not suffice; nothing is spent then, and a cheaper check still runs."""
        if steps > self.left:
            raise CannotTell("too_much_work")
        self.left -= steps


@dataclass(frozen=True, slots=True)
class Claim:
    """The parts of a claim that checks may look at. `size` is how many bytes of JSON they are, roughly."""

    output: Any
    size: int
    input: Any = None
    context: Sequence[Mapping[str, Any]] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    category: str | None = None
    segments: Mapping[str, str] = field(default_factory=dict)


def pointed_at(claim: Claim, pointer: str) -> Any:
    """The value at a JSON Pointer that begins with one of FIELDS. Raises CannotTell when nothing is there."""
    first, *steps = [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
    value = getattr(claim, first)
    for step in steps:
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list | tuple) and step.isascii() and step.isdigit() and int(step[:9]) < len(value):
            value = value[int(step[:9])]
        else:
            raise CannotTell("missing")
    if value is None:
        raise CannotTell("missing")
    return value


def text_at(claim: Claim, pointer: str) -> str:
    """Raises CannotTell when there is no text."""
    value = pointed_at(claim, pointer)
    if not isinstance(value, str):
        raise CannotTell("not_a_text")
    return value


def check_pointer(pointer: str) -> str:
    """The pointer. Raises Unusable when it does not lead into a claim."""
    first = pointer.split("/")[1:2]
    if not pointer.startswith("/") or first[0] not in FIELDS:
        raise Unusable("must begin with one of " + ", ".join(f"/{name}" for name in FIELDS))
    return pointer
