"""Rows of a file become claims, a thousand at a time, each thousand in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from django.utils import timezone

from reviewqueue import intake
from reviewqueue.accounts.models import Source
from reviewqueue.errors import DomainError, Invalid
from reviewqueue.intake import MAX_BATCH, BatchResult
from reviewqueue.pipelines.selectors import pipelines_of_source
from reviewqueue.transfers.checkpoint import Checkpoint, Progress
from reviewqueue.transfers.opening import Opened
from reviewqueue.transfers.plan import Plan
from reviewqueue.transfers.refusals import NotPossible
from reviewqueue.transfers.rejects import RejectFile
from reviewqueue.transfers.rows import Row

MAX_BATCH_BYTES: Final = 8 * 1024 * 1024

Rejected = list[tuple[Row, DomainError]]
Watch = Callable[[Progress, Rejected], None]


class _Judge(Protocol):
    """`intake.submit_batch`, or `intake.preview_batch`."""

    def __call__(self, *, source: Source, bodies: Sequence[object], now: datetime) -> list[BatchResult]: ...


def source_for(slug: str, plan: Plan) -> Source:
    """The source of that name, which may post to the pipeline that the plan names. Raises NotPossible."""
    source = Source.objects.filter(slug=slug, is_active=True).first()
    if source is None:
        raise NotPossible(f"There is no active source {slug!r}.")
    pipeline = plan.constants.get("pipeline", plan.pipeline)
    if pipeline is not None and not pipelines_of_source(source).filter(slug=pipeline).exists():
        raise NotPossible(f"The source {slug!r} has no pipeline {pipeline!r}.")
    return source


@dataclass(frozen=True, slots=True)
class Import:
    """One file on its way in. `watch` is told after every batch."""

    source: Source
    opened: Opened
    plan: Plan
    watch: Watch

    def take_in(self, progress: Progress, checkpoint: Checkpoint, rejects: RejectFile) -> None:
        """Goes on from `progress`. When it is broken off, whatever the moment, the checkpoint knows how to go on."""
        checkpoint.save(progress)  # from now on the reject file is this import's own
        rejects.cut(progress.rejects_bytes)
        for batch in batches(self.opened.rows(progress.rows)):
            rejected = self._tally(progress, batch, intake.submit_batch)
            progress.rejects_bytes += rejects.append(rejected)
            checkpoint.save(progress)
            self.watch(progress, rejected)
        checkpoint.forget()

    def foresee(self, progress: Progress) -> None:
        """Counts what would become of the rows, and writes nothing anywhere."""
        for batch in batches(self.opened.rows(0)):
            self.watch(progress, self._tally(progress, batch, intake.preview_batch))

    def _tally(self, progress: Progress, batch: Sequence[Row], judge: _Judge) -> Rejected:
        rejected: Rejected = []
        for row, result in self._judged(batch, judge):
            if isinstance(result, DomainError):
                rejected.append((row, result))
            elif result.status == 201 and result.answer:
                progress.new += 1
                route = result.answer["decision"]["route"]
                progress.routes[route] = progress.routes.get(route, 0) + 1
            else:
                progress.repeated += 1
        progress.rows += len(batch)
        progress.rejected += len(rejected)
        return rejected

    def _judged(self, batch: Sequence[Row], judge: _Judge) -> list[tuple[Row, BatchResult | DomainError]]:
        bodies: list[tuple[Row, Any]] = []
        judged: list[tuple[Row, BatchResult | DomainError]] = []
        for row in batch:
            try:
                bodies.append((row, self.plan.body(row)))
            except Invalid as error:
                judged.append((row, error.with_traceback(None)))
        results = judge(source=self.source, bodies=[body for _, body in bodies], now=timezone.now())
        judged += [(row, each.error or each) for (row, _), each in zip(bodies, results, strict=True)]
        return sorted(judged, key=lambda each: each[0].line)


def batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Of so many rows, and so few bytes, that a batch is one short transaction."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        if batch and (len(batch) == MAX_BATCH or size + row.size > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += row.size
    if batch:
        yield batch
