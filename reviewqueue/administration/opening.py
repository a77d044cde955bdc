"""A new pipeline: made by an administrator, and from then on its owner's."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from reviewqueue.accounts.models import Source, User
from reviewqueue.administration.rights import acting_admin
from reviewqueue.errors import FieldProblem, Invalid
from reviewqueue.pipelines import services as pipelines
from reviewqueue.pipelines.models import Pipeline


def open_pipeline(
    *,
    slug: str,
    name: str,
    question: str,
    owner: User,
    deputy: User | None,
    by: User,
    categories: Sequence[str] = (),
    segment_values: Mapping[str, Sequence[str]] | None = None,
    sources: Collection[Source] = (),
) -> Pipeline:
    """The owner and the deputy get the owner's role in it. Nothing is accepted before they approve a policy.

    Raises Forbidden, and Invalid as `create_pipeline` does, where an account is closed, or where owner and deputy are
    one person.
    """
    actor = acting_admin(by)
    problems = [
        FieldProblem(f"/{place}", "choice", "This account is closed.")
        for place, person in (("owner", owner), ("deputy", deputy))
        if person and not person.is_active
    ]
    if owner == deputy:
        problems.append(FieldProblem("/deputy", "choice", "The deputy is somebody else than the owner."))
    if problems:
        raise Invalid(problems)
    return pipelines.create_pipeline(
        slug=slug,
        name=name,
        question=question,
        owner=owner,
        deputy=deputy,
        categories=categories,
        segment_values=segment_values,
        sources=list(sources),
        actor=actor,
    )
