"""The house rules that a machine can check."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from celery import current_app
from django.core.management import call_command
from django.urls import get_resolver

ROOT = Path(__file__).resolve().parents[2]
CODE = [ROOT / "reviewqueue", ROOT / "calibration"]


def modules(*, outside: tuple[str, ...] = ()) -> list[Path]:
    paths = [path for folder in CODE for path in folder.rglob("*.py")]
    return [path for path in paths if not any(part in path.as_posix() for part in outside)]


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_imports_go_downwards_only() -> None:
    result = subprocess.run(
        ["lint-imports"],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-4000:]


def test_only_settings_and_the_development_stack_read_the_environment() -> None:
    readers = [
        path
        for path in modules(outside=("/dev/", "settings.py", "wsgi.py", "asgi.py", "celery.py"))
        if imported(path) & {"os.environ", "os.getenv", "environ"} or "os.environ" in path.read_text()
    ]
    assert readers == []


def test_sweeps_are_imported_by_nobody_and_are_three_lines_each() -> None:
    for path in modules(outside=("/dev/",)):
        assert not [name for name in imported(path) if name.endswith(".tasks") and "review.services" not in name], path
    for path in modules():
        if path.name != "tasks.py" or path.parent.name == "services":
            continue
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                assert len([each for each in node.body if not isinstance(each, ast.Expr) or each.value]) <= 3, path


def test_every_entry_of_the_schedule_is_a_task_that_exists() -> None:
    from reviewqueue.celery import SWEEPS, app

    app.loader.import_default_modules()
    assert current_app is not None
    assert {name for name, _, _ in SWEEPS} <= set(app.tasks)


@pytest.mark.django_db
def test_no_model_has_changed_without_a_migration() -> None:
    call_command("makemigrations", check=True, dry_run=True, stdout=StringIO())


def test_every_page_and_endpoint_has_a_name() -> None:
    unnamed = [
        str(pattern.pattern)
        for _, _, resolver in _all_patterns()
        for pattern in [resolver]
        if getattr(pattern, "name", None) is None
    ]
    assert unnamed == []


def _all_patterns() -> list[tuple[str, str, object]]:
    found: list[tuple[str, str, object]] = []

    def walk(resolver: object, prefix: str) -> None:
        for pattern in resolver.url_patterns:  # type: ignore[attr-defined]
            if hasattr(pattern, "url_patterns"):
                walk(pattern, prefix + str(pattern.pattern))
            else:
                found.append((prefix, str(pattern.pattern), pattern))

    walk(get_resolver(), "")
    return found
