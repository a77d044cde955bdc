"""What became of the claims of a pipeline: where they went, and what came of them. One query over the newest."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.db import connection

from calibration.core.bands import Stratum, band_accuracy
from calibration.evidence import first_id
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.document import LADDER, Policy

NEWEST: Final = 20_000
"""How many claims the figures rest on at most."""

ACCEPTED: Final = ("accept", "accept_flagged")
"""Routes on which an output goes out before a person has seen it."""

ROUTES: Final = tuple(reversed(LADDER))
ENDS: Final = ("right", "wrong", "not_judged", "with_people", "with_caller", "not_looked_at")


class Way(NamedTuple):
    """Claims that went the same way and ended alike.

    `drawn`: the first decision gave them a known chance of a label and drew them; `measured` is what the label that
    counts in estimates said, None without one or where nobody could tell.
    """

    route: str
    band: str
    end: str
    audit_rate: float
    drawn: bool
    measured: bool | None
    undecided: bool
    claims: int


@dataclass(frozen=True, slots=True)
class Stream:
    """Claims of one route that ended alike."""

    route: str
    end: str
    claims: int


@dataclass(frozen=True, slots=True)
class SelectiveRisk:
    """How often what was accepted is wrong, from labels drawn with a known chance, with the 95 % interval.

    `error` is None while a part of the accepted claims has no label yet. `target` is what the bands they lay in
    promise, None where none of them does.
    """

    error: float | None
    low: float
    high: float
    accepted: int
    labelled: int
    target: float | None

    @property
    def is_over(self) -> bool:
        """Above the target beyond doubt."""
        return self.target is not None and self.error is not None and self.low > self.target


@dataclass(frozen=True, slots=True)
class Flow:
    """`since` is when the oldest claim in it came; `is_cut` when there were more than are looked at."""

    since: datetime
    is_cut: bool
    claims: int
    streams: tuple[Stream, ...]
    coverage: float | None
    risk: SelectiveRisk
    expected_draws: float
    draws: int

    def of_route(self, route: str) -> int:
        return sum(stream.claims for stream in self.streams if stream.route == route)

    def of_end(self, end: str) -> int:
        return sum(stream.claims for stream in self.streams if stream.end == end)


# A draw is that of the first decision: whatever later made the claim go elsewhere was no chance (calibration.evidence).
_WAYS: Final = """
    SELECT decision.route, decision.band,
           CASE WHEN outcome.correct THEN 'right' WHEN NOT outcome.correct THEN 'wrong'
                WHEN outcome.id IS NOT NULL THEN 'not_judged'
                WHEN EXISTS (SELECT FROM review_reviewtask AS task
                              WHERE task.claim_id = claim.id AND task.closed_at IS NULL AND task.purpose <> 'gold')
                THEN 'with_people'
                WHEN decision.route = 'uncertain' THEN 'with_caller' ELSE 'not_looked_at' END,
           first.audit_rate,
           first.audit_sampled OR first.inclusion_probability = 1 AND first.route <> 'uncertain',
           measured.correct, measured.id IS NOT NULL AND measured.correct IS NULL,
           count(*), min(claim.received_at)
      FROM (SELECT id, received_at FROM claims_claim
             WHERE pipeline_id = %s AND id >= %s ORDER BY id DESC LIMIT %s) AS claim
      JOIN claims_decision AS decision ON decision.claim_id = claim.id AND decision.standing
      JOIN claims_decision AS first ON first.claim_id = claim.id AND first.number = 1
      LEFT JOIN claims_outcome AS outcome ON outcome.claim_id = claim.id AND outcome.standing
      LEFT JOIN claims_outcome AS measured ON measured.claim_id = claim.id AND measured.measures
     GROUP BY 1, 2, 3, 4, 5, 6, 7"""


def flow_since(pipeline: Pipeline, policy: Policy | None, *, days: int, now: datetime) -> Flow:
    """Of the claims of so many days. One query; the policy says what its bands promise."""
    start = now - timedelta(days=days)
    with connection.cursor() as cursor:
        cursor.execute(_WAYS, [pipeline.pk, first_id(start), NEWEST])
        rows = cursor.fetchall()
    ways = [Way(*row[:-1]) for row in rows]
    is_cut = sum(way.claims for way in ways) >= NEWEST
    oldest = min((row[-1] for row in rows), default=start)
    return flow_of(ways, policy, since=oldest if is_cut else start, is_cut=is_cut)


def flow_of(ways: Sequence[Way], policy: Policy | None, *, since: datetime, is_cut: bool = False) -> Flow:
    claims = sum(way.claims for way in ways)
    counted: Counter[tuple[str, str]] = Counter()
    for way in ways:
        counted[way.route, way.end] += way.claims
    accepted = [way for way in ways if way.route in ACCEPTED]
    audited = [way for way in accepted if way.route == "accept"]
    return Flow(
        since=since,
        is_cut=is_cut,
        claims=claims,
        streams=tuple(
            Stream(route, end, counted[route, end]) for route in ROUTES for end in ENDS if counted[route, end]
        ),
        coverage=sum(way.claims for way in accepted) / claims if claims else None,
        risk=_risk(accepted, policy),
        expected_draws=sum(way.audit_rate * way.claims for way in audited),
        draws=sum(way.claims for way in audited if way.drawn),
    )


def _risk(accepted: Sequence[Way], policy: Policy | None) -> SelectiveRisk:
    """Post-stratified by the rate at which claims were drawn; those that nobody could judge are left out."""
    strata = _strata([way for way in accepted if not way.undecided])
    found = band_accuracy(strata)
    return SelectiveRisk(
        error=None if found.est is None else 1 - found.est,
        low=1 - found.hi,
        high=1 - found.lo,
        accepted=sum(way.claims for way in accepted),
        labelled=found.n,
        target=_target(accepted, policy),
    )


def _strata(ways: Iterable[Way]) -> list[Stratum]:
    by_rate: dict[float, list[Way]] = defaultdict(list)
    for way in ways:
        by_rate[way.audit_rate].append(way)
    return [_stratum(rate, group) for rate, group in sorted(by_rate.items())]


def _stratum(rate: float, group: Sequence[Way]) -> Stratum:
    sampled = sum(way.claims for way in group if way.drawn)
    labelled = sum(way.claims for way in group if way.drawn and way.measured is not None)
    return Stratum(
        claims=sum(way.claims for way in group),
        sampled=sampled,
        labelled=labelled,
        right=sum(way.claims for way in group if way.drawn and way.measured),
        pending=sampled - labelled,
        rate=rate,
    )


def _target(accepted: Sequence[Way], policy: Policy | None) -> float | None:
    """The error that the bands allow, each weighing as many claims as it let go; with none yet, the strictest."""
    if policy is None:
        return None
    allowed = {
        band.key: 1 - band.required_accuracy
        for band in policy.measured_bands
        if band.route in ACCEPTED and band.required_accuracy is not None
    }
    known = [(allowed[way.band], way.claims) for way in accepted if way.band in allowed]
    if known:
        return sum(error * claims for error, claims in known) / sum(claims for _, claims in known)
    return min(allowed.values(), default=None)
