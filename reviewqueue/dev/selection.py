"""Which tests `manage.py test` runs, in how many runs of pytest, and what they need."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

UNIT = ("unit", "property", "architecture")
# They start whole stacks or measure time: beside other tests they would measure those.
ALONE = ("e2e", "faults", "benchmarks")
MOST_PROCESSES = 4


@dataclass(frozen=True)
class Selection:
    """`runs` are the arguments of pytest, one list after the other."""

    runs: list[list[str]]
    checked: bool
    browser: bool


def select(root: Path, arguments: Sequence[str]) -> Selection:
    """No argument selects everything; `unit` and `e2e` are names; anything else is for pytest to understand."""
    if not arguments:
        beside = [folder for folder in _folders(root) if folder not in ALONE]
        alone = [folder for folder in _folders(root) if folder in ALONE]
        runs = [_paths(beside) + in_parallel(), *([_paths(alone)] if alone else [])]
        return Selection(runs, checked=True, browser="e2e" in alone)
    name, rest = arguments[0], list(arguments[1:])
    if name == "unit":
        return Selection([_paths(UNIT) + (rest or in_parallel())], checked=True, browser=False)
    if name == "e2e":
        return Selection([_paths(["e2e"]) + rest], checked=False, browser=True)
    return Selection([list(arguments)], checked=False, browser=any("e2e" in argument for argument in arguments))


def in_parallel() -> list[str]:
    """One process per processor, and the tests of one file in one process, because they share what is slow to make."""
    processes = min(len(os.sched_getaffinity(0)), MOST_PROCESSES)
    return ["-n", str(processes), "--dist", "loadfile"] if processes > 1 else []


def _folders(root: Path) -> list[str]:
    return sorted({file.relative_to(root / "tests").parts[0] for file in (root / "tests").glob("*/**/test_*.py")})


def _paths(folders: Sequence[str]) -> list[str]:
    return [f"tests/{folder}" for folder in folders]
