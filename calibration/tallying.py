"""Cells: claims and labels counted once, by the day they came in, so that no figure looks at single rows again.

Whatever changes a claim's place in a statistic leaves a mark on its part (a trigger does, in the same transaction), and
the sweep makes the cells of marked parts anew, each in one transaction. So it may run twice, die halfway or start from
nothing: the cells are always those of the rows (docs/decisions/0038).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from time import monotonic
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet
from django.utils import timezone

from calibration.core.labels import in_fit_half
from calibration.evidence import BEGINNING, first_id
from calibration.models import Cell, CellMark, CellState, LabelledInput, MonthCell
from calibration.tallying_sql import CELLS, ERAS, GONE, INPUTS, LATER_PARTS, MONTH, NEW_LABELS, PARTS, RATES
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.transactions import service

SECONDS: Final = 60.0
"""How long one run goes on beginning parts; the next run does the rest."""

RESTS: Final = 10
UNNOTICED: Final = 2.0
"""After a run of this many seconds or more the sweep leaves the pipeline alone for ten times as long as it took."""


class Tally(NamedTuple):
    """`complete`: no part is left whose rows changed before the run began. `changes` rises with every changed part."""

    complete: bool
    changes: int


def tally(pipeline: Pipeline, *, seconds: float = SECONDS) -> Tally:
    """Makes the cells of every marked part anew, oldest first."""
    complete = _tallied(pipeline, monotonic() + seconds)
    return Tally(complete, CellState.objects.values_list("changes", flat=True).get(pipeline=pipeline))


def rest(pipeline: Pipeline, *, after: float) -> None:
    """Leaves a pipeline alone whose counting and measuring took so many seconds."""
    if after >= UNNOTICED:
        until = timezone.now() + timedelta(seconds=RESTS * after)
        CellState.objects.filter(pipeline=pipeline).update(rests_until=until)


def is_resting(pipeline: Pipeline) -> bool:
    """Whether the last run took so long that the next one should wait."""
    return CellState.objects.filter(pipeline=pipeline, rests_until__gt=timezone.now()).exists()


def forget_cells(pipeline: Pipeline) -> None:
    """The next run makes everything anew."""
    for model in (Cell, MonthCell, LabelledInput, CellMark, CellState):
        model.objects.filter(pipeline=pipeline).delete()


def eras_of(pipeline: Pipeline) -> list[datetime]:
    """When another version became active, a calibrator was fitted, or a band began or ceased to decide."""
    with connection.cursor() as cursor:
        cursor.execute(ERAS, {"pipeline": pipeline.pk, "slug": pipeline.slug})
        return [BEGINNING, *(moment for (moment,) in cursor.fetchall())]


def _tallied(pipeline: Pipeline, until: float) -> bool:
    """A changed input moves labels of later parts alone, so going upwards meets every part once."""
    _mark_what_eras_moved(pipeline)
    done: set[date] = set()
    while parts := [part for part in _marked(pipeline) if part not in done]:
        if monotonic() > until:
            return False
        if _recount(pipeline, parts[0]):
            done.clear()  # an audit rate that no cell has counted with: any label may have another level
        else:
            done.add(parts[0])
    for month in _marked(pipeline, is_month=True):
        if monotonic() > until:
            return False
        _add_up(pipeline, month)
    return True


def _marked(pipeline: Pipeline, *, is_month: bool = False) -> list[date]:
    marks = CellMark.objects.filter(pipeline=pipeline, is_month=is_month)
    return list(marks.order_by("part").values_list("part", flat=True).distinct())


@service
def _mark_what_eras_moved(pipeline: Pipeline) -> None:
    """Marks the parts of claims that came in after a change of what decides that their cells do not know of."""
    _take_the_time()
    eras = eras_of(pipeline)
    state = CellState.objects.filter(pipeline=pipeline).first()
    if state is None:
        _begin(pipeline, eras)
    elif eras != state.eras:
        moved = min(set(eras) ^ set(state.eras))
        _mark(pipeline, _parts(pipeline).filter(last_at__gte=moved))
        CellState.objects.filter(pipeline=pipeline).update(eras=eras)


def _begin(pipeline: Pipeline, eras: list[datetime]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(RATES, {"pipeline": pipeline.pk})
        rates = [rate for (rate,) in cursor.fetchall()]
        cursor.execute(PARTS, {"pipeline": pipeline.pk})
        _mark(pipeline, [part for (part,) in cursor.fetchall()])
    CellState.objects.create(pipeline=pipeline, rates=rates, eras=eras, rests_until=BEGINNING)


def _parts(pipeline: Pipeline) -> QuerySet[Cell, date]:
    return Cell.objects.filter(pipeline=pipeline).order_by("part").values_list("part", flat=True).distinct()


def _mark(pipeline: Pipeline, parts: Iterable[date]) -> None:
    CellMark.objects.bulk_create(CellMark(pipeline=pipeline, part=part) for part in parts)


@service
def _recount(pipeline: Pipeline, part: date) -> bool:
    """Makes the cells of a part anew; True when an audit rate turned up that no cell has counted with.

    What was committed before its mark was deleted is seen by what follows; later changes leave a mark of their own.
    """
    _take_the_time()
    state = CellState.objects.select_for_update(no_key=True).get(pipeline=pipeline)
    CellMark.objects.filter(pipeline=pipeline, part=part, is_month=False).delete()
    CellMark.objects.create(pipeline=pipeline, part=part.replace(day=1), is_month=True)
    start = datetime(part.year, part.month, part.day, tzinfo=UTC)
    span: dict[str, Any] = {
        "pipeline": pipeline.pk,
        "part": part,
        "first": first_id(start),
        "end": first_id(start + timedelta(days=1)),
    }
    with connection.cursor() as cursor:
        _update_inputs(cursor, span)
        Cell.objects.filter(pipeline=pipeline, part=part).delete()
        cursor.execute(CELLS, {**span, "rates": state.rates, "eras": state.eras})
    used = set(Cell.objects.filter(pipeline=pipeline, part=part).values_list("audit_rate", flat=True).distinct())
    unknown = used - set(state.rates)
    if unknown:
        state.rates = sorted({*state.rates, *used})
        _mark(pipeline, _parts(pipeline))
        state.save(update_fields=["rates"])
    return bool(unknown)


@service
def _add_up(pipeline: Pipeline, month: date) -> None:
    """Adds up the cells of a month, so that what is asked of all time does not read every day."""
    _take_the_time()
    state = CellState.objects.select_for_update(no_key=True).get(pipeline=pipeline)
    CellMark.objects.filter(pipeline=pipeline, part=month, is_month=True).delete()
    MonthCell.objects.filter(pipeline=pipeline, part=month).delete()
    following = (month + timedelta(days=31)).replace(day=1)
    with connection.cursor() as cursor:
        cursor.execute(MONTH, {"pipeline": pipeline.pk, "month": month, "following": following})
    CellState.objects.filter(pipeline=pipeline).update(changes=state.changes + 1)


def _take_the_time() -> None:
    """For the rest of the transaction: a large day takes longer than a request may, and is grouped by hashing.

    PostgreSQL takes the groups for few and sorts by eighteen columns, and compiles statements for longer than they run.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL statement_timeout = 0; SET LOCAL jit = off; SET LOCAL enable_sort = off;"
            " SET LOCAL work_mem = '64MB'"
        )


def _update_inputs(cursor: CursorWrapper, span: dict[str, Any]) -> None:
    """Which inputs have a label, and marks where a label thereby becomes, or no longer is, the first of its input."""
    cursor.execute(GONE, span)
    changed: list[tuple[UUID, bytes]] = [(claim, bytes(each)) for claim, each in cursor.fetchall()]
    cursor.execute(NEW_LABELS, span)
    new = [(claim, *_of_input(span["pipeline"], names, bytes(each))) for claim, *names, each in cursor.fetchall()]
    if new:
        claims, inputs, halves = map(list, zip(*new, strict=True))
        cursor.execute(INPUTS, {**span, "claims": claims, "inputs": inputs, "halves": halves})
        changed += zip(claims, inputs, strict=True)
    if changed:
        claims, inputs = map(list, zip(*changed, strict=True))
        cursor.execute(LATER_PARTS, {**span, "claims": claims, "inputs": inputs})


def _of_input(pipeline_id: int, names: Sequence[str], fingerprint: bytes) -> tuple[bytes, bool]:
    """What tells the inputs of a pipeline's models and versions apart, and whether this one serves fitting."""
    key = "\x1f".join([str(pipeline_id), *names])
    return hashlib.sha256(key.encode() + fingerprint).digest(), in_fit_half(fingerprint)
