"""A sweep looks for the worst slices and for confidence upside down; an owner has a slice watched, or dismisses it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from django.utils import timezone

from calibration.core.cells import IntArray
from calibration.core.inversions import Inversion, Labelled, inversions
from calibration.core.segments import CATEGORY, MOST_WATCHED, Attributes, can_be_paired, in_order
from calibration.core.slices import BadSlice, worst_slices
from calibration.evidence import Subject
from calibration.models import DismissedSlice, SliceSearch
from calibration.recent import RecentLabels, recent_labels, state_of_labels
from reviewqueue.accounts.models import User
from reviewqueue.errors import Conflict, Forbidden, NotFound
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.pipeline_settings import change_settings
from reviewqueue.pipelines.models import Pipeline, Role
from reviewqueue.pipelines.selectors import has_role
from reviewqueue.pipelines.watched import watched_of
from reviewqueue.transactions import service

SEARCHED_EVERY: Final = timedelta(hours=1)
GROWTH: Final = 1.5
FEWEST_OF_MODEL: Final = 100
MOST_MODELS: Final = 12
MOST_DISMISSED: Final = 200
MOST_INVERSIONS: Final = 50
SEGMENT: Final = "segment:"
"""What comes before the name of a segment attribute where dimensions of other kinds stand beside it."""

Facts = Sequence[Sequence[str]]


class TooManyDismissed(Conflict):
    code = "too_many_dismissed"


class NothingToWatch(Conflict):
    """A slice of model versions or confidence: those are measured apart already."""

    code = "nothing_to_watch"


# --- searching ------------------------------------------------------------------------------------------------------


def search_slices() -> int:
    """Searches every pipeline whose search is due. Returns how many there were."""
    return sum(search_pipeline(pipeline) for pipeline in Pipeline.objects.order_by("id"))


def search_pipeline(pipeline: Pipeline, *, now: datetime | None = None) -> bool:
    """Once an hour; sooner when there are half as many labels again, at once when something else is watched.

    False when it is not due or nothing is new.
    """
    now = now or timezone.now()
    state, declared = state_of_labels(pipeline.pk), json.dumps(pipeline.watched)
    last = SliceSearch.objects.filter(pipeline=pipeline).only("next_at", "seen", "outcomes").first()
    if last and last.seen == f"{state.newest}|{declared}":
        return False
    grown = last is None or state.outcomes >= GROWTH * max(last.outcomes, FEWEST_OF_MODEL)
    if last and last.next_at > now and last.seen.endswith(f"|{declared}") and not grown:
        return False
    labels = recent_labels(pipeline.pk)
    search = worst_slices(
        facts_of(labels),
        labels.confidence,
        labels.right,
        discover=labels.in_fit_half,
        weight=labels.weight,
        fingerprint=labels.cluster,
    )
    stored = {
        "searched_at": now,
        "next_at": now + SEARCHED_EVERY,
        "seen": f"{state.newest}|{declared}",
        "outcomes": state.outcomes,
        "labels": len(labels),
        "looked_at": search.looked_at,
        "tested": search.tested,
        "slices": [_slice_as_json(each) for each in search.slices],
        "inversions": [_as_json(*each) for each in upside_down(pipeline, labels)[:MOST_INVERSIONS]],
    }
    SliceSearch.objects.update_or_create(pipeline=pipeline, defaults=stored)
    return True


def facts_of(labels: RecentLabels) -> dict[str, list[str]]:
    """Everything known of each claim, by dimension."""
    attributes = sorted({attribute for row in labels.rows for attribute in row.segments})
    return {
        CATEGORY: [row.category for row in labels.rows],
        **{SEGMENT + name: [row.segments.get(name, "") for row in labels.rows] for name in attributes},
        "model": [f"{row.subject.model} {row.subject.model_version}" for row in labels.rows],
        "prompt": [row.subject.prompt_version for row in labels.rows],
        "elicitation": [row.elicitation for row in labels.rows],
    }


def upside_down(pipeline: Pipeline, labels: RecentLabels) -> list[tuple[Subject, Inversion]]:
    """Of the models with most labels; each is looked at apart, and they share the chance of a false finding."""
    watched = watched_in(pipeline)
    rows_of: dict[Subject, list[int]] = {}
    for place, row in enumerate(labels.rows):
        rows_of.setdefault(row.subject, []).append(place)
    largest = sorted(rows_of, key=lambda subject: (-len(rows_of[subject]), subject))[:MOST_MODELS]
    models = {
        subject: _model(labels, rows_of[subject], watched)
        for subject in largest
        if len(rows_of[subject]) >= FEWEST_OF_MODEL
    }
    return inversions(models)


def watched_in(pipeline: Pipeline) -> tuple[Attributes, ...]:
    return watched_of(pipeline.watched, categories=pipeline.categories, segment_values=pipeline.segment_values)


def _model(
    labels: RecentLabels, rows: Sequence[int], watched: Sequence[Attributes]
) -> tuple[Labelled, list[dict[str, IntArray]]]:
    own = np.array(rows)
    columns = Labelled(labels.confidence[own], labels.right[own], labels.weight[own], labels.cluster[own])
    declared: list[dict[str, list[int]]] = []
    for attributes in watched:
        segments: dict[str, list[int]] = {}
        for place, row in enumerate(rows):
            for name in labels.rows[row].names_in([attributes]):
                segments.setdefault(name, []).append(place)
        declared.append(segments)
    return columns, [{name: np.array(places) for name, places in sorted(each.items())} for each in declared]


def _slice_as_json(found: BadSlice) -> dict[str, Any]:
    return {**asdict(found), "facts": [list(fact) for fact in found.facts], "name": slice_name(found.facts)}


def _as_json(subject: Subject, found: Inversion) -> dict[str, Any]:
    return {**subject._asdict(), **asdict(found)}


def slice_name(facts: Facts) -> str:
    """The same for the same facts, whatever their order."""
    written = json.dumps(sorted(list(fact) for fact in facts), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(written.encode()).hexdigest()


def attributes_in(facts: Facts) -> Attributes:
    """What of a slice can be watched: its category and segment attributes."""
    names = [dimension.removeprefix(SEGMENT) for dimension, _ in facts if _is_segment(dimension)]
    return in_order(name for name in names if can_be_paired(name))


def _is_segment(dimension: str) -> bool:
    return dimension == CATEGORY or dimension.startswith(SEGMENT)


# --- deciding about what was found ----------------------------------------------------------------------------------


def last_search(pipeline: Pipeline) -> SliceSearch | None:
    return SliceSearch.objects.filter(pipeline=pipeline).first()


def dismissed_of(pipeline: Pipeline) -> list[DismissedSlice]:
    """Newest first."""
    rows = DismissedSlice.objects.filter(pipeline=pipeline).select_related("dismissed_by")
    return list(rows.order_by("-dismissed_at", "-pk")[:MOST_DISMISSED])


def watch(*, pipeline: Pipeline, name: str, by: User) -> Attributes:
    """Declares the attributes of a slice that was found, and returns them; what is watched already stays so.

    Raises:
        NotFound: the last search found no such slice.
        NothingToWatch.
        Forbidden, Invalid: see `change_settings`.
    """
    _decider(pipeline, by)
    attributes = attributes_in(_found(pipeline, name))
    if not attributes:
        raise NothingToWatch("This slice has neither a category nor a segment: it is measured apart already.")
    watched = watched_in(pipeline)
    if attributes not in watched:
        alone = watched if pipeline.watched or len(watched) < MOST_WATCHED else tuple((each,) for each in attributes)
        change_settings(pipeline=pipeline, changes={"watched": [*map(list, alone), list(attributes)]}, by=by)
    return attributes


@service
def dismiss(*, pipeline: Pipeline, name: str, by: User) -> None:
    """Dismissing twice is one dismissal.

    Raises:
        Forbidden: `by` is neither an owner of the pipeline nor an administrator.
        NotFound: the last search found no such slice.
        TooManyDismissed.
    """
    actor = _decider(pipeline, by)
    facts = _found(pipeline, name)
    Pipeline.objects.select_for_update(no_key=True).get(pk=pipeline.pk)
    if DismissedSlice.objects.filter(pipeline=pipeline, name=name).exists():
        return
    if DismissedSlice.objects.filter(pipeline=pipeline).count() >= MOST_DISMISSED:
        raise TooManyDismissed(f"{MOST_DISMISSED} slices are dismissed already; bring some of them back first.")
    entry = ledger.append(event="slice.dismissed", actor=actor, pipeline=pipeline.slug, slice=name)
    DismissedSlice.objects.create(pipeline=pipeline, name=name, facts=facts, dismissed_by=by, event_id=entry.id)


@service
def bring_back(*, pipeline: Pipeline, name: str, by: User) -> None:
    """It is shown again if a search finds it.

    Raises:
        Forbidden: `by` is neither an owner of the pipeline nor an administrator.
        NotFound: it is not dismissed.
    """
    actor = _decider(pipeline, by)
    deleted, _ = DismissedSlice.objects.filter(pipeline=pipeline, name=name).delete()
    if not deleted:
        raise NotFound("This slice is not dismissed.")
    ledger.append(event="slice.brought_back", actor=actor, pipeline=pipeline.slug, slice=name)


def _decider(pipeline: Pipeline, by: User) -> Actor:
    role = Role.ADMIN if has_role(by, {Role.ADMIN}) else Role.OWNER
    if not has_role(by, {role}, pipeline_id=pipeline.pk):
        raise Forbidden("Slices are dismissed by an owner of the pipeline or by an admin.")
    return Actor.user(by.pseudonym, role=role.value)


def _found(pipeline: Pipeline, name: str) -> list[list[str]]:
    search = last_search(pipeline)
    slices: Sequence[Mapping[str, Any]] = search.slices if search else []
    facts = next((each["facts"] for each in slices if each["name"] == name), None)
    if facts is None:
        raise NotFound("The last search found no such slice.")
    found: list[list[str]] = facts
    return found
