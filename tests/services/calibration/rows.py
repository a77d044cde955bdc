"""Claims, decisions and outcomes of any day, written as rows: what no intake could make today."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID, uuid4

from calibration.models import Calibrator
from reviewqueue.claims import services as claims
from reviewqueue.claims.models import Claim, Decision, OutcomeBasis
from reviewqueue.ledger import services as ledger
from reviewqueue.transactions import one_transaction
from tests.world import MODEL, SETUP, World

FIRST_DAY = datetime(2026, 3, 1, tzinfo=UTC)


def at(day: int, hour: float = 12.0) -> datetime:
    return FIRST_DAY + timedelta(days=day, hours=hour)


def claim_of(
    world: World,
    *,
    received_at: datetime,
    confidence: float = 0.95,
    question: str = "",
    audit_u: float = 0.5,
    audit_rate: float = 1.0,
    route: str = "review",
    reasons: tuple[str, ...] = (),
    passed: tuple[str, ...] = (),
    worked_out: Mapping[str, float] | None = None,
    **changes: object,
) -> Claim:
    """A claim with its first decision. Without a `question` its input is like no other, and the same one whenever the
    test runs: inputs tell which half a label is of. `worked_out`: signals that intake added."""
    world.counter += 1
    drawn = route == "accept" and audit_u < audit_rate
    new = UUID(int=int(received_at.timestamp() * 1000) << 80 | uuid4().int & ((1 << 80) - 1))
    with one_transaction():
        entries = [ledger.append(event="policy.proposed", actor=SETUP, **PROPOSED).id for _ in range(2)]
        claim = Claim.objects.create(
            id=new,
            source=world.source,
            pipeline=world.pipeline,
            external_id=str(new),
            confidence=confidence,
            fingerprint=(question or f"question {world.counter}").encode().ljust(32, b"\0")[:32],
            content_hash=new.bytes * 2,
            received_at=received_at,
            status="decided",
            event_id=entries[0],
            **{**MODEL, "category": "general", "segments": {"workflow": "qa"}, **changes},
        )
        Decision.objects.create(
            claim=claim,
            pipeline=world.pipeline,
            route=route,
            band_state="validated" if route == "accept" else "provisional",
            reasons=list(reasons),
            mandatory=False,
            audit_u=audit_u,
            audit_rate=audit_rate,
            audit_sampled=drawn,
            inclusion_probability=audit_rate,
            facts={
                **({"checks": {digest: ["pass", None, None] for digest in passed}} if passed else {}),
                **({"signals": dict(worked_out)} if worked_out else {}),
            },
            decided_at=received_at,
            event_id=entries[1],
        )
    return claim


PROPOSED: dict[str, object] = {"pipeline": "support-answers", "policy_version": 1, "policy_hash": "sha256:0"}


def settle(claim: Claim, correct: bool | None, *, may_measure: bool = True) -> None:
    with one_transaction():
        claims.settle(
            claim=claims.lock_claim(claim.pk),
            correct=correct,
            output=None,
            basis=OutcomeBasis.LABELS,
            actor=SETUP,
            may_measure=may_measure,
        )


def withdraw(claim: Claim) -> None:
    outcome = claim.outcomes.filter(measures=True).first()
    if outcome is not None:
        with one_transaction():
            claims.withdraw(claim=claims.lock_claim(claim.pk), outcome=outcome, actor=SETUP)


def fitted(world: World, moment: datetime, *, name: str = "", kind: str = "platt") -> Calibrator:
    number = Calibrator.objects.count() + 1
    with one_transaction():
        entry = ledger.append(
            event="calibrator.fitted", actor=SETUP, pipeline=world.pipeline.slug, calibrator=f"{kind}-{number}"
        )
        return Calibrator.objects.create(
            pipeline=world.pipeline,
            number=number,
            name=name or f"{kind}-{number}",
            kind=kind,
            map={"kind": kind},
            fit_labels=0,
            judged_labels=0,
            last_outcome_at=moment,
            status="fitted",
            fitted_at=moment,
            event_id=entry.id,
            **MODEL,
        )


def many_right(world: World, count: int, *, received_at: datetime, seed: int = 1) -> None:
    dice = Random(seed)
    for place in range(count):
        settle(claim_of(world, received_at=received_at + timedelta(seconds=place), audit_u=dice.random()), True)
