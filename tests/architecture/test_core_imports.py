"""The statistics import an allowed few libraries, know no clock and draw only from a generator with a seed."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CORE = Path(__file__).resolve().parents[2] / "calibration" / "core"
MODULES = sorted(CORE.glob("*.py"))
MAPS = ("maps", "map_numbers", "signal_maps")
ALLOWED = {"numpy", "scipy", "sklearn"}
ROUTING_NEEDS = {"__future__", "bisect", "collections", "math", "typing"}
ALLOWED_STANDARD = ROUTING_NEEDS | {"dataclasses", "enum", "functools", "itertools", "hashlib"}


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def parsed(module: Path) -> ast.AST:
    return ast.parse(module.read_text(encoding="utf-8"))


def test_there_is_something_to_check() -> None:
    assert len(MODULES) > 10


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_the_core_imports_only_itself_and_what_is_allowed(module: Path) -> None:
    for name in imported(parsed(module)):
        own = name == "calibration.core" or name.startswith("calibration.core.")
        assert own or name.split(".")[0] in ALLOWED | ALLOWED_STANDARD, name


def test_what_counts_as_standard_library_is() -> None:
    assert sys.stdlib_module_names >= ALLOWED_STANDARD


def test_calibration_maps_need_the_standard_library_alone() -> None:
    maps = {f"calibration.core.{name}" for name in MAPS}
    for name in MAPS:
        others = {each for each in imported(parsed(CORE / f"{name}.py")) if each not in maps}
        assert {each.split(".")[0] for each in others} <= ROUTING_NEEDS


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_randomness_comes_only_from_a_seeded_generator(module: Path) -> None:
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute) and node.value.attr == "random":
            assert node.attr == "default_rng", f"line {node.lineno}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "default_rng":
            assert node.args, f"line {node.lineno}: a generator without a seed"
