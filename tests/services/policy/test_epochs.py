"""The keys of the audit sample turn over by themselves, and the offline verifier sees who picked a sample by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from reviewqueue.claims.models import Decision
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.events import Entry
from reviewqueue.ledger.models import Event
from reviewqueue.ledger.note import VerifierKey
from reviewqueue.ledger.verify_export import Key, Verification
from reviewqueue.policy import services
from reviewqueue.policy.epochs import Month, month_of, this_and_next
from reviewqueue.policy.keys import sampling_key
from reviewqueue.policy.models import SamplingEpoch
from reviewqueue.policy.sampling import audit_number, commitment
from reviewqueue.transfers.evidence import export_evidence
from tests.services.ledger.cast import prepare_sealing, rows, write
from tests.world import IDENTITY, POLICY, SETUP, World

pytestmark = pytest.mark.django_db
SLUG = "support-answers"


def epochs() -> list[str]:
    return list(SamplingEpoch.objects.order_by("starts_at", "id").values_list("name", flat=True))


def months() -> tuple[Month, Month]:
    return this_and_next(timezone.now())


def after_this_month() -> datetime:
    return months()[0].end + timedelta(hours=2)


def deciding(world: World) -> World:
    world.activate({**POLICY, "calibrators": [IDENTITY]})
    world.validate_band()
    return world


def test_a_month_ends_where_the_next_one_begins() -> None:
    december = month_of(datetime(2026, 12, 31, 23, 59, tzinfo=UTC))
    assert december == Month(datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    assert [each.name("x") for each in this_and_next(december.start)] == ["x/2026-12", "x/2027-01"]


def test_before_the_first_claim_the_keys_of_this_month_and_the_next_are_committed_to(world: World) -> None:
    assert epochs() == [month.name("2026-1") for month in months()]
    for epoch in SamplingEpoch.objects.all():
        assert epoch.commitment == commitment(sampling_key(SLUG, epoch.name))
        assert epoch.event.kind == "sample.epoch_committed"
    assert services.turn_epochs() == 0


def test_claims_are_drawn_under_the_month_and_say_so(world: World) -> None:
    claim = world.claim()
    decision = Decision.objects.get(claim=claim)
    this = months()[0].name("2026-1")
    assert decision.facts["epoch"] == this
    assert decision.audit_u == audit_number(sampling_key(SLUG, this), claim.pk)
    [said] = rows("SELECT leaf::jsonb -> 'body' ->> 'epoch' FROM ledger.event WHERE kind = 'claim.decided'")
    assert said == (this,)


def test_without_the_sweep_the_last_epoch_that_began_stays_in_use_and_secret(world: World) -> None:
    SamplingEpoch.objects.filter(name=months()[0].name("2026-1")).update(
        starts_at=timezone.now() - timedelta(days=70), ends_at=timezone.now() - timedelta(days=40)
    )
    assert Decision.objects.get(claim=world.claim()).facts["epoch"] == months()[0].name("2026-1")
    services.turn_epochs()
    assert not SamplingEpoch.objects.exclude(revealed_at=None).exists()


def test_a_key_is_revealed_once_the_next_has_been_in_use_for_an_hour(world: World) -> None:
    assert services.turn_epochs(months()[0].end + timedelta(minutes=59)) == 1, "the month after the next"
    assert not Event.objects.filter(kind="sample.epoch_revealed").exists()
    assert services.turn_epochs(after_this_month()) == 1
    [epoch] = SamplingEpoch.objects.exclude(revealed_at=None)
    assert epoch.name == months()[0].name("2026-1")
    [(secret,)] = rows("SELECT leaf::jsonb -> 'body' ->> 'secret' FROM ledger.event WHERE kind LIKE '%%revealed'")
    assert secret == sampling_key(SLUG, epoch.name).hex()
    assert services.turn_epochs(after_this_month()) == 0


def test_a_key_that_the_secret_no_longer_gives_is_not_revealed(world: World, settings: Any) -> None:
    settings.SAMPLING_SECRET = "another secret of the instance, long enough"
    services.turn_epochs(after_this_month())
    assert not Event.objects.filter(kind="sample.epoch_revealed").exists()


def test_another_name_in_the_policy_begins_other_epochs_and_the_old_key_comes_out_in_its_time(world: World) -> None:
    world.activate({**POLICY, "sampling": {"epoch": "2026-2"}})
    assert Decision.objects.get(claim=world.claim()).facts["epoch"] == months()[0].name("2026-2")
    services.turn_epochs(after_this_month())
    assert set(SamplingEpoch.objects.exclude(revealed_at=None).values_list("base", flat=True)) == {"2026-1", "2026-2"}


def test_what_was_drawn_is_counted_by_rate(world: World) -> None:
    deciding(world)
    for _ in range(12):
        world.claim()
    services.turn_epochs()
    [counts] = SamplingEpoch.objects.exclude(counts={}).values_list("counts", flat=True)
    assert counts == {"200000": [12, Decision.objects.filter(audit_sampled=True).count()]}


# --- what the verifier says ---


@pytest.fixture
def key(settings: Any, tmp_path: Path) -> VerifierKey:
    return prepare_sealing(settings, tmp_path)


def verified(key: VerifierKey, folder: Path) -> tuple[int, list[str], list[str]]:
    ledger.seal()
    export_evidence(path=folder, actor=SETUP)
    verification = Verification(folder, [Key.parse(str(key))], [])
    return verification.run(), verification.findings, verification.notes


def test_the_auditor_computes_every_draw_again(world: World, key: VerifierKey, tmp_path: Path) -> None:
    deciding(world)
    for _ in range(30):
        world.claim()
    code, findings, notes = verified(key, tmp_path / "open")
    assert (code, findings) == (0, [])
    assert months()[0].name("2026-1") in notes[0], "an open epoch is no gap"
    services.turn_epochs(after_this_month())
    code, findings, notes = verified(key, tmp_path / "revealed")
    assert (code, findings) == (0, [])
    assert months()[0].name("2026-1") not in notes[0]


def decided_by_hand(world: World, **changes: Any) -> int:
    """A decision as somebody would write it who has all rights, about a claim of no id in particular."""
    [(body,)] = rows("SELECT leaf::jsonb -> 'body' FROM ledger.event WHERE kind = 'claim.decided' LIMIT 1")
    said = json.loads(body) if isinstance(body, str) else body
    fields = {name: value for name, value in said.items() if name not in ("event", "actor", "claim", "claim_seq")}
    fields.pop("claim_prev")
    claim = UUID("0198f0c2-0000-7000-8000-00000000beef")
    number = audit_number(sampling_key(SLUG, fields["epoch"]), claim)
    fields |= {"audit_u": f"{number:.18f}", "audit_sampled": number < 0.2, **changes}
    if changes.get("audit_sampled") == "the other way":
        fields["audit_sampled"] = number >= 0.2
    write(Entry("claim.decided", SETUP, claim, {name: value for name, value in fields.items() if value is not ...}))
    return Event.objects.filter(kind="claim.decided").count()


TAMPERED: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "picked": (lambda: {"audit_sampled": "the other way"}, "picked by hand"),
    "other number": (lambda: {"audit_u": "0.000000000000000000"}, "not the one that the key gives"),
    "no epoch": (lambda: {"epoch": ...}, "no epoch is named"),
    "never committed": (lambda: {"epoch": "2026-1/2020-01"}, "before the key of its epoch was committed"),
    "too early": (lambda: {"epoch": months()[1].name("2026-1")}, "before its epoch began"),
}


@pytest.mark.parametrize("drill", TAMPERED)
def test_a_sample_picked_by_hand_is_named_with_its_leaf(
    world: World, key: VerifierKey, tmp_path: Path, drill: str
) -> None:
    change, message = TAMPERED[drill]
    deciding(world)
    world.claim()
    decided_by_hand(world, **change())
    leaf = Event.objects.count() - 1
    services.turn_epochs(after_this_month())
    code, findings, _ = verified(key, tmp_path / "export")
    assert code == 1
    assert any(found.startswith(f"leaf {leaf}: R7") and message in found for found in findings), findings


def test_a_claim_drawn_when_the_key_was_known_is_named(world: World, key: VerifierKey, tmp_path: Path) -> None:
    deciding(world)
    world.claim()
    services.turn_epochs(after_this_month())
    leaf = Event.objects.count()
    decided_by_hand(world)
    code, findings, _ = verified(key, tmp_path / "export")
    assert (code, findings) == (1, [f"leaf {leaf}: R7, drawn after the key of its epoch was revealed"])


def test_another_key_than_the_committed_one_is_named(world: World, key: VerifierKey, tmp_path: Path) -> None:
    this = months()[0].name("2026-1")
    leaf = Event.objects.count()
    fields = {"pipeline": SLUG, "epoch": this, "secret": bytes(32).hex(), "commitment": commitment(bytes(32))}
    write(Entry("sample.epoch_revealed", SETUP, None, fields))
    code, findings, _ = verified(key, tmp_path / "export")
    assert (code, findings) == (1, [f"leaf {leaf}: R7, the revealed key is not the one that was committed to"])
