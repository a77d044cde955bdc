"""The demo's day over HTTP: a short one, against the application on a real port."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from examples.client import ReviewQueue
from reviewqueue.accounts.models import ApiKey
from reviewqueue.claims.models import Claim, Outcome
from reviewqueue.dev.demo import day, facts, golden, plan, run
from reviewqueue.golden.due import due_for
from reviewqueue.golden.models import GoldenItemPayload, GoldenRun
from reviewqueue.golden.services import watching
from reviewqueue.payloads.models import ClaimPayload
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.review.models import Label, ReviewSlot
from tests.services.demo.serving import serving

REVIEWED, LEFT_OPEN, UNMEASURED = 12, 4, 2


@pytest.fixture(autouse=True)
def short_day(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, amount in {"REVIEWED": REVIEWED, "LEFT_OPEN": LEFT_OPEN, "UNMEASURED": UNMEASURED}.items():
        monkeypatch.setattr(plan, name, amount)
    monkeypatch.setattr(run, "DRAFT_WITHIN", 0.0)  # no worker sweeps here


def play(local: Path) -> list[str]:
    said: list[str] = []
    with serving() as url:
        run.run(url=url, local=local, say=said.append)
    return said


@pytest.mark.usefixtures("committed_db")
def test_the_days_claims_are_reviewed_and_the_rest_waits_for_the_newcomer(tmp_path: Path) -> None:
    said = play(tmp_path)
    assert Claim.objects.count() == REVIEWED + LEFT_OPEN + UNMEASURED
    assert Label.objects.count() == Outcome.objects.filter(measures=True).count() == REVIEWED
    assert ReviewSlot.objects.filter(done=False).count() == LEFT_OPEN + UNMEASURED
    assert set(Label.objects.values_list("reviewer__username", flat=True)) <= {"reviewer1", "reviewer2", "senior"}
    assert f"{REVIEWED} claims were posted and reviewed, {LEFT_OPEN + UNMEASURED} wait in the queue" in said


@pytest.mark.usefixtures("committed_db")
def test_two_models_are_measured_by_a_golden_set_and_the_third_one_is_due(tmp_path: Path) -> None:
    said = play(tmp_path)
    assert "Two models were measured by a golden set" in said
    measured = {(run.model, run.state, run.answered) for run in GoldenRun.objects.all()}
    assert measured == {("gpt-4o", "complete", golden.ITEMS), ("Meta-Llama-3.1-8B-Instruct", "complete", golden.ITEMS)}
    inputs = {each.content["input"] for each in GoldenItemPayload.objects.select_related("key")}
    said = ClaimPayload.objects.select_related("key")
    assert not {each.content["input"] for each in said} & inputs
    watching.watch_traffic()
    assert {(due.model, due.reason) for due in due_for(Pipeline.objects.get())} == {
        ("claude-3-haiku", "new_version"),
        ("gpt-4o", "schedule"),
    }
    assert "Two models were measured by a golden set" not in play(tmp_path)
    assert GoldenRun.objects.count() == 2


@pytest.mark.usefixtures("committed_db")
def test_what_it_writes_down_opens_the_doors_and_the_days_own_keys_are_gone(tmp_path: Path) -> None:
    play(tmp_path)
    written = json.loads((tmp_path / "demo.json").read_text())
    assert set(written) == {"url", "keys", "users", "pipeline"}
    assert set(written["keys"]) == {"intake", "read", "outcomes", "webhooks", "review", "owner"}
    assert written["pipeline"] == Pipeline.objects.get().slug
    assert ApiKey.objects.filter(revoked_at__isnull=True).count() == 6
    with serving() as url:
        assert len(list(ReviewQueue(url, written["keys"]["read"]).claims(status="in_review"))) == 6
        task = ReviewQueue(url, written["keys"]["review"]).take(written["pipeline"])
    assert task is not None
    assert task["task"]["blind"] == "score"


@pytest.mark.usefixtures("committed_db")
def test_a_demo_that_was_interrupted_is_completed_by_running_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(line: str) -> None:
        if "claims posted" in line:
            raise KeyboardInterrupt

    monkeypatch.setattr(day, "REPORT_EVERY", 0.0)
    with serving() as url, pytest.raises(KeyboardInterrupt):
        run.run(url=url, local=tmp_path, say=interrupt)
    assert Label.objects.count() < REVIEWED
    assert facts.read(tmp_path) is None
    play(tmp_path)
    assert facts.read(tmp_path) is not None
    assert Claim.objects.count() == REVIEWED + LEFT_OPEN + UNMEASURED
    assert Label.objects.count() == REVIEWED


@pytest.mark.usefixtures("committed_db")
def test_running_a_complete_demo_again_changes_nothing(tmp_path: Path) -> None:
    play(tmp_path)
    before = facts.read(tmp_path)
    play(tmp_path)
    after = facts.read(tmp_path)
    assert before is not None
    assert after is not None
    assert (after.keys, after.users) == (before.keys, before.users)
    assert Claim.objects.count() == REVIEWED + LEFT_OPEN + UNMEASURED
    assert Label.objects.count() == REVIEWED
