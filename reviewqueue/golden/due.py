"""Which measurements by golden sets are due: of versions that are new in traffic, and of those measured too long ago.

A version in traffic has to have a whole run of its key (model, model version, prompt version) on each golden set in
use. One that was measured before its first claim came in counts, unless the schedule has run out by then.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from django.db.models import Count, F, OuterRef, Subquery, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.golden.models import GoldenRun, GoldenSet, GoldenVersion, LateNotice, SeenVersion
from reviewqueue.pipelines.models import Pipeline

TRAFFIC_DAYS: Final = 30
"""A version without a claim for so long is in traffic no more."""

MOST_VERSIONS: Final = 100
"""Somebody may post under any number of names: the ones seen last are asked about."""

SHARE_MISSING: Final = 20
"""One answer in so many may be missing in a run that counts."""

Subject = tuple[str, str, str]
Reason = Literal["new_version", "schedule"]


@dataclass(frozen=True, slots=True)
class Due:
    """A measurement that has to be made until `due_at`. `measured_at` is when it last was."""

    golden_set: GoldenSet
    model: str
    model_version: str
    prompt_version: str
    reason: Reason
    first_seen_at: datetime
    measured_at: datetime | None
    due_at: datetime
    late: bool

    @property
    def subject(self) -> Subject:
        return self.model, self.model_version, self.prompt_version

    @property
    def owner(self) -> User:
        return self.golden_set.owner


def due_for(pipeline: Pipeline, *, now: datetime | None = None) -> list[Due]:
    """One entry for each golden set in use and each version in traffic, what is due first first. Three queries."""
    return due_for_many([pipeline], now=now)


def late_counts(pipelines: Sequence[Pipeline]) -> dict[int, int]:
    """How many measurements were told to be late and are not made yet, by pipeline, where there are any. One query."""
    open_notices = LateNotice.objects.filter(
        golden_set__pipeline__in=pipelines, golden_set__retired_at__isnull=True, ended_at__isnull=True
    )
    counted = open_notices.values_list("golden_set__pipeline").annotate(n=Count("id")).order_by()
    return dict(counted)


def worse_lately(pipeline: Pipeline, *, now: datetime) -> list[GoldenRun]:
    """The last run of each version on each set, of the last month, where it is worse than promised. One query."""
    newest = (
        GoldenRun.objects.filter(
            golden_set__in=GoldenSet.objects.filter(pipeline=pipeline, retired_at__isnull=True),
            finished_at__gte=now - timedelta(days=TRAFFIC_DAYS),
        )
        .select_related("golden_set")
        .order_by("golden_set", "model", "model_version", "prompt_version", "-finished_at")
        .distinct("golden_set", "model", "model_version", "prompt_version")
    )
    return [
        run
        for run in newest[:MOST_VERSIONS]
        if any(promise["worse"] for promise in (run.report or {}).get("promises", ()))
    ]


def due_for_many(pipelines: Sequence[Pipeline], *, now: datetime | None = None) -> list[Due]:
    return due_by(sets_in_use(pipelines), now=now or timezone.now())


def due_by(sets: Sequence[GoldenSet], *, now: datetime) -> list[Due]:
    """Of sets from `sets_in_use`. Two queries."""
    if not sets:
        return []
    seen = in_traffic({each.pipeline_id for each in sets}, now)
    measured = last_runs(sets)
    found = [
        _due(golden_set, version, measured.get((golden_set.pk, _subject(version))), now)
        for golden_set in sets
        for version in seen.get(golden_set.pipeline_id, ())
    ]
    return sorted(found, key=lambda due: (due.due_at, due.golden_set.name, due.subject))


def sets_in_use(pipelines: Sequence[Pipeline]) -> list[GoldenSet]:
    """Those that are not retired and have a published version, since when (`first_published_at`)."""
    published = GoldenVersion.objects.filter(golden_set=OuterRef("pk"), published_at__isnull=False).order_by("number")
    return list(
        GoldenSet.objects.filter(pipeline__in=pipelines, retired_at__isnull=True)
        .select_related("owner", "pipeline")
        .annotate(first_published_at=Subquery(published.values("published_at")[:1]))
        .filter(first_published_at__isnull=False)
        .order_by("pipeline", "name")
    )


def last_runs(sets: Sequence[GoldenSet]) -> dict[tuple[object, Subject], datetime]:
    """When each version was last measured by each set, by a run with hardly an answer missing."""
    whole = GoldenRun.objects.filter(
        golden_set__in=sets,
        finished_at__isnull=False,
        answered__gt=0,
        answered__gte=F("size") - F("size") / SHARE_MISSING,
    )
    newest = whole.order_by("golden_set", "model", "model_version", "prompt_version", "-finished_at").distinct(
        "golden_set", "model", "model_version", "prompt_version"
    )
    rows = newest.values_list("golden_set", "model", "model_version", "prompt_version", "finished_at")
    return {(row[0], (row[1], row[2], row[3])): row[4] for row in rows if row[4] is not None}


def in_traffic(pipelines: Collection[int], now: datetime) -> dict[int, list[SeenVersion]]:
    """The versions of each pipeline that claims came of lately, newest first. One query."""
    newest = Window(RowNumber(), partition_by=F("pipeline"), order_by=F("last_seen_at").desc())
    lately = SeenVersion.objects.filter(
        pipeline__in=pipelines, last_seen_at__gte=now - timedelta(days=TRAFFIC_DAYS)
    ).annotate(place=newest)
    found: dict[int, list[SeenVersion]] = {}
    for seen in lately.filter(place__lte=MOST_VERSIONS).order_by("pipeline", "place"):
        found.setdefault(seen.pipeline_id, []).append(seen)
    return found


def _due(golden_set: GoldenSet, version: SeenVersion, measured_at: datetime | None, now: datetime) -> Due:
    """What was never measured has `within_days` from its first claim, or from the first publication of the set."""
    begun: datetime = golden_set.first_published_at  # type: ignore[attr-defined]  # annotated
    new_until = max(version.first_seen_at, begun) + timedelta(days=golden_set.within_days)
    again_at = measured_at and measured_at + timedelta(days=golden_set.every_days)
    reason: Reason = "schedule" if again_at and again_at >= version.first_seen_at else "new_version"
    due_at = again_at if again_at and reason == "schedule" else new_until
    return Due(
        golden_set=golden_set,
        model=version.model,
        model_version=version.model_version,
        prompt_version=version.prompt_version,
        reason=reason,
        first_seen_at=version.first_seen_at,
        measured_at=measured_at,
        due_at=due_at,
        late=due_at <= now,
    )


def _subject(version: SeenVersion) -> Subject:
    return version.model, version.model_version, version.prompt_version
