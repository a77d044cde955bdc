"""Which streams of labels are watched, since when, and the labels of each in the order they came in.

At any time the claims that a band may decide are drawn at one rate, so that every label of them counts. Where the
policy raises the rate of some segments, the stream is thinned to what the band's own rate would have drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.db import connection
from django.db.models import Max

from calibration.evidence import Place, Subject, place_of
from calibration.measuring import BY_CONFIDENCE
from calibration.models import MonitorKind
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.document import Band, CalibratorEntry, Policy
from reviewqueue.policy.facts import Facts
from reviewqueue.policy.models import Breaker, PolicyVersion
from reviewqueue.policy.routing import Placement, mandatory_reasons
from reviewqueue.policy.routing import place as placement
from reviewqueue.policy.selectors import EVERY_MODEL, ActivePolicy, policy_of
from reviewqueue.verifiers.finding import PASSED

MOST_VERSIONS_BACK: Final = 50
START: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stream:
    """What one monitor watches. `allowed` is the error rate that its band promises not to exceed."""

    kind: MonitorKind
    subject: Subject
    band: str
    calibrator: str
    allowed: float | None
    refuses: bool
    since: datetime

    @property
    def key(self) -> tuple[str, Subject, str]:
        return (self.kind.value, self.subject, self.band)

    @property
    def rule(self) -> dict[str, Any]:
        """Another one of these starts anew."""
        return {
            "calibrator": self.calibrator,
            "allowed": self.allowed,
            "refuses": self.refuses,
            "since_us": round(self.since.timestamp() * 1_000_000),
        }


@dataclass(frozen=True, slots=True)
class StreamLabel:
    """One measured outcome, and where the active policy places its claim."""

    place: Place
    correct: bool
    audit_u: float
    fingerprint: bytes
    settled_at: datetime
    held: bool
    """It was mandatory, or rules, verifiers or its case sent it to people, so no band decided about it."""
    calibrator: str | None
    calibrated: float | None
    band: str
    """What it was decided by: for maps that need more than the stated confidence, nothing else tells."""


def streams(pipeline: Pipeline, active: ActivePolicy) -> list[Stream]:
    """One per band that decides and one over all bands, for every subject that the policy has a calibrator for."""
    before = _versions_before(pipeline)
    looked = last_resets(pipeline)
    found = []
    for entry in active.policy.calibrators:
        subject = Subject(*entry.subject)
        reset = max(looked.get(subject, START), looked.get(Subject(*EVERY_MODEL), START))
        used_since = max(_since(before, entry), reset)
        found.append(Stream(MonitorKind.CALIBRATION, subject, "", entry.name, None, False, used_since))
        for band in active.policy.measured_bands:
            if band.automates and band.required_accuracy is not None and band.audit_rate > 0:
                since = _since(before, entry, band)
                found.append(_outcome_stream(subject, entry, band, max(since, reset)))
    return found


def _outcome_stream(subject: Subject, entry: CalibratorEntry, band: Band, since: datetime) -> Stream:
    allowed = round(1 - (band.required_accuracy or 0.0), 8)
    return Stream(MonitorKind.OUTCOME, subject, band.key, entry.name, allowed, band.route == "reject", since)


def _versions_before(pipeline: Pipeline) -> list[tuple[datetime, Policy]]:
    """Versions that have decided, the active one first, with the time each began to."""
    versions = PolicyVersion.objects.filter(pipeline=pipeline, activated_at__isnull=False).order_by("-activated_at")
    rows = versions.values_list("activated_at", "id", "document_hash")[:MOST_VERSIONS_BACK]
    return [(activated_at, policy_of(version_id, digest)) for activated_at, version_id, digest in rows if activated_at]


def _since(before: Sequence[tuple[datetime, Policy]], entry: CalibratorEntry, band: Band | None = None) -> datetime:
    """Since when every version that decided has had this calibrator (and this band)."""
    since = before[0][0]
    for activated_at, policy in before:
        if not _has(policy, entry, band):
            break
        since = activated_at
    return since


def _has(policy: Policy, entry: CalibratorEntry, band: Band | None) -> bool:
    return policy.calibrator_of.get(entry.subject) == entry and (band is None or band in policy.measured_bands)


def replaced_by(pipeline: Pipeline) -> list[tuple[CalibratorEntry, CalibratorEntry, datetime]]:
    """Each calibrator in use that replaced another one: the one before, itself, and since when."""
    before = _versions_before(pipeline)
    found = []
    for new in before[0][1].calibrators if before else ():
        since = _since(before, new)
        older = next((policy for activated_at, policy in before if activated_at < since), None)
        old = older.calibrator_of.get(new.subject) if older else None
        if old is not None:
            found.append((old, new, since))
    return found


def last_resets(pipeline: Pipeline) -> dict[Subject, datetime]:
    """When a person last said that a model may decide again: watching starts anew then."""
    resets = Breaker.objects.filter(pipeline=pipeline, reset_at__isnull=False)
    by_name = resets.values_list("model", "model_version", "prompt_version").annotate(last=Max("reset_at"))
    return {Subject(*each[:3]): each[3] for each in by_name}


# The draw is that of the first decision, as in `evidence`; what depends on whether somebody came back was none.
_LABELS = """
    SELECT c.model, c.model_version, c.prompt_version, c.category, c.segments::text, c.confidence,
           CASE WHEN d.facts ? 'checks' THEN ARRAY(
                SELECT digest FROM jsonb_each(d.facts -> 'checks') AS made (digest, finding)
                 WHERE finding ->> 0 = 'pass' ORDER BY digest) END,
           o.correct, d.audit_u, c.fingerprint, o.created_at,
           d.mandatory OR d.reasons && ARRAY['signal_rule', 'verifier_failed', 'mandatory_case']::varchar[],
           d.calibrator, d.calibrated_confidence, d.band
      FROM claims_outcome o
      JOIN claims_claim c ON c.id = o.claim_id
      JOIN claims_decision d ON d.claim_id = c.id AND d.number = 1
     WHERE o.pipeline_id = %s AND o.measures AND o.correct IS NOT NULL AND o.created_at > %s
       AND (d.audit_sampled OR d.inclusion_probability = 1 AND d.route <> 'uncertain')
     ORDER BY o.created_at, o.id"""

_CONSUMED = "SELECT count(*) FROM claims_outcome WHERE pipeline_id = %s AND measures AND created_at <= %s"


def labels_after(pipeline_id: int, moment: datetime) -> Iterator[StreamLabel]:
    """In the order in which their outcomes came to be."""
    with connection.cursor() as cursor:
        cursor.execute(_LABELS, [pipeline_id, moment])
        for row in cursor.fetchall():
            correct, audit_u, fingerprint, *decided = row[7:]
            yield StreamLabel(place_of(row), correct, audit_u, bytes(fingerprint), *decided)


def measured_until(pipeline_id: int, moment: datetime) -> int:
    """How many measured outcomes there are up to a moment: another number than last time means the past has changed."""
    with connection.cursor() as cursor:
        cursor.execute(_CONSUMED, [pipeline_id, moment])
        (found,) = cursor.fetchone()
        return int(found)


class Placed:
    """Where the policy's own routing puts a place; remembered, because places repeat."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._known: dict[Place, tuple[Placement | None, bool]] = {}
        self._bands = {band.key: band for band in policy.measured_bands}

    def band_of(self, place: Place) -> Band | None:
        """None where it takes more than the stated confidence to tell."""
        placed, _ = self._placed(place)
        return placed.band if placed else None

    def of(self, label: StreamLabel) -> tuple[Band | None, float | None, bool]:
        """Band, calibrated confidence, and whether people see such claims whatever their band says."""
        placed, is_mandatory = self._placed(label.place)
        apart = label.held or is_mandatory
        if placed is not None:
            return placed.band, placed.calibrated, apart
        if label.calibrator != self._policy.calibrator_of[label.place.subject].name:
            return None, None, apart
        return self._bands.get(label.band), label.calibrated, apart

    def _placed(self, place: Place) -> tuple[Placement | None, bool]:
        if place not in self._known:
            facts, entry = facts_of(place), self._policy.calibrator_of.get(place.subject)
            by_confidence = entry is None or entry.map.get("kind") in BY_CONFIDENCE
            placed = placement(facts, self._policy) if by_confidence else None
            self._known[place] = placed, bool(mandatory_reasons(facts, self._policy.mandatory))
        return self._known[place]


def facts_of(place: Place) -> Facts:
    return Facts(
        **place.subject._asdict(),
        category=place.category or None,
        segments=dict(place.segments),
        confidence=place.confidence,
        audit_u=0.0,
        checks=dict.fromkeys(place.passed, PASSED),
    )


def by_stream(
    wanted: Mapping[tuple[str, Subject, str], Stream], labels: Sequence[StreamLabel], policy: Policy
) -> dict[tuple[str, Subject, str], list[tuple[StreamLabel, float | None]]]:
    """The labels of each stream, each with its calibrated confidence.

    The promise of a band is about what it may decide: claims that people see whatever it says are not in its stream.
    """
    place_in, thinned = Placed(policy), bool(policy.sampling.floors)
    found: dict[tuple[str, Subject, str], list[tuple[StreamLabel, float | None]]] = {key: [] for key in wanted}
    for label in labels:
        band, calibrated, apart = place_in.of(label)
        if band is None or (thinned and label.audit_u >= band.audit_rate):
            continue
        subject = label.place.subject
        for key in ((MonitorKind.OUTCOME.value, subject, band.key), (MonitorKind.CALIBRATION.value, subject, "")):
            stream = wanted.get(key)
            if stream is None or label.settled_at <= stream.since or (apart and stream.kind == MonitorKind.OUTCOME):
                continue
            found[key].append((label, calibrated))
    return found
