"""How long a pipeline keeps what was said: set by its owner or an admin, and an event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reviewqueue.accounts.models import User
from reviewqueue.erasure.models import Retention
from reviewqueue.erasure.selectors import retention_of
from reviewqueue.errors import FieldProblem, Forbidden, Invalid
from reviewqueue.ledger import services as ledger
from reviewqueue.pipelines.models import Pipeline, Role
from reviewqueue.pipelines.selectors import has_role
from reviewqueue.policy.rights import actor_in
from reviewqueue.transactions import service

KEEPERS: Final = frozenset({Role.OWNER, Role.ADMIN})
LONGEST: Final = 36_500


@service
def set_retention(*, pipeline: Pipeline, days: Mapping[str, int], by: User) -> None:
    """The rules as they are to be from now on; "" is for all categories without a rule. Equal rules are no change.

    Raises Forbidden, Invalid.
    """
    if not has_role(by, KEEPERS, pipeline_id=pipeline.pk):
        raise Forbidden("How long payloads are kept is set by an owner of the pipeline or by an admin.")
    locked = Pipeline.objects.select_for_update().get(pk=pipeline.pk)
    problems = [
        *(FieldProblem(f"/{name}", "category", "The pipeline has no such category.")
          for name in days if name and name not in locked.categories),
        *(FieldProblem(f"/{name}", "range", f"From 1 to {LONGEST:,} days.")
          for name, number in days.items() if not 1 <= number <= LONGEST),
    ]  # fmt: skip
    if problems:
        raise Invalid(problems)
    before = retention_of(locked)
    if before == dict(days):
        return
    entry = ledger.append(
        event="retention.changed",
        actor=actor_in(pipeline, by),
        pipeline=pipeline.slug,
        days=dict(days),
        days_from=before,
    )
    Retention.objects.filter(pipeline=pipeline).delete()
    Retention.objects.bulk_create(
        Retention(pipeline=pipeline, category=name, days=number, event_id=entry.id) for name, number in days.items()
    )
