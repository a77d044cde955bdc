"""What the documentation lists is complete."""

from __future__ import annotations

import json
from pathlib import Path

from reviewqueue.review.showing import _REASONS

ROOT = Path(__file__).resolve().parents[2]
API = (ROOT / "docs" / "api.md").read_text()


def codes_of_contract() -> set[str]:
    """Every code that an operation may answer with; the names of the shared responses are made of them."""
    responses = json.loads((ROOT / "docs" / "openapi.json").read_text())["components"]["responses"]
    return {code for name in responses for code in name.split(".")}


def test_the_page_of_the_api_names_every_code_of_the_contract() -> None:
    assert len(codes_of_contract()) > 20
    assert {code for code in codes_of_contract() if f"`{code}`" not in API} == set()


def test_the_page_of_the_api_names_every_reason() -> None:
    assert {reason for reason in [*_REASONS, "band"] if f"`{reason}`" not in API} == set()


def test_the_page_of_the_examples_names_every_one() -> None:
    listed = (ROOT / "examples" / "README.md").read_text()
    files = {path.name for path in (ROOT / "examples").glob("*.py")} - {"__init__.py"}
    assert {name for name in files if f"| `{name}` |" not in listed} == set()


def test_every_decision_is_in_the_list() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = (folder / "README.md").read_text()
    pages = {path.name for path in folder.glob("0*.md")}
    assert {page for page in pages if f"({page})" not in listed} == set()
