"""How much of each band that decides is audited, where the policy asks for more than a rate of the band.

Worked out by sweep from the claims of the last week, and changed at most once a day: rates are few and known, and each
claim keeps the one it was drawn by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from calibration.core.allocation import Stratum, allocate, rate_for, rounded_down
from calibration.core.segments import CATEGORY, single_names
from calibration.evidence import Subject, first_id, segments_of
from calibration.models import BandStat
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy import services as policies
from reviewqueue.policy.document import Band, Policy
from reviewqueue.policy.models import AuditRates, BandState, PolicyStatus, PolicyVersion
from reviewqueue.policy.selectors import policy_of
from reviewqueue.transactions import service

WEEK: Final = timedelta(days=7)
ONCE_A_DAY: Final = timedelta(hours=24)
EVERY_CLAIM: Final = ""


@dataclass
class Traffic:
    """Of one band and subject: claims that came in within a week, in all and by segment, and since when they do."""

    claims: int = 0
    by_segment: dict[str, int] = field(default_factory=dict)
    first_at: datetime | None = None

    def a_week(self, claims: int, now: datetime) -> float:
        """A band that is younger than a week is taken to go on as it began."""
        age = max(now - (self.first_at or now), timedelta(days=1))
        return claims * max(WEEK / age, 1.0)


@dataclass(frozen=True)
class Audited:
    """A band that decides for a subject, with everything its rates depend on."""

    subject: Subject
    band: Band
    traffic: Traffic
    deciding_since: datetime | None
    audit_labels: int
    labels: int
    errors: int


def set_audit_rates() -> int:
    """Returns how many bands are audited at another rate from now on."""
    return sum(set_audit_rates_of(pipeline) for pipeline in Pipeline.objects.order_by("id"))


def set_audit_rates_of(pipeline: Pipeline, *, now: datetime | None = None) -> int:
    now = now or timezone.now()
    version = PolicyVersion.objects.filter(pipeline=pipeline, status=PolicyStatus.ACTIVE).first()
    if version is None:
        return 0
    policy = policy_of(version.pk, version.document_hash)
    if not policy.sampling.adapts:
        return 0
    changed_at = dict(_changed_at(version))
    due = [
        each
        for each in _audited(version, policy, now)
        if now - changed_at.get((each.subject, each.band.key), now - ONCE_A_DAY) >= ONCE_A_DAY
    ]
    return _store(version, rates_of(policy, due, declared_values(pipeline, policy), now)) if due else 0


def rates_of(
    policy: Policy, bands: Sequence[Audited], values: Mapping[str, Sequence[str]], now: datetime
) -> dict[tuple[Subject, str], dict[str, float]]:
    """By subject and band, the rate of every claim ("") and those of segments that are audited more often. Pure."""
    found = {(each.subject, each.band.key): _rates(policy, each, values, now) for each in bands}
    if policy.sampling.weekly_extra:
        keys = [(each.subject, each.band.key) for each in bands]
        floors = [found[key][EVERY_CLAIM] for key in keys]
        strata = [_stratum(each, floor, now) for each, floor in zip(bands, floors, strict=True)]
        for key, rate in zip(keys, allocate(strata, policy.sampling.weekly_extra), strict=True):
            found[key][EVERY_CLAIM] = max(found[key][EVERY_CLAIM], rounded_down(rate))
    return {
        key: {name: rate for name, rate in rates.items() if not name or rate > rates[EVERY_CLAIM]}
        for key, rates in found.items()
    }


def _rates(policy: Policy, each: Audited, values: Mapping[str, Sequence[str]], now: datetime) -> dict[str, float]:
    sampling, traffic = policy.sampling, each.traffic
    base = each.band.audit_rate
    if sampling.ramp and not _ramp_is_over(policy, each, now):
        base = max(base, sampling.ramp.first_rate)
    if sampling.weekly_minimum:
        base = max(base, rate_for(sampling.weekly_minimum, traffic.a_week(traffic.claims, now)))
    rates = {EVERY_CLAIM: base}
    for attribute, labels in sampling.floors.items():
        for value in values.get(attribute, ()):
            name = f"{attribute}={value}"
            claims = traffic.a_week(traffic.by_segment.get(name, 0), now)
            rates[name] = max(base, rate_for(labels, claims))
    return rates


def _ramp_is_over(policy: Policy, each: Audited, now: datetime) -> bool:
    """The band still decides, that many audit labels are in since it began to, and that many days are over."""
    ramp = policy.sampling.ramp
    if ramp is None or each.deciding_since is None:
        return ramp is None
    return each.audit_labels >= ramp.labels and now - each.deciding_since >= timedelta(days=ramp.days)


def _stratum(each: Audited, floor: float, now: datetime) -> Stratum:
    alpha = 1 - (each.band.required_accuracy or 0.5)
    return Stratum(each.traffic.a_week(each.traffic.claims, now), each.labels, each.errors, alpha, floor)


def declared_values(pipeline: Pipeline, policy: Policy) -> dict[str, list[str]]:
    """Every value of the attributes that have a floor, whether or not a claim has had it."""
    known: dict[str, list[str]] = {CATEGORY: list(pipeline.categories), **pipeline.segment_values}
    return {attribute: list(known.get(attribute, ())) for attribute in policy.sampling.floors}


# --- what the rates depend on ----------------------------------------------------------------------------------


def _changed_at(version: PolicyVersion) -> list[tuple[tuple[Subject, str], datetime]]:
    rows = AuditRates.objects.filter(policy_version=version)
    named = rows.values_list("model", "model_version", "prompt_version", "band", "changed_at")
    return [((Subject(*row[:3]), row[3]), row[4]) for row in named]


def _audited(version: PolicyVersion, policy: Policy, now: datetime) -> list[Audited]:
    """Bands that decide and do not show every claim to people anyway, of every subject with a calibrator."""
    traffic = _traffic(version.pipeline_id, now)
    since = _deciding_since(version)
    stats = {
        (Subject(row.model, row.model_version, row.prompt_version), row.band): row
        for row in BandStat.objects.filter(policy_version=version, segment="").exclude(band="")
    }
    found = []
    for entry in policy.calibrators:
        subject = Subject(*entry.subject)
        for band in policy.measured_bands:
            if band.route not in ("accept", "reject") or band.audit_rate in (0, 1):
                continue
            key, stat = (subject, band.key), stats.get((subject, band.key))
            began = since.get(key)
            labels = stat.gate_labels if stat else 0
            right = stat.accuracy if stat and stat.accuracy is not None else 0.5
            found.append(
                Audited(
                    subject=subject,
                    band=band,
                    traffic=traffic.get(key, Traffic()),
                    deciding_since=began,
                    audit_labels=_audit_labels(version, subject, band.key, began) if policy.sampling.ramp else 0,
                    labels=labels,
                    errors=min(labels, round(labels * (1 - right))),
                )
            )
    return found


def _deciding_since(version: PolicyVersion) -> dict[tuple[Subject, str], datetime]:
    rows = BandState.objects.filter(policy_version=version, state="validated")
    named = rows.values_list("model", "model_version", "prompt_version", "band", "changed_at")
    return {(Subject(*row[:3]), row[3]): row[4] for row in named}


_TRAFFIC: Final = """
    SELECT c.model, c.model_version, c.prompt_version, d.band, c.category, c.segments::text, count(*),
           min(c.received_at)
      FROM claims_claim c JOIN claims_decision d ON d.claim_id = c.id AND d.number = 1
     WHERE c.pipeline_id = %(pipeline)s AND c.id >= %(first)s AND NOT d.mandatory AND d.band <> ''
     GROUP BY 1, 2, 3, 4, 5, 6"""


def _traffic(pipeline_id: int, now: datetime) -> dict[tuple[Subject, str], Traffic]:
    """Of the last week, by the band that the first decision named: claims that were held would have been audited."""
    found: dict[tuple[Subject, str], Traffic] = {}
    with connection.cursor() as cursor:
        cursor.execute(_TRAFFIC, {"pipeline": pipeline_id, "first": first_id(now - WEEK)})
        for model, model_version, prompt_version, band, category, segments, claims, first_at in cursor.fetchall():
            of = found.setdefault((Subject(model, model_version, prompt_version), band), Traffic())
            of.claims += claims
            of.first_at = first_at if of.first_at is None else min(of.first_at, first_at)
            for name in single_names(category, dict(segments_of(segments))):
                of.by_segment[name] = of.by_segment.get(name, 0) + claims
    return found


_AUDIT_LABELS: Final = """
    SELECT count(*)
      FROM claims_claim c
      JOIN claims_decision d ON d.claim_id = c.id AND d.number = 1
      JOIN claims_outcome o ON o.claim_id = c.id AND o.measures
     WHERE c.pipeline_id = %(pipeline)s AND c.id >= %(first)s AND c.received_at >= %(since)s AND d.audit_sampled
       AND c.model = %(model)s AND c.model_version = %(model_version)s AND c.prompt_version = %(prompt_version)s
       AND d.band = %(band)s"""


def _audit_labels(version: PolicyVersion, subject: Subject, band: str, since: datetime | None) -> int:
    if since is None:
        return 0
    named: dict[str, Any] = {
        "pipeline": version.pipeline_id,
        "since": since,
        "first": first_id(since),
        "band": band,
        **subject._asdict(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_AUDIT_LABELS, named)
        (labels,) = cursor.fetchone()
        return int(labels)


@service
def _store(version: PolicyVersion, rates: Mapping[tuple[Subject, str], dict[str, float]]) -> int:
    return sum(
        policies.set_audit_rates(version=version, subject=subject, band=band, rates=by_segment)
        for (subject, band), by_segment in sorted(rates.items())
    )
