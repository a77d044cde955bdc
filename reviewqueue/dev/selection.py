"""Which tests `manage.py test` runs, in how many runs of pytest, and what they need."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

UNIT = ("unit", "property", "architecture")
BROWSER = "e2e"
# They start whole stacks or measure time: beside other tests they would measure those.
ALONE = ("faults", "benchmarks")
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
        folders = _folders(root)
        beside = _paths(folder for folder in folders if folder not in (*ALONE, BROWSER))
        browser = _paths(folder for folder in folders if folder == BROWSER)
        alone = _paths(folder for folder in folders if folder in ALONE)
        runs = [beside + in_parallel(), browser and browser + in_parallel("worksteal"), alone]
        return Selection([run for run in runs if run], checked=True, browser=bool(browser))
    name, rest = arguments[0], list(arguments[1:])
    if name == "unit":
        return Selection([_paths(UNIT) + (rest or in_parallel())], checked=True, browser=False)
    if name == "e2e":
        return Selection([_paths([BROWSER]) + rest], checked=False, browser=True)
    return Selection([list(arguments)], checked=False, browser=any(BROWSER in argument for argument in arguments))


def in_parallel(distribution: str = "loadfile") -> list[str]:
    """One process per processor; by default the tests of one file in one process, for they share what is slow to make.

    With "worksteal" a process that is done takes tests of another's file: one file has half of the tests in a browser.
    """
    processes = min(len(os.sched_getaffinity(0)), MOST_PROCESSES)
    return ["-n", str(processes), "--dist", distribution] if processes > 1 else []


def _folders(root: Path) -> list[str]:
    return sorted({file.relative_to(root / "tests").parts[0] for file in (root / "tests").glob("*/**/test_*.py")})


def _paths(folders: Iterable[str]) -> list[str]:
    return [f"tests/{folder}" for folder in folders]
