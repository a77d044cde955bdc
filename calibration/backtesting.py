"""What a policy version would have done with the newest claims of a pipeline: each routed again from its stored facts.

One statement reads the claims, one pass routes them twice and keeps no more than a tally: bounded however many there
are.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

from django.db import connection

from calibration.core.backtest import BacktestReport, Evidence, Fate, Promise, Purpose, backtest_report
from calibration.core.labels import in_fit_half
from calibration.evidence import first_id, fitting_times
from reviewqueue.claims.checking import checked_for
from reviewqueue.payloads.selectors import content_in
from reviewqueue.policy.document import Policy
from reviewqueue.policy.facts import Facts, facts_from_json
from reviewqueue.policy.models import BandState, PolicyVersion
from reviewqueue.policy.routing import Routing, no_policy, route
from reviewqueue.policy.selectors import Subject, policy_of

NEWEST: Final = 20_000
"""How many claims a backtest rests on at most."""

AT_ONCE: Final = 2_000
AT_ONCE_READ: Final = 100
SECONDS_OF_DAY: Final = 86_400

States = Literal["measured", "earned"]
"""Whether bands decide as they are measured now, or as if every one of them had earned its route."""


@dataclass(frozen=True, slots=True)
class Backtest:
    """`since` is the beginning of the window, or the oldest claim looked at where there were more (`is_cut`).

    `before` is the version compared with; None: no policy, which holds everything.
    """

    version: PolicyVersion
    before: PolicyVersion | None
    report: BacktestReport
    states: States
    since: datetime
    until: datetime
    is_cut: bool

    @property
    def days(self) -> float:
        return _days(self.since, self.until)


class _Past(NamedTuple):
    """`content` is what the claim said, where a version has checks to make."""

    facts: Facts
    content: Mapping[str, Any] | None
    drawn: bool
    chance: float
    judged: bool
    correct: bool | None
    received_at: datetime
    fingerprint: bytes


class _Judge:
    """One side of the comparison: a policy with the states of its bands."""

    def __init__(self, version: PolicyVersion | None, states: States, fitted: Mapping[str, datetime]) -> None:
        self._policy = policy_of(version.pk, version.document_hash) if version else None
        self._states = _measured(version) if version and states == "measured" else None
        self._fitted = fitted
        automating = self._policy.measured_bands if self._policy else ()
        self._earned = {band.key: "validated" for band in automating if band.automates}

    @property
    def makes_checks(self) -> bool:
        return self._policy is not None and bool(self._policy.checks)

    def fate(self, past: _Past) -> Fate:
        subject = (past.facts.model, past.facts.model_version, past.facts.prompt_version)
        states = self._earned if self._states is None else self._states.get(subject, {})
        facts = replace(past.facts, band_states=states, audit_rates={})
        if self._policy is None:
            return _fate(no_policy(facts), None, past, None)
        facts = checked_for(facts, self._policy, past.content)
        entry = self._policy.calibrator_of.get(subject)
        return _fate(route(facts, self._policy), self._policy, past, self._fitted.get(entry.name) if entry else None)


def backtest(
    version: PolicyVersion, *, before: PolicyVersion | None, days: int, now: datetime, states: States = "measured"
) -> Backtest:
    """Both versions over the newest claims of `days` days.

    A breaker that was open when a claim came in still holds it.
    """
    since = now - timedelta(days=days)
    fitted = fitting_times(version.pipeline)
    earlier, later = _Judge(before, states, fitted), _Judge(version, states, fitted)
    tally: Counter[tuple[Fate, Fate]] = Counter()
    oldest = now
    for past in _past_claims(version.pipeline_id, since, read=earlier.makes_checks or later.makes_checks):
        tally[earlier.fate(past), later.fate(past)] += 1
        oldest = past.received_at
    is_cut = tally.total() == NEWEST
    since = oldest if is_cut else since
    report = backtest_report(tally, days=_days(since, now))
    return Backtest(version, before, report, states, since, now, is_cut)


def _days(since: datetime, until: datetime) -> float:
    return max((until - since).total_seconds(), 1.0) / SECONDS_OF_DAY


def _measured(version: PolicyVersion) -> dict[Subject, dict[str, str]]:
    states: dict[Subject, dict[str, str]] = {}
    for row in BandState.objects.filter(policy_version=version):
        states.setdefault((row.model, row.model_version, row.prompt_version), {})[row.band] = row.state
    return states


def _fate(routing: Routing, policy: Policy | None, past: _Past, fitted_at: datetime | None) -> Fate:
    promise = _promise(routing)
    purpose, labels = _work(routing)
    chance, evidence = _evidence(past, fitted_at)
    allowed = _allowed(routing, policy) if promise else None
    return Fate(routing.route, routing.band or "", promise, allowed, purpose, labels, chance, evidence)


def _promise(routing: Routing) -> Promise:
    """What the decision asserts of the output before anybody has looked."""
    if routing.route in ("accept", "accept_flagged"):
        return "right"
    return "wrong" if routing.route == "reject" else ""


def _allowed(routing: Routing, policy: Policy | None) -> float | None:
    """The error rate that the band may have; None where the decision was not the band's alone."""
    bands = policy.measured_bands if policy else ()
    required = next((band.required_accuracy for band in bands if band.key == routing.band), None)
    return None if required is None else 1 - required


_PURPOSES: Final[Mapping[str, Purpose]] = {"review": "review", "escalate": "escalate", "accept_flagged": "flagged"}


def _work(routing: Routing) -> tuple[Purpose, float]:
    """What people do with the claim, and how many labels they are expected to give."""
    if routing.route in _PURPOSES:
        return _PURPOSES[routing.route], float(routing.labels_needed)
    if routing.route == "uncertain" or not routing.audit_rate:
        return "", 0.0
    return "audit", routing.audit_rate * routing.labels_needed


def _evidence(past: _Past, fitted_at: datetime | None) -> tuple[float, Evidence]:
    """The chance of a label that may count, and what came of it.

    A label that the policy's own calibrator was fitted on does not count: it would praise itself. Which half of the
    inputs that is was decided by their fingerprints alone, so for the claims of that time the chance is halved.
    """
    chance = past.chance
    if fitted_at is not None and past.received_at <= fitted_at:
        chance /= 2
        if in_fit_half(past.fingerprint):
            return chance, "not_drawn"
    if not past.drawn:
        return chance, "not_drawn"
    if not past.judged:
        return chance, "pending"
    return chance, "unjudged" if past.correct is None else "right" if past.correct else "wrong"


# The draw is that of the first decision, and who was handed back was not drawn: see calibration.evidence.
_CLAIMS: Final = """
    SELECT d.facts::text, c.id, said.ciphertext, key.wrapped, key.salt, key.master,
           d.audit_sampled OR d.inclusion_probability = 1 AND d.route <> 'uncertain',
           CASE WHEN d.route = 'uncertain' THEN 0 ELSE d.inclusion_probability END,
           o.id IS NOT NULL, o.correct, c.received_at, c.fingerprint
      FROM (SELECT id, received_at, fingerprint FROM claims_claim
             WHERE pipeline_id = %(pipeline)s AND id >= %(first)s
             ORDER BY id DESC LIMIT %(newest)s) c
      JOIN claims_decision d ON d.claim_id = c.id AND d.number = 1
      LEFT JOIN claims_outcome o ON o.claim_id = c.id AND o.measures
      LEFT JOIN claims_claimpayload said ON said.claim_id = c.id AND %(read)s
      LEFT JOIN payloads_payloadkey key ON key.claim_id = said.claim_id
     ORDER BY c.id DESC"""


def _past_claims(pipeline_id: int, since: datetime, *, read: bool) -> Iterator[_Past]:
    """Newest first, some in memory at a time; `read` brings what they said."""
    named: dict[str, Any] = {"pipeline": pipeline_id, "first": first_id(since), "newest": NEWEST, "read": read}
    with connection.chunked_cursor() as cursor:
        cursor.execute(_CLAIMS, named)
        while rows := cursor.fetchmany(AT_ONCE_READ if read else AT_ONCE):
            for facts, claim_id, said, wrapped, salt, master, drawn, chance, judged, *rest in rows:
                correct, received_at, fingerprint = rest
                stored = facts_from_json(json.loads(facts))
                content = content_in(claim_id, said, wrapped, salt, master)
                yield _Past(stored, content, drawn, float(chance), judged, correct, received_at, bytes(fingerprint))
