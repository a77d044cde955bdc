"""What the signals of a pipeline are worth: who carries them, how well they rank right from wrong, what they decide."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import numpy as np
from django.db import connection

from calibration.core.ranking import Ranking, ranking
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.pipelines.signals import DERIVED
from reviewqueue.policy.selectors import active_policy, policy_of

NEWEST: Final = 20_000
"""How many claims, and how many labelled claims, the figures rest on at most."""

MOST_UNDECLARED: Final = 30
BINS: Final = 10
DECISIVE_WITHIN: Final = timedelta(days=30)
DEMANDS: Final = ("signal_rule", "verifier_failed")
"""The reasons that come first where nothing stronger than a rule or a verifier decided."""


class RecentClaim(NamedTuple):
    model: str
    model_version: str
    prompt_version: str
    elicitation: str
    received_at: datetime
    signals: Mapping[str, float]
    reasons: Sequence[str]
    route: str
    version: tuple[int, str] | None


class MeasuredClaim(NamedTuple):
    """A labelled claim; `weight` is one over the chance that it would be labelled."""

    confidence: float
    signals: Mapping[str, float]
    right: bool
    weight: float
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class HistogramBin:
    """Labels with a value in [low, high), and their weighted share among the right and among the wrong ones."""

    low: float
    high: float
    right: int
    wrong: int
    right_share: float
    wrong_share: float


@dataclass(frozen=True, slots=True)
class Use:
    """A rule of the active policy that looks at a signal, and how often it decided lately."""

    rule: Any
    decisive: int


@dataclass(frozen=True, slots=True)
class SignalRow:
    """One signal. `declared` is what the pipeline says of it, None for a name that merely came with claims."""

    name: str
    declared: Mapping[str, str] | None
    is_derived: bool
    carried: float
    labels: int
    ranking: Ranking | None
    histogram: list[HistogramBin]
    uses: list[Use]


@dataclass(frozen=True, slots=True)
class Mix:
    """The ways in which one model version's confidence was obtained, commonest first, with their shares."""

    model: str
    model_version: str
    prompt_version: str
    ways: list[tuple[str, float]]

    @property
    def is_mixed(self) -> bool:
        return len(self.ways) > 1


@dataclass(frozen=True, slots=True)
class SignalReport:
    """`bands_differ`: the active policy treats different confidence differently.

    `not_shown` counts undeclared names beyond those that are listed.
    """

    claims: int
    labels: int
    confidence: SignalRow
    bands_differ: bool
    mixes: list[Mix]
    signals: list[SignalRow]
    not_shown: int


def signal_report(pipeline: Pipeline, now: datetime) -> SignalReport:
    """Three queries, whatever the number of signals: the active policy, recent claims, recent labels."""
    active = active_policy(pipeline.pk)
    recent, measured = recent_claims(pipeline.pk), measured_claims(pipeline.pk)
    carried = Counter(name for claim in recent for name in claim.signals)
    decisive = decisive_rules(recent, since=now - DECISIVE_WITHIN)
    rules = getattr(active.policy, "rules", ()) if active else ()
    names, not_shown = _names(pipeline.signals, carried, {rule.signal for rule in rules})
    rows = [
        _row(
            name,
            measured,
            declared=pipeline.signals.get(name),
            carried=carried[name] / len(recent) if recent else 0.0,
            uses=[Use(rule, decisive[rule.name]) for rule in rules if rule.signal == name],
        )
        for name in names
    ]
    return SignalReport(
        claims=len(recent),
        labels=len(measured),
        confidence=_confidence_row(measured),
        bands_differ=active is not None and len({(band.route, band.next_step) for band in active.policy.bands}) > 1,
        mixes=elicitation_mixes(recent),
        signals=rows,
        not_shown=not_shown,
    )


def _names(declared: Iterable[str], carried: Counter[str], ruled: set[str]) -> tuple[list[str], int]:
    """Declared ones by name, then those that are derived or that rules name, then others by how common they are."""
    known = [*sorted(declared), *sorted((DERIVED & carried.keys() | ruled) - set(declared))]
    others = [name for name, _ in carried.most_common() if name not in known]
    return known + others[:MOST_UNDECLARED], max(len(others) - MOST_UNDECLARED, 0)


def _row(
    name: str,
    measured: Sequence[MeasuredClaim],
    *,
    declared: Mapping[str, str] | None,
    carried: float,
    uses: list[Use],
) -> SignalRow:
    having = [claim for claim in measured if name in claim.signals]
    values = [claim.signals[name] for claim in having]
    turned = declared is not None and declared["higher_is"] == "riskier"
    return SignalRow(
        name=name,
        declared=declared,
        is_derived=name in DERIVED,
        carried=carried,
        labels=len(having),
        ranking=_ranking([1 - value for value in values] if turned else values, having),
        histogram=histogram(values, having),
        uses=uses,
    )


def _confidence_row(measured: Sequence[MeasuredClaim]) -> SignalRow:
    values = [claim.confidence for claim in measured]
    return SignalRow(
        name="confidence",
        declared=None,
        is_derived=False,
        carried=1.0,
        labels=len(measured),
        ranking=_ranking(values, measured),
        histogram=histogram(values, measured),
        uses=[],
    )


def _ranking(values: Sequence[float], claims: Sequence[MeasuredClaim]) -> Ranking | None:
    return ranking(
        values,
        [claim.right for claim in claims],
        weight=[claim.weight for claim in claims],
        fingerprint=[claim.fingerprint.hex() for claim in claims],
    )


def histogram(values: Sequence[float], claims: Sequence[MeasuredClaim]) -> list[HistogramBin]:
    """Empty without labels; the last bin holds 1."""
    if not claims:
        return []
    place = np.minimum((np.asarray(values) * BINS).astype(int), BINS - 1)
    right = np.array([claim.right for claim in claims])
    weight = np.array([claim.weight for claim in claims])
    counts = [np.bincount(place[kind], minlength=BINS) for kind in (right, ~right)]
    shares = [_shares(place[kind], weight[kind]) for kind in (right, ~right)]
    return [
        HistogramBin(
            low=at / BINS,
            high=(at + 1) / BINS,
            right=int(counts[0][at]),
            wrong=int(counts[1][at]),
            right_share=float(shares[0][at]),
            wrong_share=float(shares[1][at]),
        )
        for at in range(BINS)
    ]


def _shares(place: Any, weight: Any) -> Any:
    sums = np.bincount(place, weights=weight, minlength=BINS)
    return sums / sums.sum() if sums.sum() else sums


def elicitation_mixes(recent: Iterable[RecentClaim]) -> list[Mix]:
    """By model version, those with most claims first."""
    ways: dict[tuple[str, str, str], Counter[str]] = {}
    for claim in recent:
        subject = (claim.model, claim.model_version, claim.prompt_version)
        ways.setdefault(subject, Counter())[claim.elicitation] += 1
    ordered = sorted(ways.items(), key=lambda item: -item[1].total())
    return [Mix(*subject, [(way, n / found.total()) for way, n in found.most_common()]) for subject, found in ordered]


def decisive_rules(recent: Iterable[RecentClaim], *, since: datetime) -> Counter[str]:
    """How often each rule, by its name, asked for the route that stands where the band would have given another.

    Where several rules asked for it, each of them is counted.
    """
    found: Counter[str] = Counter()
    for claim in recent:
        if claim.version and claim.received_at >= since and _was_demanded(claim.reasons):
            rules = getattr(policy_of(*claim.version), "rules", ())
            found.update(
                rule.name for rule in rules if rule.demand.route == claim.route and rule.matches(claim.signals)
            )
    return found


def _was_demanded(reasons: Sequence[str]) -> bool:
    return reasons[0] in DEMANDS and "signal_rule" in reasons and "band" not in reasons


_RECENT: Final = """
    SELECT c.model, c.model_version, c.prompt_version, c.elicitation, c.received_at,
           (c.signals || COALESCE(d.facts -> 'signals', '{}'))::text, d.reasons, d.route, v.id, v.document_hash
      FROM (SELECT * FROM claims_claim WHERE pipeline_id = %s ORDER BY id DESC LIMIT %s) AS c
      JOIN claims_decision AS d ON d.claim_id = c.id AND d.standing
      LEFT JOIN policy_policyversion AS v ON v.id = d.policy_version_id"""

_MEASURED: Final = """
    SELECT c.confidence, (c.signals || COALESCE(d.facts -> 'signals', '{}'))::text, o.correct,
           1 / d.inclusion_probability, c.fingerprint
      FROM (SELECT claim_id, correct FROM claims_outcome
             WHERE pipeline_id = %s AND measures AND correct IS NOT NULL
             ORDER BY created_at DESC LIMIT %s) AS o
      JOIN claims_claim AS c ON c.id = o.claim_id
      JOIN claims_decision AS d ON d.claim_id = c.id AND d.number = 1
     WHERE d.audit_sampled OR d.inclusion_probability = 1 AND d.route <> 'uncertain'"""
# The draw is that of the first decision, and who was handed back was not drawn: see calibration.evidence.


def recent_claims(pipeline_id: int) -> list[RecentClaim]:
    with connection.cursor() as cursor:
        cursor.execute(_RECENT, [pipeline_id, NEWEST])
        return [_recent(*row) for row in cursor.fetchall()]


def _recent(*row: Any) -> RecentClaim:
    model, model_version, prompt_version, elicitation, received_at, signals, reasons, route, *version = row
    return RecentClaim(
        model,
        model_version,
        prompt_version,
        elicitation,
        received_at,
        signals=json.loads(signals),
        reasons=reasons,
        route=route,
        version=(version[0], version[1]) if version[0] else None,
    )


def measured_claims(pipeline_id: int) -> list[MeasuredClaim]:
    with connection.cursor() as cursor:
        cursor.execute(_MEASURED, [pipeline_id, NEWEST])
        return [
            MeasuredClaim(confidence, json.loads(signals), right, weight, bytes(fingerprint))
            for confidence, signals, right, weight, fingerprint in cursor.fetchall()
        ]
