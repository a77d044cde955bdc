"""What happens before anything is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reviewqueue.dev import bootstrap

ROOT = Path(__file__).resolve().parents[2]


def test_it_needs_nothing_but_the_standard_library() -> None:
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import manage; from reviewqueue.dev import bootstrap"
    without_packages = [sys.executable, "-I", "-S", "-c", script]
    assert subprocess.run(without_packages, capture_output=True, text=True, check=False).stderr == ""


def test_a_python_that_is_too_old_is_refused_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "OLDEST_PYTHON", (99, 0))
    with pytest.raises(bootstrap.CannotPrepare, match=r"^Review Queue needs Python 99\.0 or newer; this is [\d.]+\.$"):
        bootstrap.ensure_environment(tmp_path)


def test_an_interpreter_that_has_the_requirements_is_left_alone(tmp_path: Path) -> None:
    bootstrap.ensure_environment(tmp_path, development=True)
    assert list(tmp_path.iterdir()) == []


def test_the_stamp_follows_the_content_of_the_locks(tmp_path: Path) -> None:
    runtime = tmp_path / "requirements.txt"
    runtime.write_text("django==5.2.1\n")
    before = bootstrap.fingerprint([runtime])
    assert bootstrap.fingerprint([runtime]) == before
    runtime.write_text("django==5.2.2\n")
    assert bootstrap.fingerprint([runtime]) != before


def test_tests_add_the_development_requirements(tmp_path: Path) -> None:
    runtime, development = tmp_path / "requirements.txt", tmp_path / "tests" / "requirements.txt"
    assert bootstrap.requirement_files(tmp_path, development=False) == [runtime]
    assert bootstrap.requirement_files(tmp_path, development=True) == [runtime, development]


@pytest.mark.parametrize("home", [None, "/nonexistent"])
def test_without_a_home_the_installers_keep_their_cache_in_the_local_directory(
    home: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REVIEWQUEUE_LOCAL", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    if home:
        monkeypatch.setenv("HOME", home)
    variables = bootstrap.installer_variables(tmp_path)
    cache = tmp_path / ".local" / "cache"
    assert cache.is_dir()
    assert variables["HOME"] == str(cache)
    assert Path(variables["UV_CACHE_DIR"]).parent == Path(variables["PIP_CACHE_DIR"]).parent == cache
    assert (tmp_path / ".local").stat().st_mode & 0o777 == 0o700


def test_a_usable_home_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert bootstrap.installer_variables(tmp_path / "project") == dict(os.environ)
