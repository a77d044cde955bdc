"""Until when the versions in traffic are to be measured again, and who sees to it.

Where a golden set is in use, it says so (golden/due.py). Elsewhere labels measure: the newest one of a version may be
as old as the active policy allows, and a version without one has as long from its first claim.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max

from calibration.models import BandStat
from reviewqueue.accounts.models import User
from reviewqueue.golden.due import Due, Reason, Subject, due_by, in_traffic, sets_in_use
from reviewqueue.golden.models import SeenVersion
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.models import PolicyStatus, PolicyVersion
from reviewqueue.policy.selectors import policy_of


@dataclass(frozen=True, slots=True)
class Remeasurement:
    """`golden_set` is its name, empty where labels measure."""

    golden_set: str
    subject: Subject
    reason: Reason
    first_seen_at: datetime
    measured_at: datetime | None
    due_at: datetime
    owner: User
    late: bool

    @property
    def model(self) -> str:
        return self.subject[0]

    @property
    def model_version(self) -> str:
        return self.subject[1]

    @property
    def prompt_version(self) -> str:
        return self.subject[2]


def remeasurements(pipelines: Sequence[Pipeline], *, now: datetime) -> dict[int, list[Remeasurement]]:
    """By pipeline, where there are any; what is due first first. Six queries, however many pipelines there are, and
    one for each policy that this process has not read yet.

    Expects pipelines with their owners.
    """
    found: dict[int, list[Remeasurement]] = {}
    sets = sets_in_use(pipelines)
    for due in due_by(sets, now=now):
        found.setdefault(due.golden_set.pipeline_id, []).append(_by_golden_set(due))
    measured = {each.pipeline_id for each in sets}
    for pipeline_id, by_labels in _by_labels([each for each in pipelines if each.pk not in measured], now).items():
        found[pipeline_id] = sorted(by_labels, key=lambda each: (each.due_at, each.subject))
    return found


def _by_golden_set(due: Due) -> Remeasurement:
    return Remeasurement(
        golden_set=due.golden_set.name,
        subject=due.subject,
        reason=due.reason,
        first_seen_at=due.first_seen_at,
        measured_at=due.measured_at,
        due_at=due.due_at,
        owner=due.owner,
        late=due.late,
    )


def _by_labels(pipelines: Sequence[Pipeline], now: datetime) -> dict[int, list[Remeasurement]]:
    if not pipelines:
        return {}
    versions = PolicyVersion.objects.filter(pipeline__in=pipelines, status=PolicyStatus.ACTIVE)
    active = {version.pipeline_id: version for version in versions}
    newest = _newest_labels(active)
    owners = {each.pk: each.owner for each in pipelines}
    return {
        pipeline_id: [
            _by_label(seen, active[pipeline_id], newest.get((pipeline_id, _subject(seen))), owners[pipeline_id], now)
            for seen in versions_seen
        ]
        for pipeline_id, versions_seen in in_traffic(active, now).items()
    }


def _newest_labels(active: Mapping[int, PolicyVersion]) -> dict[tuple[int, Subject], datetime]:
    stats = BandStat.objects.filter(policy_version__in=active.values(), segment="", newest_outcome_at__isnull=False)
    rows = stats.values_list("pipeline", "model", "model_version", "prompt_version").annotate(
        last=Max("newest_outcome_at")
    )
    return {(row[0], (row[1], row[2], row[3])): row[4] for row in rows.order_by()}


def _by_label(
    seen: SeenVersion, version: PolicyVersion, newest: datetime | None, owner: User, now: datetime
) -> Remeasurement:
    allowed = timedelta(days=policy_of(version.pk, version.document_hash).freshness_days)
    begun = max(seen.first_seen_at, version.activated_at or seen.first_seen_at)
    due_at = (newest or begun) + allowed
    return Remeasurement(
        golden_set="",
        subject=_subject(seen),
        reason="schedule" if newest else "new_version",
        first_seen_at=seen.first_seen_at,
        measured_at=newest,
        due_at=due_at,
        owner=owner,
        late=due_at <= now,
    )


def _subject(seen: SeenVersion) -> Subject:
    return seen.model, seen.model_version, seen.prompt_version
