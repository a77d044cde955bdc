"""Collected static files, as they are served outside the tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.test import override_settings

from reviewqueue.web.static_files import HashedStaticFiles

STATIC = Path(__file__).resolve().parents[2] / "static"


@pytest.fixture
def collected(tmp_path: Path) -> HashedStaticFiles:
    with override_settings(STATIC_ROOT=tmp_path):
        call_command("collectstatic", interactive=False, verbosity=0)
        return HashedStaticFiles(location=tmp_path)


def test_collected_files_carry_their_hash_and_import_each_other_by_it(
    collected: HashedStaticFiles, tmp_path: Path
) -> None:
    assert re.fullmatch(r"/static/app\.[0-9a-f]{12}\.css", collected.url("app.css"))
    script = tmp_path / collected.url("js/review.js").removeprefix("/static/")
    imported = re.findall(r'from "\./([^"]+)"', script.read_text())
    assert len(imported) == (STATIC / "js" / "review.js").read_text().count('from "./') > 0
    for name in imported:
        assert re.fullmatch(r"\w+\.[0-9a-f]{12}\.js", name)
        assert (script.parent / name).exists()


def test_without_collecting_names_are_plain() -> None:
    assert staticfiles_storage.url("app.css") == "/static/app.css"
