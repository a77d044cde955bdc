"""A verification that an auditor asks for runs once, alone, and leaves its findings and one entry."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from reviewqueue.auditors import selectors
from reviewqueue.auditors.models import VerificationRun
from reviewqueue.auditors.services import VerificationUnderWay, run_waiting, start_verification
from reviewqueue.errors import Invalid
from reviewqueue.ledger import services
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.keys import signing_keys
from reviewqueue.ledger.models import Event
from reviewqueue.ledger.note import SigningKey, TreeHead, VerifierKey, sign_note
from tests.services.auditors.steps import newest_note
from tests.services.ledger.cast import ORIGIN, prepare_sealing, tampered
from tests.world import World

pytestmark = pytest.mark.django_db


def finished(run: VerificationRun) -> VerificationRun:
    assert run_waiting() == 1
    return selectors.run_of(run.pk)


def test_a_sound_ledger_is_recorded_with_who_when_size_and_root(world: World, sealed: VerifierKey) -> None:
    run = finished(start_verification(by=world.ada, keys=[sealed], pins=[newest_note()]))
    assert (run.state, run.sound, run.findings) == ("done", True, [])
    assert run.signatures_checked
    assert run.done == run.expected > 10
    [row], _ = selectors.verifications()
    assert (row.who, row.run, row.entry.body["root"]) == ("Ada", run, run.root)
    assert row.entry.body["actor"]["role"] == "auditor"
    assert not selectors.is_late(row.entry, timezone.now())


def test_findings_name_their_places(world: World, sealed: VerifierKey) -> None:
    tampered("UPDATE ledger.event SET leaf = replace(leaf, 'user.created', 'user.enabled') WHERE kind = 'user.created'")
    run = finished(start_verification(by=world.adam))
    assert run.sound is False
    assert "leaf 0 (event" in run.findings[0]["message"]
    assert Event.objects.get(pk=run.event_id).kind == "verification.run"


def test_a_pin_of_another_history_is_a_finding(world: World, sealed: VerifierKey) -> None:
    pin = sign_note(TreeHead(ORIGIN, 5, bytes(32)).text(), signing_keys())
    run = finished(start_verification(by=world.ada, keys=[sealed], pins=[pin]))
    assert "pinned checkpoint of size 5" in run.findings[0]["message"]


def test_there_is_one_at_a_time(world: World, sealed: VerifierKey) -> None:
    start_verification(by=world.ada)
    with pytest.raises(VerificationUnderWay):
        start_verification(by=world.adam)
    assert run_waiting() == 1
    assert run_waiting() == 0
    start_verification(by=world.adam)


def test_a_pin_that_cannot_be_read_is_refused_before_anything_runs(world: World, sealed: VerifierKey) -> None:
    with pytest.raises(Invalid):
        start_verification(by=world.ada, pins=["nonsense"])
    assert selectors.open_run() is None


def test_a_pin_signed_by_nobody_known_fails_the_run_and_proves_nothing(world: World, sealed: VerifierKey) -> None:
    stranger = SigningKey(ORIGIN, bytes(32))
    pin = sign_note(TreeHead(ORIGIN, 5, bytes(32)).text(), [stranger])
    run = finished(start_verification(by=world.ada, keys=[sealed], pins=[pin]))
    assert (run.state, run.event, run.sound) == ("failed", None, None)
    assert "no signature by a known key" in run.failure
    assert selectors.last_failure() == run


def test_a_run_whose_worker_died_makes_room_for_another(world: World, sealed: VerifierKey) -> None:
    run = start_verification(by=world.ada)
    quiet_since = timezone.now() - timedelta(minutes=11)
    VerificationRun.objects.filter(pk=run.pk).update(state="running", heard_at=quiet_since, started_at=quiet_since)
    assert run_waiting() == 1
    assert selectors.run_of(run.pk).state == "failed"
    start_verification(by=world.ada)


def test_the_daily_and_the_recorded_command_stand_in_the_same_list(world: World, sealed: VerifierKey) -> None:
    assert selectors.is_late(None, timezone.now())
    services.run_verification(actor=Actor.system("ledger"))
    [row], _ = selectors.verifications()
    assert (row.who, row.run) == ("system:ledger", None)
    assert selectors.is_late(row.entry, timezone.now() + timedelta(days=3))


def test_where_nobody_verified_for_a_day_the_sweep_does_and_a_finding_is_an_alarm(
    world: World, sealed: VerifierKey, caplog: pytest.LogCaptureFixture
) -> None:
    assert run_waiting() == 1
    assert run_waiting() == 0
    assert errors(caplog) == []
    a_day_passes()
    tampered("UPDATE ledger.event SET leaf = leaf || ' ' WHERE kind = 'source.created'")
    assert run_waiting() == 1
    assert len(errors(caplog)) == 1
    [row, _], _ = selectors.verifications()
    assert (row.who, row.run and row.run.sound) == ("system:ledger", False)


def test_nothing_is_verified_daily_before_anything_is_sealed_or_too_soon_after_a_failure(
    world: World, settings: Settings, tmp_path: Path
) -> None:
    assert run_waiting() == 0
    prepare_sealing(settings, tmp_path)
    services.seal()
    failed = VerificationRun.objects.create(state="failed", failure="the anchor could not be read")
    assert run_waiting() == 0
    VerificationRun.objects.filter(pk=failed.pk).update(asked_at=timezone.now() - timedelta(hours=2))
    assert run_waiting() == 1


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def a_day_passes() -> None:
    """For what was verified until now."""
    tampered("UPDATE ledger.event SET recorded_us = recorded_us - 86400000000 WHERE kind = 'verification.run'")
    VerificationRun.objects.update(asked_at=timezone.now() - timedelta(days=1))
