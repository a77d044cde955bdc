"""What the list of tasks, and changes of them, are called on pages."""

from __future__ import annotations

from typing import Final

TASK_STATES: Final = {
    "free": "free",
    "held": "in hand",
    "kept": "kept for one person",
    "seniors": "for seniors",
    "soon": "free in a moment",
}
DUE_WITHIN: Final = {0: "overdue", 4: "within 4 hours", 24: "within a day", 168: "within a week"}
OLDER_THAN: Final = {4: "4 hours", 24: "a day", 72: "three days", 168: "a week"}
MOVES: Final = {
    168: "a week sooner",
    72: "three days sooner",
    24: "a day sooner",
    4: "4 hours sooner",
    0: "as it is due",
    -4: "4 hours later",
    -24: "a day later",
    -168: "a week later",
}
KEEPS: Final = {4: "4 hours", 24: "a day", 72: "three days", 168: "a week"}
CHANGES: Final = {"prioritise": "Move in the queue", "release": "Take out of hands", "reassign": "Give to somebody"}
WHY_NOT: Final = {
    "done": "no label is needed any more",
    "not_held": "nobody holds it",
    "same": "it is so already",
    "in_their_hands": "they hold it already",
    "for_seniors": "it is for seniors",
    "labelled": "they have given an answer about this claim",
    "no_skill": "they lack a skill it asks for",
    "passed": "they passed on it",
    "same_task": "they have another answer to the same task to give",
}
KEPT_BECAUSE: Final = {
    "answered": "answered since",
    "taken": "taken since",
    "given_back": "given back since",
    "moved": "moved again since",
    "hands_full": "its holder has no hand free for it",
}


def moved_by(hours: int) -> str:
    """Where a priority puts a task, in words."""
    if hours in MOVES:
        return MOVES[hours]
    return f"{abs(hours)} h {'sooner' if hours > 0 else 'later'}"
