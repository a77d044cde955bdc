"""An audit report is made once, alone, from one state; it names its checkpoint, and its hash is in the ledger."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from itertools import zip_longest
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from reviewqueue.errors import Forbidden, Invalid, NotFound
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.models import Checkpoint, Event
from reviewqueue.ledger.note import VerifierKey
from reviewqueue.pipeline_settings import change_settings
from reviewqueue.reports.audit import proof, scope
from reviewqueue.reports.audit.building import STEPS, build
from reviewqueue.reports.models import AuditReport
from reviewqueue.reports.selectors import ReportDamaged, ReportNotThere, document_of, report_for, report_page, text_of
from reviewqueue.reports.services import LOST_AFTER, TooManyReports, ask_for_report, forget_old, make_waiting
from reviewqueue.viewing.services import record_views
from tests.services.reports.steps import asked, made, section, table
from tests.services.review.steps import RIGHT, WRONG, another_pipeline, label_next
from tests.world import World

pytestmark = pytest.mark.django_db


def test_a_report_names_its_checkpoint_and_stands_in_the_ledger_with_its_hash(
    world: World, sealed: VerifierKey
) -> None:
    world.claim()
    report = made(world.ada, world.pipeline)
    document = document_of(report)
    checkpoint = Checkpoint.objects.get(tree_size=report.tree_size)
    assert document["format"] == "reviewqueue-audit-report/1"
    assert document["checkpoint"] == {
        "size": checkpoint.tree_size,
        "root": bytes(checkpoint.root).hex(),
        "note": checkpoint.note,
    }
    body = json.loads(Event.objects.get(pk=report.event_id).leaf)["body"]
    assert (body["event"], body["format"], body["export"]) == ("export.created", "report", str(report.pk))
    assert body["manifest_hash"] == hashlib.sha256(text_of(report)).hexdigest() == report.digest
    assert body["actor"]["role"] == "auditor"
    assert len(document["not_promised"]) == 3


def test_claims_routes_and_what_people_found_are_counted(world: World, sealed: VerifierKey) -> None:
    world.claim()
    world.claim()
    world.claim()
    label_next(world.rita, RIGHT)
    label_next(world.ravi, WRONG)
    report = made(world.ada, world.pipeline)
    [outcomes] = table(report, "claims", "outcomes")
    assert (outcomes["claims"], outcomes["right"], outcomes["wrong"], outcomes["open"]) == (3, 1, 1, 1)
    [route] = table(report, "routes", "routes")
    assert (route["route"], route["claims"], route["share"]) == ("review", 3, 1.0)
    assert "pipeline" not in route
    [band] = table(report, "accuracy", "bands")
    assert (band["claims"], band["labelled"], band["right"], band["accuracy"]) == (3, 2, 1, 0.5)
    assert 0 < band["low"] < 0.5 < band["high"] < 1
    assert {row["segment"] for row in table(report, "accuracy", "segments")} == {"category=general", "workflow=qa"}
    people = {row["reviewer"]: row["labels"] for row in table(report, "reviewers", "labels")}
    assert people == {str(world.rita.pseudonym): 1, str(world.ravi.pseudonym): 1}
    assert "3 claims were received" in section(report, "claims")["says"][0]


def test_every_mandatory_claim_is_listed_with_how_people_decided(world: World, sealed: VerifierKey) -> None:
    held = world.claim(category="refunds")
    label_next(world.rita, RIGHT)
    waits = world.claim(category="refunds")
    report = made(world.ada, world.pipeline)
    open_one, decided = table(report, "mandatory", "mandatory_claims")
    assert (open_one["claim"], open_one["basis"]) == (str(waits.pk), "open")
    assert (decided["claim"], decided["basis"], decided["outcome"]) == (str(held.pk), "labels", "right")
    assert decided["people"] == str(world.rita.pseudonym)
    assert "0 violations" in section(report, "mandatory")["says"][0]
    assert section(report, "mandatory")["warns"] == []


def test_policies_are_listed_with_who_proposed_and_who_approved(world: World, sealed: VerifierKey) -> None:
    report = made(world.ada, world.pipeline)
    activated = next(row for row in table(report, "changes", "policy_changes") if row["event"] == "policy.activated")
    assert activated["proposed_by"] == f"user:{world.olga.pseudonym}"
    assert activated["approved_by"] == f"user:{world.otto.pseudonym}"
    assert activated["hash"] == world.policy.document_hash


def test_what_is_missing_is_said(world: World, sealed: VerifierKey) -> None:
    world.claim()
    world.otto.is_active = False
    world.otto.save()
    report = made(world.ada, world.pipeline)
    warns = " ".join(section(report, "gaps")["warns"])
    assert "1 claim was drawn to be labelled" in warns
    assert "owner or deputy who is not active" in warns


def test_a_report_over_all_pipelines_tells_them_apart(world: World, sealed: VerifierKey) -> None:
    other = another_pipeline(world)
    world.claim()
    world.claim(pipeline=other.slug, category=None, segments={})
    report = made(world.adam)
    assert {row["pipeline"]: row["claims"] for row in table(report, "claims", "outcomes")} == {
        "support-answers": 1,
        "translations": 1,
    }
    assert set(document_of(report)["ledger_figures"]) >= {"support-answers", "translations"}


def test_readings_and_erasures_are_counted_and_the_newest_shown_of_one_pipeline(
    world: World, sealed: VerifierKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They name their claim alone, and are looked through some at a time."""
    monkeypatch.setattr(scope, "_AT_ONCE", 2)
    monkeypatch.setattr(scope, "MOST_ROWS", 3)
    other = another_pipeline(world)
    for pipeline in (world.pipeline, other):
        change_settings(pipeline=pipeline, changes={"views_recorded": "auditors"}, by=world.adam)
    own = [world.claim() for _ in range(5)]
    foreign = [world.claim(pipeline=other.slug, category=None, segments={}) for _ in range(4)]
    for claim in (each for pair in zip_longest(own, foreign) for each in pair if each):
        record_views(viewer=world.ada, claims=[claim], purpose="claim_page")
    report = made(world.ada, world.pipeline)
    shown = next(each for each in section(report, "reads")["tables"] if each["name"] == "viewed")
    assert [row[1] for row in shown["rows"]] == [str(claim.pk) for claim in reversed(own[2:])]
    assert shown["more"] == 2


def test_a_report_says_that_it_goes_on_while_it_counts_entries(
    world: World, sealed: VerifierKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one of millions of entries would be taken for one whose worker was killed."""
    monkeypatch.setattr(proof, "_CHUNK", 1)
    monkeypatch.setattr(proof, "_TOLD_EVERY", 2)
    world.claim()
    ledger.seal()
    now = timezone.now()
    told: list[int] = []
    built = build(report=uuid4(), pipeline=None, since=now - timedelta(days=1), until=now, tell=told.append)
    assert told.count(STEPS - 1) > (built.size - built.first) // 2 - 1


def test_what_claims_said_is_in_no_report(world: World, sealed: VerifierKey) -> None:
    world.claim(output="The secret answer", input="The secret question", category="refunds")
    label_next(world.rita, RIGHT)
    assert b"secret" not in text_of(made(world.ada, world.pipeline))


def test_an_empty_period_has_a_report_under_the_newest_checkpoint(world: World, sealed: VerifierKey) -> None:
    old = timezone.now() - timedelta(days=400)
    ask_for_report(by=world.ada, pipeline=world.pipeline, since=old, until=old + timedelta(days=30))
    make_waiting()
    report = AuditReport.objects.get()
    assert (report.state, report.entries) == ("done", 0)
    assert document_of(report)["ledger_figures"] == {}
    assert section(report, "coverage")["says"] == ["No claim was received."]


def test_without_any_checkpoint_a_report_fails_and_says_why(world: World) -> None:
    report = asked(world.ada)
    make_waiting()
    report.refresh_from_db()
    assert report.state == "failed"
    assert "sealed" in report.failure


def test_the_same_state_gives_the_same_bytes(world: World, sealed: VerifierKey) -> None:
    world.claim()
    first = made(world.ada, world.pipeline)
    again = ask_for_report(by=world.ada, pipeline=world.pipeline, since=first.since, until=first.until)
    make_waiting()
    again.refresh_from_db()
    assert {**document_of(again), "report": ""} == {**document_of(first), "report": ""}
    assert len(text_of(again)) == len(text_of(first))


def test_only_auditors_and_administrators_ask_and_only_about_the_past(world: World, sealed: VerifierKey) -> None:
    for person in (world.rita, world.sam, world.olga, world.nora):
        with pytest.raises(Forbidden):
            asked(person, world.pipeline)
    now = timezone.now()
    with pytest.raises(Invalid):
        ask_for_report(by=world.ada, pipeline=None, since=now + timedelta(hours=1), until=now + timedelta(hours=2))
    with pytest.raises(Invalid):
        ask_for_report(by=world.ada, pipeline=None, since=now - timedelta(days=3000), until=now)
    for _ in range(20):
        asked(world.ada)
    with pytest.raises(TooManyReports):
        asked(world.ada)
    assert asked(world.adam)


def test_owners_and_seniors_read_the_reports_of_their_pipelines_alone(world: World, sealed: VerifierKey) -> None:
    own, foreign = made(world.ada, world.pipeline), made(world.ada, another_pipeline(world, "elsewhere"))
    everything = made(world.ada)
    for person in (world.sam,):
        assert report_for(person, own.pk) == own
        for other in (foreign, everything):
            with pytest.raises(NotFound):
                report_for(person, other.pk)
    with pytest.raises(Forbidden):
        report_for(world.rita, own.pk)
    assert {each.pk for each in report_page(world.adam)[0]} == {own.pk, foreign.pk, everything.pk}


def test_a_changed_or_lost_file_is_not_shown(world: World, sealed: VerifierKey) -> None:
    report = made(world.ada)
    with default_storage.open(report.stored_as, "wb") as file:
        file.write(b'{"format":"reviewqueue-audit-report/1"}')
    with pytest.raises(ReportDamaged):
        text_of(report)
    default_storage.delete(report.stored_as)
    with pytest.raises(ReportNotThere):
        text_of(report)


def test_a_report_whose_worker_was_killed_is_taken_up_again_and_given_up_in_the_end(
    world: World, sealed: VerifierKey
) -> None:
    ledger.seal()
    report = asked(world.ada)
    long_ago = timezone.now() - LOST_AFTER - timedelta(seconds=1)
    AuditReport.objects.update(state="running", tries=1, heard_at=long_ago)
    assert make_waiting() == 1
    report.refresh_from_db()
    assert (report.state, report.tries) == ("done", 2)
    hopeless = asked(world.ada)
    AuditReport.objects.filter(pk=hopeless.pk).update(state="running", tries=3, heard_at=long_ago)
    assert make_waiting() == 0
    hopeless.refresh_from_db()
    assert (hopeless.state, hopeless.event) == ("failed", None)


def test_files_are_kept_for_ever_unless_the_setting_says_how_long(
    world: World, sealed: VerifierKey, settings: Settings
) -> None:
    report = made(world.ada)
    AuditReport.objects.update(finished_at=timezone.now() - timedelta(days=40))
    assert forget_old() == 0
    settings.REPORTS_KEPT_DAYS = 30
    assert forget_old() == 1
    stored_as = report.stored_as
    report.refresh_from_db()
    assert (report.state, default_storage.exists(stored_as)) == ("expired", False)
    assert report.digest
    with pytest.raises(ReportNotThere):
        text_of(report)


def test_a_report_takes_as_many_queries_for_many_claims_as_for_few(world: World, sealed: VerifierKey) -> None:
    def queries_of(count: int) -> int:
        for _ in range(count):
            world.claim(category="refunds")
            label_next(world.rita, RIGHT)
        ledger.seal()
        asked(world.ada, world.pipeline)
        with CaptureQueriesContext(connection) as queries:
            make_waiting()
        return len(queries)

    few = queries_of(1)
    assert queries_of(12) <= few


def test_the_list_takes_two_queries_and_ends(world: World, sealed: VerifierKey) -> None:
    for _ in range(20):
        asked(world.ada)
    for _ in range(10):
        asked(world.adam)
    with CaptureQueriesContext(connection) as queries:
        found, older = report_page(world.adam)
    assert len(found) == 25
    assert len(queries) <= 2
    rest, end = report_page(world.adam, before=older)
    assert (len(rest), end) == (5, None)
    assert not {each.pk for each in rest} & {each.pk for each in found}
