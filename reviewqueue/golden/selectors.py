"""Golden sets, their versions, items and runs, as pages and the REST edge ask for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery

from reviewqueue.accounts.models import Source
from reviewqueue.errors import NotFound
from reviewqueue.golden.digests import answer_leaf, digest_of, item_leaf
from reviewqueue.golden.items import Item, Names
from reviewqueue.golden.models import GoldenAnswer, GoldenItem, GoldenRun, GoldenSet, GoldenVersion, RunState
from reviewqueue.pipelines.models import Pipeline

MOST_SETS: Final = 50
RUNS_SHOWN: Final = 50
ITEMS_SHOWN: Final = 50
MOST_IN_TREND: Final = 60


def names_of(pipeline: Pipeline) -> Names:
    return Names(pipeline.slug, pipeline.categories, pipeline.segment_values)


def sets_of(pipeline: Pipeline) -> QuerySet[GoldenSet]:
    """Those in use first, with the number and size of the version in use (`in_use`, `items`) and of a draft."""
    versions = GoldenVersion.objects.filter(golden_set=OuterRef("pk")).order_by("-number")
    published = versions.filter(published_at__isnull=False)
    drafts = versions.filter(published_at__isnull=True)
    drafted = GoldenItem.objects.filter(version__golden_set=OuterRef("pk"), version__published_at__isnull=True)
    counted = drafted.order_by().values("version").annotate(n=Count("id"))
    return (
        GoldenSet.objects.filter(pipeline=pipeline)
        .select_related("owner")
        .annotate(
            in_use=Subquery(published.values("number")[:1]),
            items=Subquery(published.values("size")[:1]),
            published_at=Subquery(published.values("published_at")[:1]),
            drafted=Subquery(drafts.values("number")[:1]),
            drafted_items=Subquery(counted.values("n")[:1]),
        )
        .order_by(F("retired_at").asc(nulls_first=True), "name")[:MOST_SETS]
    )


def set_named(pipeline: Pipeline, name: str) -> GoldenSet:
    """Raises NotFound."""
    found = GoldenSet.objects.filter(pipeline=pipeline, name=name).select_related("owner", "pipeline").first()
    if found is None:
        raise NotFound("There is no such golden set.")
    return found


def version_in_use(golden_set: GoldenSet) -> GoldenVersion | None:
    """The newest one that is published."""
    return golden_set.versions.filter(published_at__isnull=False).order_by("-number").first()


def draft_of(golden_set: GoldenSet) -> GoldenVersion | None:
    return golden_set.versions.filter(published_at__isnull=True).first()


def version_numbered(golden_set: GoldenSet, number: int) -> GoldenVersion:
    """Raises NotFound."""
    found = golden_set.versions.filter(number=number).select_related("published_by").first()
    if found is None:
        raise NotFound("The golden set has no such version.")
    return found


def versions_of(golden_set: GoldenSet) -> list[GoldenVersion]:
    """Newest first, with how many runs each has (`run_count`)."""
    versions = golden_set.versions.select_related("published_by").annotate(run_count=Count("runs"))
    return list(versions.order_by("-number")[:RUNS_SHOWN])


def runs_of(golden_set: GoldenSet, *, before: UUID | None = None, limit: int = RUNS_SHOWN) -> list[GoldenRun]:
    """Newest first."""
    runs = golden_set.runs.select_related("version", "source").defer("report")
    if before is not None:
        runs = runs.filter(pk__lt=before)
    return list(runs.order_by("-id")[:limit])


def trend(golden_set: GoldenSet) -> list[GoldenRun]:
    """The newest finished runs that have answers, oldest first."""
    finished = golden_set.runs.filter(finished_at__isnull=False, answered__gt=0).select_related("version")
    return list(finished.order_by("-id")[:MOST_IN_TREND])[::-1]


def run_in(golden_set: GoldenSet, run_id: UUID) -> GoldenRun:
    """Raises NotFound."""
    found = (
        GoldenRun.objects.filter(golden_set=golden_set, pk=run_id)
        .select_related("version", "source", "golden_set", "pipeline")
        .first()
    )
    if found is None:
        raise NotFound("The golden set has no such run.")
    return found


def runs_to_compare(run: GoldenRun) -> list[GoldenRun]:
    """Other finished runs on the same version of the set, newest first."""
    others = GoldenRun.objects.filter(golden_set=run.golden_set_id, version=run.version_id, answered__gt=0)
    return list(
        others.filter(finished_at__isnull=False).exclude(pk=run.pk).defer("report").order_by("-id")[:RUNS_SHOWN]
    )


def run_before(run: GoldenRun) -> GoldenRun | None:
    """The last run of another version of the model or the prompt, on the same version of the set."""
    earlier = GoldenRun.objects.filter(golden_set=run.golden_set_id, version=run.version_id, answered__gt=0)
    same = Q(model=run.model, model_version=run.model_version, prompt_version=run.prompt_version)
    return (
        earlier.filter(~same, finished_at__isnull=False, pk__lt=run.pk)
        .select_related("version", "golden_set")
        .order_by("-id")
        .first()
    )


def found(run: GoldenRun | None) -> GoldenRun:
    """Raises NotFound where there is none to compare with."""
    if run is None:
        raise NotFound("No other version has a finished run on this version of the set.")
    return run


def own_run(source: Source, pipeline: Pipeline, name: str, run_id: UUID) -> GoldenRun:
    """A run that this source started. Raises NotFound."""
    found = GoldenRun.objects.filter(pk=run_id, source=source, pipeline=pipeline, golden_set__name=name).select_related(
        "version", "golden_set", "pipeline"
    )
    run = found.first()
    if run is None:
        raise NotFound("There is no such run.")
    return run


# --- items ----------------------------------------------------------------------------------------------------------


def items_of(version: GoldenVersion, *, page: int = 1, limit: int = ITEMS_SHOWN) -> list[GoldenItem]:
    """In the order they were given, with their contents; an erased one has none."""
    start = (max(page, 1) - 1) * limit
    return list(with_texts(version.items.all()).order_by("place", "id")[start : start + limit])


def with_texts(items: QuerySet[GoldenItem]) -> QuerySet[GoldenItem]:
    """With what their texts are read from, in the same statement."""
    return items.select_related("payload__key")


def item_with_content(row: GoldenItem) -> Item:
    """Of an erased one only what is known without the text."""
    content: dict[str, Any] = row.payload.content if hasattr(row, "payload") else {}
    return Item(
        key=row.key,
        input=content.get("input"),
        answer=content.get("answer"),
        comparison=row.comparison,  # type: ignore[arg-type]  # stored by drafts.py alone
        tolerance=row.tolerance,
        category=row.category or None,
        segments=row.segments,
        note=content.get("note", ""),
    )


def not_comparable(version: GoldenVersion, *, most: int) -> list[tuple[GoldenItem, str]]:
    """Items whose answers no machine can compare, with why."""
    found: list[tuple[GoldenItem, str]] = []
    for row in with_texts(version.items.all()).order_by("place", "id").iterator(chunk_size=2_000):
        if problems := item_with_content(row).comparison_problems():
            found.append((row, problems[0].detail))
        if len(found) >= most:
            break
    return found


# --- what the ledger has --------------------------------------------------------------------------------------------


def items_digest(version: GoldenVersion) -> bytes:
    """As it is worked out now: what was published is what the ledger says if the two are equal."""
    rows = version.items.values_list("key", "comparison", "tolerance", "category", "segments", "commitment")
    return digest_of((row[0], _item_leaf(row)) for row in rows.iterator(chunk_size=2_000))


def _item_leaf(row: tuple[Any, ...]) -> bytes:
    key, comparison, tolerance, category, segments, commitment = row
    return item_leaf(
        key=key, comparison=comparison, tolerance=tolerance, category=category, segments=segments,
        commitment=bytes(commitment),
    )  # fmt: skip


def answers_digest(run: GoldenRun) -> bytes:
    rows: Iterable[tuple[Any, ...]] = GoldenAnswer.objects.filter(run=run).values_list(
        "item__key", "confidence", "right", "commitment"
    )
    return digest_of(
        (key, answer_leaf(key=key, confidence=confidence, right=right, commitment=bytes(commitment)))
        for key, confidence, right, commitment in rows
    )


def is_whole(run: GoldenRun) -> bool:
    """Whether a finished run says enough to count as a measurement: at most one answer in twenty is missing."""
    return run.state != RunState.OPEN and run.answered > 0 and run.missing * 20 <= run.size
