"""The lines of examples/README.md, run as they are printed."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

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


@pytest.fixture
def printed(committed_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the lines print, one after the other, beside a demo with a short day."""
    for name, amount in {"REVIEWED": 4, "LEFT_OPEN": 2, "UNMEASURED": 1}.items():
        monkeypatch.setattr(plan, name, amount)
    monkeypatch.setattr(run, "DRAFT_WITHIN", 0.0)
    (tmp_path / ".local").mkdir()
    curl = tmp_path / "curl"
    curl.write_text(f'#!/bin/sh\nexec {sys.executable} {CURL} "$@"\n')
    curl.chmod(0o755)
    lines = "\n".join(re.findall(r"```sh\n(.*?)```", (ROOT / "examples" / "README.md").read_text(), re.DOTALL))
    with serving() as url:
        run.run(url=url, local=tmp_path / ".local", say=lambda _: None)
        environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        script = lines.replace("/tmp/", f"{tmp_path}/")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_printed_lines_do_what_the_text_beside_them_says(printed: str) -> None:
    answers = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
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
