"""Filters that people keep for themselves: personal, so the ledger knows nothing of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reviewqueue.accounts.models import User
from reviewqueue.errors import FieldProblem, Invalid
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.review.models import SavedFilter
from reviewqueue.transactions import service

MOST: Final = 30
MAX_NAME: Final = 60


def filters_of(user: User, pipeline: Pipeline | None = None) -> list[SavedFilter]:
    """This person's, by pipeline and name."""
    found = SavedFilter.objects.filter(user=user).select_related("pipeline")
    if pipeline is not None:
        found = found.filter(pipeline=pipeline)
    return list(found.order_by("pipeline__name", "name"))


@service
def save_filter(*, user: User, pipeline: Pipeline, name: str, asked: Mapping[str, str]) -> SavedFilter:
    """Under a name that this person used here before it takes the place of the earlier one.

    Raises:
        Invalid: no name, or too long a one; nothing is asked for; thirty are kept already.
    """
    name = name.strip()
    problems = []
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        problems.append(FieldProblem("/name", "text", f"A name is 1 to {MAX_NAME} printable characters."))
    if not asked:
        problems.append(FieldProblem("/asked", "required", "A filter asks for something."))
    mine = SavedFilter.objects.filter(user=user)
    if not problems and mine.exclude(pipeline=pipeline, name=name).count() >= MOST:
        problems.append(FieldProblem("", "too_many", f"You keep {MOST} filters. Forget one first."))
    if problems:
        raise Invalid(problems)
    saved, _ = SavedFilter.objects.update_or_create(
        user=user, pipeline=pipeline, name=name, defaults={"asked": dict(asked)}
    )
    return saved


@service
def forget_filter(*, user: User, filter_id: int) -> None:
    """Of this person alone. Forgetting twice is once."""
    SavedFilter.objects.filter(user=user, pk=filter_id).delete()
