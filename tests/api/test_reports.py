"""Audit reports over REST: asked for, followed, fetched byte by byte, and by whom."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.keys import signing_keys
from reviewqueue.ledger.verify_export import Key, verify_report
from reviewqueue.reports.services import make_waiting
from tests.api.caller import Caller, assert_problem, key_for
from tests.services.ledger.cast import prepare_sealing
from tests.services.reports.steps import made
from tests.world import World

MONTH = {"since": "2026-10-01T00:00:00Z", "until": "2026-11-01T00:00:00Z"}


@pytest.fixture(autouse=True)
def _sealed(world: World, settings: Settings, tmp_path: Path) -> None:
    prepare_sealing(settings, tmp_path)
    ledger.seal()


@pytest.fixture
def ada(world: World) -> Caller:
    return Caller(key_for(world.ada, "audit"))


def test_a_report_is_asked_for_followed_and_fetched(world: World, ada: Caller) -> None:
    asked = ada.post("/audit/reports", {"pipeline": world.pipeline.slug, **MONTH})
    assert (asked.status_code, asked.json()["state"]) == (202, "waiting")
    address = f"/audit/reports/{asked.json()['id']}"
    assert_problem(ada.get(f"{address}/report.json"), 409, "report_not_there")
    make_waiting()
    done: dict[str, Any] = ada.get(address).json()
    assert (done["state"], done["percent_done"]) == ("done", 100)
    file = ada.get(f"{address}/report.json")
    assert hashlib.sha256(file.content).hexdigest() == done["sha256"]
    assert file.json()["checkpoint"]["size"] == done["tree_size"]


def test_the_proof_of_a_report_is_fetched_and_proves_it_when_it_is_sealed(
    world: World, ada: Caller, settings: Settings
) -> None:
    report = made(world.ada)
    address = f"/audit/reports/{report.pk}"
    early = ada.get(f"{address}/report-proof.json").json()
    assert (early["sealed"], early["index"], early["checkpoint"]) == (False, None, None)
    ledger.seal()
    key = Key.parse(str(signing_keys()[0].verifier))
    text, proof = (ada.get(f"{address}/{name}.json").content for name in ("report", "report-proof"))
    said = verify_report(text, proof.decode(), [key])
    assert (said["exit"], said["findings"]) == (3, [])
    assert verify_report(text.replace(b'"unsealed"', b'"sealed"'), proof.decode(), [key])["exit"] == 1
    sam = Caller(key_for(world.sam, "audit"))
    assert_problem(sam.get(f"{address}/report-proof.json"), 404, "not_found")
    waiting = ada.post("/audit/reports", MONTH).json()["id"]
    assert_problem(ada.get(f"/audit/reports/{waiting}/report-proof.json"), 409, "report_not_there")


def test_pages_of_reports_hold_each_once(world: World, ada: Caller) -> None:
    for _ in range(3):
        ada.post("/audit/reports", MONTH)
    first = ada.get("/audit/reports?limit=2").json()
    rest = ada.get(f"/audit/reports?limit=2&cursor={first['next']}").json()
    assert len({each["id"] for each in first["results"] + rest["results"]}) == 3
    assert rest["next"] is None


@pytest.mark.parametrize(
    "wish",
    [
        {"since": MONTH["until"], "until": MONTH["since"]},
        {"since": "2026-10-01", "until": MONTH["until"]},
        {**MONTH, "pipelines": []},
        {"since": "2000-01-01T00:00:00Z", "until": MONTH["until"]},
    ],
)
def test_what_is_no_period_is_refused(ada: Caller, wish: dict[str, Any]) -> None:
    assert ada.post("/audit/reports", wish).status_code == 422


def test_owners_and_seniors_read_their_own_and_make_none(world: World, ada: Caller) -> None:
    own, everything = made(world.ada, world.pipeline), made(world.ada)
    sam = Caller(key_for(world.sam, "audit"))
    assert [each["id"] for each in sam.get("/audit/reports").json()["results"]] == [str(own.pk)]
    assert sam.get(f"/audit/reports/{own.pk}/report.json").status_code == 200
    assert_problem(sam.get(f"/audit/reports/{everything.pk}"), 404, "not_found")
    assert_problem(sam.post("/audit/reports", MONTH), 403, "forbidden")
    rita = Caller(key_for(world.rita, "audit"))
    assert_problem(rita.get("/audit/reports"), 403, "forbidden")
    assert_problem(ada.post("/audit/reports", {**MONTH, "pipeline": "nowhere"}), 422, "invalid")
