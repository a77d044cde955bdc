"""The learning loop: labels become measured bands, measured bands and a better calibrator become a draft policy."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from time import monotonic
from typing import Any

from django.utils import timezone

from calibration.doubts import doubted_subjects
from calibration.drafting import CalibratorInUse, CalibratorNeverDecided, rebase_drafts, roll_back
from calibration.evidence import Subject, atoms, fitting_times
from calibration.measuring import Measured, measure
from calibration.models import BandStat, Measurement
from calibration.narrowing import stat_of
from calibration.promoting import fit_calibrators, fit_pipeline
from calibration.scoring import LIVING, unknown_scorers
from calibration.tallying import forget_cells, is_resting, rest, tally
from reviewqueue.claims.services import millionths
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.pipelines.watched import watched_of
from reviewqueue.policy import services as policies
from reviewqueue.policy.document import policy_hash
from reviewqueue.policy.models import BandState, BandStateName, PolicyVersion
from reviewqueue.policy.selectors import open_breakers, policy_of
from reviewqueue.transactions import service

__all__ = [
    "CalibratorInUse",
    "CalibratorNeverDecided",
    "fit_calibrators",
    "fit_pipeline",
    "forget_derived",
    "measure_bands",
    "measure_pipeline",
    "rebase_drafts",
    "roll_back",
]

KEY = ("policy_version", "model", "model_version", "prompt_version", "segment", "band")
VALUES = [field.attname for field in BandStat._meta.concrete_fields if field.name not in {"id", *KEY}]


def measure_bands() -> int:
    """Measures every pipeline in which something changed since its last measurement. Returns how many there were."""
    pipelines = Pipeline.objects.order_by("id")
    return sum(measure_pipeline(pipeline) for pipeline in pipelines if not is_resting(pipeline))


def measure_pipeline(pipeline: Pipeline, *, now: datetime | None = None) -> bool:
    """Recomputes the bands of every living policy version from claims and labels; False when nothing had changed."""
    began = monotonic()
    tallied = tally(pipeline)
    if not tallied.complete:
        return False
    now = now or timezone.now()
    doubted = doubted_subjects(pipeline)
    seen = _seen(pipeline, tallied.changes, doubted, now)
    if Measurement.objects.filter(pipeline=pipeline, seen=seen).exists():
        return False
    found = atoms(pipeline.pk)
    fitted = fitting_times(pipeline)
    watched = watched_of(pipeline.watched, categories=pipeline.categories, segment_values=pipeline.segment_values)
    for version in PolicyVersion.objects.filter(pipeline=pipeline, status__in=LIVING).select_related("pipeline"):
        policy = policy_of(version.pk, version.document_hash)
        unknown = unknown_scorers(policy, pipeline)
        known = [atom for atom in found if atom.scored_by not in unknown] if unknown else found
        alarms = {(subject, band.key) for subject in doubted for band in policy.measured_bands}
        _store(version, measure(policy, known, fitted=fitted, now=now, watched=watched, alarms=alarms))
    Measurement.objects.update_or_create(pipeline=pipeline, defaults={"seen": seen, "measured_at": now})
    rest(pipeline, after=monotonic() - began)
    return True


def _seen(pipeline: Pipeline, changes: int, doubted: Collection[Subject], now: datetime) -> str:
    """Changes whenever a number of this pipeline may change (and once an hour, because numbers age)."""
    versions = PolicyVersion.objects.filter(pipeline=pipeline, status__in=LIVING).order_by("number")
    living = ",".join(f"{number}{status}" for number, status in versions.values_list("number", "status"))
    doubts = policy_hash({"doubted": sorted(map(list, doubted))}) if doubted else ""
    stopped = ",".join(str(breaker.pk) for breaker in open_breakers(pipeline))
    return f"{changes}|{living}|{pipeline.watched}|{now:%Y-%m-%dT%H}|{doubts}|{stopped}"


@service
def _store(version: PolicyVersion, measured: Sequence[Measured]) -> None:
    """Replaces the statistics of a version and tells the policy what its bands may do from now on."""
    for each in measured:
        if each.band and not each.segment and each.required is not None:
            policies.set_band_state(
                version=version,
                **each.subject._asdict(),
                band=each.band,
                state=each.state,
                figures={
                    "labelled": each.gate.labels,
                    "right": each.gate.labels - each.gate.errors,
                    "upper_ppm": _ppm(each.error_upper),
                    "required_ppm": _ppm(each.required),
                },
            )
    before = {_key(row): row for row in BandStat.objects.filter(policy_version=version)}
    rows = {_key(row): row for row in (stat_of(version, each) for each in measured)}
    for key in _in_breach(version) & rows.keys():
        rows[key].state = BandStateName.BREACH
    changed = [row for key, row in rows.items() if key not in before or _values(row) != _values(before[key])]
    BandStat.objects.bulk_create(changed, update_conflicts=True, unique_fields=[*KEY], update_fields=VALUES)
    BandStat.objects.filter(pk__in=[row.pk for key, row in before.items() if key not in rows]).delete()


def _in_breach(version: PolicyVersion) -> set[tuple[Any, ...]]:
    """Bands that broke their promise stay so, whatever is measured, until a person has looked."""
    found = BandState.objects.filter(policy_version=version, state=BandStateName.BREACH)
    names = found.values_list("model", "model_version", "prompt_version", "band")
    return {(*name[:3], "", name[3]) for name in names}


def _key(row: BandStat) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in KEY[1:])


def _values(row: BandStat) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in VALUES)


def _ppm(share: float) -> int:
    return millionths(share) or 0


def forget_derived(pipeline: Pipeline) -> None:
    """Deletes every derived row of a pipeline; the next sweep makes the same ones again from claims and labels."""
    forget_cells(pipeline)
    BandStat.objects.filter(pipeline=pipeline).delete()
    Measurement.objects.filter(pipeline=pipeline).delete()
