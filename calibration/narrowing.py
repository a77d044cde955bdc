"""Bands of a part of the claims, measured when somebody asks. Routing goes by the states of all of them."""

from __future__ import annotations

from datetime import UTC, datetime

from calibration.evidence import Subject, fitting_times
from calibration.measuring import EVERYTHING, Measured, measure
from calibration.models import BandStat
from calibration.sample import Slice, sliced
from calibration.selectors import ModelBands, model_bands
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.models import PolicyStatus, PolicyVersion
from reviewqueue.policy.selectors import policy_of


def bands_within(pipeline: Pipeline, *, segment: str, since: datetime | None, now: datetime) -> list[ModelBands]:
    """Under the active policy, of one segment ("": all) and of the claims from a day (UTC) on, most claims first."""
    version = pipeline.policies.filter(status=PolicyStatus.ACTIVE).first()
    if version is None:
        return []
    policy = policy_of(version.pk, version.document_hash)
    part = sliced(pipeline, Slice(segment=segment, since=since.astimezone(UTC).date() if since else None))
    by_subject: dict[Subject, dict[str, BandStat]] = {}
    for each in measure(policy, part, fitted=fitting_times(pipeline), now=now):
        if each.segment == EVERYTHING and each.band:
            by_subject.setdefault(each.subject, {})[each.band] = stat_of(version, each)
    tables = [model_bands(policy, subject, stats) for subject, stats in by_subject.items()]
    return sorted(tables, key=lambda table: -sum(row.n_routed for row in table.rows))


def stat_of(version: PolicyVersion, each: Measured) -> BandStat:
    """What was measured as a row, not stored yet."""
    return BandStat(
        policy_version=version,
        pipeline_id=version.pipeline_id,
        **each.subject._asdict(),
        segment=each.segment,
        band=each.band,
        n_routed=each.claims,
        n_sampled=each.sampled,
        n_labelled=each.labelled,
        n_right=each.right,
        n_apart=each.apart.claims,
        apart_labelled=each.apart.labelled,
        apart_right=each.apart.right,
        mean_confidence=each.mean_confidence,
        accuracy=each.estimate.est,
        low=each.estimate.lo,
        high=each.estimate.hi,
        level=0.95,
        unlabelled_share=each.unlabelled_share,
        pending_low=each.estimate.pending_lo,
        pending_high=each.estimate.pending_hi,
        error_upper=each.error_upper,
        gate_labels=each.gate.labels,
        required=each.required,
        state=each.state,
        method=each.estimate.method,
        newest_outcome_at=each.newest_at,
    )
