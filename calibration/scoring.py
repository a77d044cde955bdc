"""What calibrators that look at signals make of every claim: written by sweep, so that figures can count it.

A map of the confidence alone is evaluated wherever it is wanted. A map of several signals cannot be: the cells know the
confidence of a claim and not its signals. So what such a map says of each claim is kept (`Score`), for every calibrator
that a living policy version has or that is still in judgement, and cells are made of it as of the stated confidence.
A score is a function of the claim and the map: losing all of them costs one run of the sweep (docs/decisions/0042).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from time import monotonic
from typing import Any, Final, NamedTuple
from uuid import UUID

import numpy as np
from django.db import connection

from calibration.core.calibrators import predict
from calibration.core.maps import PLACES, reads_signals, signals_of
from calibration.core.segments import offset_name
from calibration.core.signal_maps import SIGNAL_KINDS
from calibration.core.signal_table import signal_table
from calibration.evidence import Subject, first_id_to_read_again
from calibration.models import Calibrator, CalibratorStatus, Score
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.document import Policy, thawed
from reviewqueue.policy.models import PolicyStatus, PolicyVersion
from reviewqueue.policy.selectors import policy_of
from reviewqueue.transactions import service

AT_ONCE: Final = 5_000
SECONDS: Final = 60.0
"""How long one run goes on beginning chunks; the next run does the rest."""

ROUNDING: Final = 2e-8
LIVING: Final = (PolicyStatus.DRAFT, PolicyStatus.APPROVED, PolicyStatus.ACTIVE)
"""Versions that decide or may come to decide: what they need is kept measured."""

log = logging.getLogger("reviewqueue.calibration")


def score_claims() -> int:
    """Returns how many scores were written or forgotten."""
    until = monotonic() + SECONDS
    return sum(score_pipeline(pipeline, until=until) for pipeline in Pipeline.objects.order_by("id"))


def score_pipeline(pipeline: Pipeline, *, until: float = float("inf"), at_once: int = AT_ONCE) -> int:
    """Scores what is new, oldest claims first, and forgets what no living version and no judgement needs any more."""
    wanted = scoring_calibrators(pipeline)
    changed = _forget_others(pipeline, wanted, at_once)
    for calibrator in wanted:
        while monotonic() < until:
            written = score_some(calibrator, at_once=at_once)
            changed += written
            if written < at_once:
                break
    return changed


def scoring_calibrators(pipeline: Pipeline) -> list[Calibrator]:
    """Those that look at signals and are in a living policy version, or are the newest of their subject and neither
    in force nor rejected."""
    found = Calibrator.objects.filter(pipeline=pipeline, kind__in=SIGNAL_KINDS).order_by("number")
    known = {calibrator.name: calibrator for calibrator in found}
    named = {
        entry.name
        for policy in _living(pipeline)
        for entry in policy.calibrators
        if entry.name in known and thawed(entry.map) == known[entry.name].map
    }
    newest = {(each.model, each.model_version, each.prompt_version): each.name for each in known.values()}
    judged = {
        each.name
        for each in known.values()
        if each.status != CalibratorStatus.REJECTED and each.name in newest.values()
    }
    return [calibrator for name, calibrator in known.items() if name in named | judged]


def unknown_scorers(policy: Policy, pipeline: Pipeline) -> set[str]:
    """Names under which the policy has a map of signals that is not that of the calibrator of this name.

    Somebody wrote such an entry by hand. Nothing scores claims by it, so no band may be measured under its name.
    """
    entries = {entry.name: entry for entry in policy.calibrators if reads_signals(entry.map)}
    kept = Calibrator.objects.filter(pipeline=pipeline, name__in=entries).values_list("name", "map")
    return set(entries) - {name for name, found in kept if thawed(entries[name].map) == found}


def _living(pipeline: Pipeline) -> list[Policy]:
    versions = PolicyVersion.objects.filter(pipeline=pipeline, status__in=LIVING).order_by("number")
    return [policy_of(*each) for each in versions.values_list("pk", "document_hash")]


@service
def _forget_others(pipeline: Pipeline, wanted: list[Calibrator], at_most: int) -> int:
    others = Score.objects.filter(calibrator__pipeline=pipeline).exclude(calibrator__in=wanted)
    chunk = list(others.values_list("pk", flat=True)[:at_most])
    return Score.objects.filter(pk__in=chunk).delete()[0] if chunk else 0


@service
def score_some(calibrator: Calibrator, *, at_once: int = AT_ONCE) -> int:
    """Scores the oldest claims of the calibrator's subject that it has not scored yet; returns how many."""
    claims = _unscored(calibrator, at_once)
    if not claims:
        return 0
    names = signals_of(calibrator.map)
    confidence = np.round([claim.confidence for claim in claims], PLACES)
    offsets: Mapping[str, Any] = calibrator.map.get("offsets", {})
    segment = [offset_name(claim.category, claim.segments, offsets) for claim in claims]
    scores = predict(calibrator.map, confidence, segment, signal_table([claim.signals for claim in claims], names))
    _compare(calibrator, claims, scores.tolist())
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [calibrator.pk, [claim.id for claim in claims], scores.tolist()])
    return len(claims)


class _Unscored(NamedTuple):
    """`recorded` is what routing made of the claim, where it used this very calibrator."""

    id: UUID
    confidence: float
    signals: dict[str, float]
    recorded: float | None
    category: str
    segments: dict[str, str]


def _compare(calibrator: Calibrator, claims: list[_Unscored], scores: list[float]) -> None:
    pairs = [(claim.recorded, p) for claim, p in zip(claims, scores, strict=True) if claim.recorded is not None]
    differing = sum(abs(recorded - p) > ROUNDING for recorded, p in pairs)
    if differing:
        log.error("%s: %d of %d scores are not what routing recorded", calibrator.name, differing, len(pairs))


_WRITE: Final = """
    INSERT INTO calibration_score (calibrator_id, claim_id, p)
    SELECT %s, * FROM unnest(%s::uuid[], %s::float8[])
    ON CONFLICT DO NOTHING"""

_UNSCORED: Final = """
    SELECT c.id, c.confidence, (c.signals || COALESCE(d.facts -> 'signals', '{}'))::text,
           CASE WHEN d.calibrator = %(name)s THEN d.calibrated_confidence END, c.category, c.segments::text
      FROM claims_claim c
      JOIN claims_decision d ON d.claim_id = c.id AND d.number = 1
     WHERE c.pipeline_id = %(pipeline)s AND c.id >= %(first)s
       AND c.model = %(model)s AND c.model_version = %(model_version)s AND c.prompt_version = %(prompt_version)s
       AND NOT EXISTS (SELECT FROM calibration_score s WHERE s.claim_id = c.id AND s.calibrator_id = %(calibrator)s)
     ORDER BY c.id
     LIMIT %(limit)s"""


def _unscored(calibrator: Calibrator, at_most: int) -> list[_Unscored]:
    subject = Subject(calibrator.model, calibrator.model_version, calibrator.prompt_version)
    named: dict[str, Any] = {
        **subject._asdict(),
        "name": calibrator.name,
        "pipeline": calibrator.pipeline_id,
        "calibrator": calibrator.pk,
        "first": _first_unscored(calibrator),
        "limit": at_most,
    }
    with connection.cursor() as cursor:
        cursor.execute(_UNSCORED, named)
        return [
            _Unscored(claim, confidence, json.loads(signals), recorded, category, json.loads(segments))
            for claim, confidence, signals, recorded, category, segments in cursor.fetchall()
        ]


def _first_unscored(calibrator: Calibrator) -> UUID:
    """Everything before it is scored: the last scored claim, and back by what may have been committed late."""
    last = Score.objects.filter(calibrator=calibrator).order_by("-claim_id").values_list("claim_id", flat=True).first()
    return first_id_to_read_again(last) if last else UUID(int=0)
