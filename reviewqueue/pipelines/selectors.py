"""Who may see and do what, per pipeline. Fetching is authorising: these return the thing or raise."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Q, QuerySet

from reviewqueue.accounts.models import Source, User
from reviewqueue.errors import Forbidden, NotFound
from reviewqueue.pipelines.models import Grant, Pipeline, Role, Skill

WORKING_ROLES = frozenset({Role.REVIEWER, Role.SENIOR})
FIGURES_ROLES = frozenset({Role.SENIOR, Role.OWNER, Role.AUDITOR, Role.ADMIN})


def roles_of(user: User) -> set[tuple[str, int | None]]:
    """Every (role, pipeline id) of a person; instance roles have no pipeline. One query, kept on the user object."""
    cached: set[tuple[str, int | None]] | None = getattr(user, "_roles", None)
    if cached is None:
        cached = set(Grant.objects.filter(user=user).values_list("role", "pipeline_id")) if user.is_active else set()
        user._roles = cached  # type: ignore[attr-defined]  # a per-request cache
    return cached


def has_role(user: User, roles: Collection[str], *, pipeline_id: int | None = None) -> bool:
    """In this pipeline (or the whole instance); without a pipeline: anywhere."""
    return any(
        role in roles and (pipeline_id is None or where in (None, pipeline_id)) for role, where in roles_of(user)
    )


def pipelines_for(user: User, roles: Collection[str]) -> QuerySet[Pipeline]:
    mine = roles_of(user)
    if any(role in roles and where is None for role, where in mine):
        return Pipeline.objects.all()
    return Pipeline.objects.filter(id__in=[where for role, where in mine if role in roles])


def pipeline_for(user: User, slug: str, roles: Collection[str]) -> Pipeline:
    """The pipeline, if this person holds one of `roles` in it.

    Raises:
        NotFound: there is none, or this person has nothing to do with it.
        Forbidden: this person works in it, but not in such a role.
    """
    pipeline = Pipeline.objects.filter(slug=slug).first()
    if pipeline is None or not has_role(user, list(Role), pipeline_id=pipeline.id):
        raise NotFound("There is no such pipeline.")
    if not has_role(user, roles, pipeline_id=pipeline.id):
        raise Forbidden("Your role in this pipeline does not allow this.")
    return pipeline


def pipelines_of_source(source: Source) -> QuerySet[Pipeline]:
    return Pipeline.objects.filter(sources=source)


def people_of(pipeline: Pipeline, roles: Collection[str]) -> QuerySet[User]:
    """Who holds one of `roles` in this very pipeline, by name."""
    holders = Grant.objects.filter(pipeline=pipeline, role__in=roles).values("user_id")
    return User.objects.filter(id__in=holders, is_active=True).order_by("first_name", "last_name", "username")


def people_who_can_grant() -> QuerySet[User]:
    return User.objects.filter(Q(grants__role=Role.ADMIN), is_active=True).distinct().order_by("username")


def skills_of(user: User | int) -> set[str]:
    """What this person is known to be able to judge."""
    return set(Skill.objects.filter(user=user).values_list("name", flat=True))


def skills_within(user: User | int) -> ArraySubquery:
    """`skills_of` as a part of another query."""
    return ArraySubquery(Skill.objects.filter(user=user).values("name"))


def skills_of_many(people: Collection[User]) -> dict[int, set[str]]:
    """By person, each of them. One query."""
    found: dict[int, set[str]] = {person.pk: set() for person in people}
    for user_id, name in Skill.objects.filter(user__in=people).values_list("user_id", "name"):
        found[user_id].add(name)
    return found
