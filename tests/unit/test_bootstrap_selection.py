"""Which tests a word on the command line selects."""

from __future__ import annotations

from pathlib import Path

import pytest

from reviewqueue.dev.selection import in_parallel, select


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("unit", "services/review", "e2e", "faults"):
        (tmp_path / "tests" / folder).mkdir(parents=True)
        (tmp_path / "tests" / folder / "test_something.py").touch()
    (tmp_path / "tests" / "web").mkdir()
    return tmp_path


def test_no_word_selects_every_folder_that_has_tests_once(root: Path) -> None:
    together, browser, alone = select(root, []).runs
    assert together == ["tests/services", "tests/unit", *in_parallel()]
    assert browser == ["tests/e2e", *in_parallel("worksteal")]
    assert alone == ["tests/faults"]


def test_unit_needs_neither_a_browser_nor_the_slow_folders(root: Path) -> None:
    selection = select(root, ["unit"])
    assert selection.runs == [["tests/unit", "tests/property", "tests/architecture", *in_parallel()]]
    assert (selection.checked, selection.browser) == (True, False)


@pytest.mark.parametrize("arguments", [["e2e"], ["tests/e2e/test_the_loop.py"]])
def test_end_to_end_tests_need_a_browser(root: Path, arguments: list[str]) -> None:
    assert select(root, arguments).browser


def test_anything_else_is_for_pytest_to_understand(root: Path) -> None:
    selection = select(root, ["-k", "lease", "tests/services"])
    assert selection.runs == [["-k", "lease", "tests/services"]]
    assert (selection.checked, selection.browser) == (False, False)
