"""The lines of README.md, docs/api.md and examples/README.md, run as they are printed."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from examples.client import ReviewQueue
from reviewqueue.accounts.models import Scope, User
from reviewqueue.dev.demo import facts, plan, run
from reviewqueue.dev.demo import people as cast
from reviewqueue.dev.demo.facts import Facts
from reviewqueue.dev.demo.pipeline import ensure_pipeline
from tests.services.demo.serving import serving

ROOT = Path(__file__).resolve().parents[3]
CURL = Path(__file__).parent / "curl.py"


@dataclass
class Demo:
    """The demo beside a server of this process, and what its pages print when their lines are run."""

    url: str
    folder: Path

    def printed_by(self, page: str) -> str:
        lines = "\n".join(re.findall(r"```sh\n(.*?)```", (ROOT / page).read_text(), re.DOTALL))
        script = lines.replace("/tmp/", f"{self.folder}/").replace("http://127.0.0.1:8000", self.url)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env={**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def demo(committed_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Demo]:
    """With a short day."""
    for name, amount in {"REVIEWED": 4, "LEFT_OPEN": 2, "UNMEASURED": 1}.items():
        monkeypatch.setattr(plan, name, amount)
    monkeypatch.setattr(run, "DRAFT_WITHIN", 0.0)
    (tmp_path / ".local").mkdir()
    curl = tmp_path / "curl"
    curl.write_text(f'#!/bin/sh\nexec {sys.executable} {CURL} "$@"\n')
    curl.chmod(0o755)
    with serving() as url:
        run.run(url=url, local=tmp_path / ".local", say=lambda _: None)
        yield Demo(url, tmp_path)


def answers_in(printed: str) -> list[dict[str, Any]]:
    """Objects one after the other, with or without a line's end between them, and numbers alone on a line."""
    found, rest, decoder = [], printed, json.JSONDecoder()
    while (start := rest.find("{")) >= 0:
        answer, end = decoder.raw_decode(rest[start:])
        found.append(answer)
        rest = rest[start + end :]
    return found


def test_the_printed_lines_do_what_the_text_beside_them_says(demo: Demo) -> None:
    printed = demo.printed_by("examples/README.md")
    answers = answers_in(printed)
    statuses = [int(line) for line in printed.splitlines() if line.isdigit()]
    held, again, changed, unmeasured, found, settled, taken, *_ = answers
    assert statuses == [201, 200, 409, 201, 204, 201, 201]
    assert held["decision"]["route"] == "review"
    assert held["decision"]["reasons"][0] == "mandatory_category"
    assert again == held
    assert changed["code"] == "claim_conflict"
    assert changed["fields"] == ["confidence"]
    assert unmeasured["decision"]["reasons"][0] == "band_unvalidated"
    assert [claim["id"] for claim in found["results"]] == [held["id"]]
    assert len(settled["results"]) == 3
    assert "confidence" not in taken["task"]["claim"]


def test_the_lines_of_the_first_page_and_of_the_page_of_the_api_work(demo: Demo) -> None:
    [mine] = answers_in(demo.printed_by("README.md"))
    assert (mine["external_id"], mine["decision"]["route"]) == ("mine-1", "review")
    posted, listed, outcome, feed, renewed = answers_in(demo.printed_by("docs/api.md"))
    assert posted["external_id"] == "api-page-1"
    assert listed["results"]
    assert outcome["correct"] is True
    assert "next" in feed
    assert set(renewed["lease"]) == {"id", "expires_at"}


def test_the_lines_of_the_page_of_golden_sets_work(demo: Demo) -> None:
    made, put, published, questions, first, second, closed, figures, compared = answers_in(
        demo.printed_by("docs/golden-sets.md")
    )
    assert (made["owner"], put["items"], published["version"]) == ("owner1", 3, 1)
    assert [each["key"] for each in questions["results"]] == ["salt", "deepest", "largest"]
    assert (first["run"]["state"], first["run"]["right"]) == ("complete", 2)
    assert (second["run"]["state"], second["run"]["right"]) == ("open", None)
    assert (closed["state"], closed["missing"]) == ("closed", 1)
    assert (figures["accuracy"], figures["accuracy_if_missing_wrong"]) == (1.0, 2 / 3)
    assert (compared["gained"], compared["lost"], compared["verdict"]) == (1, 0, "undecided")


@pytest.mark.usefixtures("committed_db")
def test_the_first_pipeline_of_an_empty_instance_takes_claims() -> None:
    told = StringIO()
    with redirect_stdout(told):
        runpy.run_path(str(ROOT / "examples" / "first_pipeline.py"))
    key = told.getvalue().split()[-1]
    with serving() as url:
        claim = ReviewQueue(url, key).post_claim(
            {
                "pipeline": "support-answers",
                "external_id": "ticket-1",
                "model": "acme-lm",
                "model_version": "1",
                "category": "refunds",
                "output": "Yes, within 30 days.",
                "confidence": 0.99,
            }
        )
    assert claim["decision"]["reasons"][0] == "mandatory_category"


@pytest.mark.usefixtures("committed_db")
def test_the_upstream_example_waits_for_people_where_nothing_is_measured(tmp_path: Path) -> None:
    bot = cast.source("quiz-bot", "Quiz bot")
    ensure_pipeline(upstream=bot, people={name: User.objects.create_user(name) for name in cast.PEOPLE})
    key = cast.key_text(bot, "demo: intake", [Scope.INTAKE, Scope.READ])
    with serving() as url:
        facts.write(tmp_path, Facts(url, keys={"intake": key}))
        done = subprocess.run(
            [sys.executable, str(ROOT / "examples" / "upstream_loop.py"), "--wait", "0"],
            env={**os.environ, "REVIEWQUEUE_LOCAL": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout.count("waits for a person (band_unvalidated") == 6
