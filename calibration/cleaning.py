"""Cleaning: a sweep looks for labels that deserve a second look; an owner has them, and as many others, looked at."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.utils import timezone

from calibration.doubting import Labelled, SubjectSearch, Suspect, both, contradicted, doubted_by_model, drawn, labelled
from calibration.models import SuspectSearch
from reviewqueue.accounts.models import User
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.review.models import RelabelRound, RelabelWhy
from reviewqueue.review.services.second_looks import Doubt, Found, NothingToLookAt, start_round

SETTLED_FOR: Final = timedelta(minutes=20)
"""Past every undo window, also of answers that were committed late."""
SEARCHED_EVERY: Final = timedelta(hours=1)
KEPT: Final = 400
"""Suspects, and labels drawn, that a search keeps: more than second looks may wait, as some will have moved on."""


def search_all() -> int:
    """Searches every pipeline whose search is due. Returns how many there were."""
    return sum(search_pipeline(pipeline) for pipeline in Pipeline.objects.order_by("id"))


def search_pipeline(pipeline: Pipeline, *, now: datetime | None = None, seed: int | None = None) -> bool:
    """Looks for suspects, once an hour unless somebody asked for it; False when that is not due."""
    now = now or timezone.now()
    if SuspectSearch.objects.filter(pipeline=pipeline, next_at__gt=now).exists():
        return False
    seed = secrets.randbits(48) if seed is None else seed
    rows = labelled(pipeline.pk, settled_before=now - SETTLED_FOR)
    by_model, searches = doubted_by_model(rows, seed=seed)
    suspects = both(contradicted(pipeline.pk, rows), by_model)
    stored = {
        "searched_at": now,
        "next_at": now + SEARCHED_EVERY,
        "seed": seed,
        "labels": sum(row.open for row in rows),
        "suspects": len(suspects),
        "by_consensus": sum(suspect.why == "consensus" for suspect in suspects),
        "subjects": [_as_json(search) for search in searches],
        "doubted": [_doubted(suspect) for suspect in suspects[:KEPT]],
        "drawn": [_drawn(row) for row in drawn(rows, suspects, seed=seed)[:KEPT]],
    }
    SuspectSearch.objects.update_or_create(pipeline=pipeline, defaults=stored)
    return True


def search_again(pipeline: Pipeline, *, now: datetime | None = None) -> None:
    """The next sweep searches, whatever the hour. Nothing is decided by that, so nothing is recorded."""
    SuspectSearch.objects.filter(pipeline=pipeline).update(next_at=now or timezone.now())


def last_search(pipeline: Pipeline) -> SuspectSearch | None:
    """What was found. The claims themselves are read when they are asked for."""
    return SuspectSearch.objects.filter(pipeline=pipeline).defer("doubted", "drawn").first()


def start(*, pipeline: Pipeline, by: User, wanted: int, now: datetime | None = None) -> RelabelRound:
    """Second looks at `wanted` suspects of the last search, and at as many of the labels it drew.

    Raises:
        Invalid: see `second_looks.start_round`.
        NothingToLookAt.
    """
    search = last_search(pipeline)
    if search is None:
        raise NothingToLookAt("Nothing was searched yet: the first search comes by itself.")
    found = Found(
        labels=search.labels,
        suspects=search.suspects,
        seed=search.seed,
        doubted=_doubts(search.doubted),
        drawn=_doubts(search.drawn),
    )
    return start_round(pipeline=pipeline, by=by, found=found, wanted=wanted, now=now or timezone.now())


def _as_json(search: SubjectSearch) -> dict[str, Any]:
    counts = {"labels": search.labels, "suspects": search.suspects, "reason": search.reason}
    return {**search.subject._asdict(), **counts}


def _doubted(suspect: Suspect) -> list[Any]:
    return [str(suspect.row.claim_id), str(suspect.row.outcome_id), suspect.why, suspect.probability]


def _drawn(row: Labelled) -> list[Any]:
    return [str(row.claim_id), str(row.outcome_id), RelabelWhy.RANDOM.value, None]


def _doubts(stored: Sequence[Sequence[Any]]) -> list[Doubt]:
    return [
        Doubt(UUID(claim), UUID(outcome), RelabelWhy(why), probability) for claim, outcome, why, probability in stored
    ]
