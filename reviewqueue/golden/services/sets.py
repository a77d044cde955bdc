"""Making golden sets, and saying who answers for them and how often models are measured by them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from django.db import IntegrityError
from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.errors import Conflict, FieldProblem, Invalid
from reviewqueue.golden.models import (
    LONGEST_EVERY,
    LONGEST_WITHIN,
    USUAL_EVERY_DAYS,
    USUAL_WITHIN_DAYS,
    GoldenSet,
)
from reviewqueue.golden.selectors import MOST_SETS
from reviewqueue.ledger import services as ledger
from reviewqueue.pipelines.models import Pipeline, Role
from reviewqueue.pipelines.selectors import people_of
from reviewqueue.policy.rights import actor_in
from reviewqueue.transactions import joins_transaction, service

MAX_DESCRIPTION: Final = 2_000
_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class GoldenSetExists(Conflict):
    code = "golden_set_exists"


class GoldenSetNotInUse(Conflict):
    """It is retired, or no version of it is published."""

    code = "golden_set_not_in_use"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Who answers for a set, and when models have to be measured by it."""

    owner: User
    every_days: int = USUAL_EVERY_DAYS
    within_days: int = USUAL_WITHIN_DAYS
    description: str = ""


@service
def create_set(*, pipeline: Pipeline, name: str, terms: Terms, by: User) -> GoldenSet:
    """A set without items.

    Raises:
        Invalid: a name that is none, an owner who owns nothing here, or times out of range.
        GoldenSetExists: the pipeline has one of this name, or as many as it may have.
    """
    problems = _problems(pipeline, terms)
    if not (len(name) <= 60 and _NAME.fullmatch(name)):
        problems.insert(0, FieldProblem("/name", "name", "1 to 60 of a–z and 0–9, with single hyphens between them."))
    if problems:
        raise Invalid(problems)
    if pipeline.golden_sets.count() >= MOST_SETS:
        raise GoldenSetExists(f"A pipeline has at most {MOST_SETS} golden sets.")
    if pipeline.golden_sets.filter(name=name).exists():
        raise GoldenSetExists("This pipeline has a golden set of this name.")
    entry = ledger.append(
        event="golden.set_created",
        actor=actor_in(pipeline, by),
        pipeline=pipeline.slug,
        golden_set=name,
        **_in_ledger(terms),
    )
    golden_set = GoldenSet(
        pipeline=pipeline, name=name, created_at=timezone.now(), event_id=entry.id, **_columns(terms)
    )
    try:
        golden_set.save(force_insert=True)
    except IntegrityError as error:
        if "golden_set_name_once" in str(error):
            raise GoldenSetExists("This pipeline has a golden set of this name.") from None
        raise
    return golden_set


@service
def change_set(*, golden_set: GoldenSet, terms: Terms, by: User) -> GoldenSet:
    """Raises Invalid."""
    locked = lock_set(golden_set)
    problems = _problems(golden_set.pipeline, terms)
    if problems:
        raise Invalid(problems)
    for name, value in _columns(terms).items():
        setattr(locked, name, value)
    _tell_change(locked, by, **_in_ledger(terms))
    locked.save(update_fields=[*_columns(terms)])
    return locked


@service
def retire_set(*, golden_set: GoldenSet, by: User, retired: bool = True) -> None:
    """Nothing is measured by it any more, and nothing is due; what was measured stays. It can be taken back."""
    locked = lock_set(golden_set)
    if (locked.retired_at is not None) == retired:
        return
    locked.retired_at = timezone.now() if retired else None
    _tell_change(locked, by, active=not retired)
    locked.save(update_fields=["retired_at"])


def lock_set(golden_set: GoldenSet) -> GoldenSet:
    """Whoever writes about a set or its drafts holds it. Joins the caller's transaction."""
    joins_transaction()
    return GoldenSet.objects.select_for_update(no_key=True).get(pk=golden_set.pk)


def _tell_change(golden_set: GoldenSet, by: User, **changed: Any) -> None:
    pipeline = golden_set.pipeline
    ledger.append(
        event="golden.set_changed",
        actor=actor_in(pipeline, by),
        pipeline=pipeline.slug,
        golden_set=golden_set.name,
        **changed,
    )


def _problems(pipeline: Pipeline, terms: Terms) -> list[FieldProblem]:
    problems = []
    if not people_of(pipeline, [Role.OWNER]).filter(pk=terms.owner.pk).exists():
        problems.append(FieldProblem("/owner", "choice", "An owner of the pipeline answers for a golden set."))
    if not 1 <= terms.every_days <= LONGEST_EVERY:
        problems.append(FieldProblem("/every_days", "range", f"From 1 to {LONGEST_EVERY} days."))
    if not 0 <= terms.within_days <= LONGEST_WITHIN:
        problems.append(FieldProblem("/within_days", "range", f"From 0 (at once) to {LONGEST_WITHIN} days."))
    if len(terms.description) > MAX_DESCRIPTION or "\0" in terms.description:
        problems.append(FieldProblem("/description", "range", f"At most {MAX_DESCRIPTION} characters."))
    return problems


def _columns(terms: Terms) -> dict[str, Any]:
    return {
        "owner": terms.owner,
        "every_days": terms.every_days,
        "within_days": terms.within_days,
        "description": terms.description,
    }


def _in_ledger(terms: Terms) -> dict[str, Any]:
    return {
        "owner": str(terms.owner.pseudonym),
        "every_days": terms.every_days,
        "within_days": terms.within_days,
    }
