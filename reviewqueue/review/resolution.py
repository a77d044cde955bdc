"""What the labels of a task add up to. Pure.

A partially correct output is a wrong one: whoever acts on it acts on the wrong part too, so that is the safe side.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

BY_SENIORS: Final = frozenset({"escalation", "adjudication"})
BY_OTHERS: Final = BY_SENIORS | {"relabel"}
"""What is decided by somebody who gave no label of the claim."""


class Step(StrEnum):
    WAIT = "wait"  # for labels that are still to come
    ANOTHER_LABEL = "another_label"
    ESCALATE = "escalate"  # nobody could judge: a senior is asked
    ADJUDICATE = "adjudicate"  # they disagree: a senior who gave none of the labels settles
    SETTLE = "settle"
    CLOSE = "close"  # the task says nothing new about the claim: it measured the reviewer, or confirmed what stands


@dataclass(frozen=True, slots=True)
class Resolution:
    """`correct` belongs to SETTLE: None when people looked and could not tell."""

    step: Step
    correct: bool | None = None


def resolve(
    verdicts: Sequence[str], *, purpose: str, waiting: bool, labels_needed: int, max_labels: int, closed: bool = False
) -> Resolution:
    """What follows from the standing verdicts of a task.

    `waiting` says whether a slot of the task has no label yet, `closed` whether the task can take no further slot.
    When all agree the claim is settled. When not, one more label at a time is asked for, up to `max_labels`; a strict
    majority of all labels settles once a further label is in or none may be added; else a senior adjudicates.
    """
    if waiting or not verdicts:
        return Resolution(Step.WAIT)
    if purpose == "gold":
        return Resolution(Step.CLOSE)
    votes = [verdict == "correct" for verdict in verdicts if verdict != "cannot_judge"]
    if not votes and purpose in BY_SENIORS:
        return Resolution(Step.SETTLE, None)
    if not votes and len(verdicts) == 1:
        return Resolution(Step.ESCALATE)
    if len(votes) == len(verdicts) and len(set(votes)) == 1:
        return Resolution(Step.SETTLE, votes[0])
    may_ask = len(verdicts) < max_labels and not closed
    majority = strict_majority(votes, of=len(verdicts))
    if majority is not None and (len(verdicts) > labels_needed or not may_ask):
        return Resolution(Step.SETTLE, majority)
    return Resolution(Step.ANOTHER_LABEL if may_ask else Step.ADJUDICATE)


def looked_at_again(found: Resolution, *, purpose: str, agrees: bool) -> Resolution:
    """What follows when the claim has its truth already. `agrees`: what was found now is that truth.

    Nobody is overruled by one blind look: where the two disagree, a senior settles. What cannot be judged leaves the
    truth as it is.
    """
    if found.step != Step.SETTLE:
        return found
    if agrees or found.correct is None:
        return Resolution(Step.CLOSE, found.correct)
    return found if purpose in BY_SENIORS else Resolution(Step.ADJUDICATE)


def strict_majority(votes: Sequence[bool], *, of: int) -> bool | None:
    """The side that more than half of `of` labels take, or None."""
    right = sum(votes)
    if 2 * right > of:
        return True
    return False if 2 * (len(votes) - right) > of else None


def shared_correction(corrections: Iterable[object]) -> object:
    """The one correction that everybody who gave one gave, or None: of several, none is known to be right."""
    first, *others = [correction for correction in corrections if correction is not None] or [None]
    return first if all(other == first for other in others) else None
