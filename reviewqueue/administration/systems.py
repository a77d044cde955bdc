"""Sources, and the keys that sources and people call the API with. All of it is for administrators."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from reviewqueue.accounts import services as accounts
from reviewqueue.accounts.models import ApiKey, Scope, Source, User
from reviewqueue.accounts.naming import name_problems
from reviewqueue.administration.rights import acting_admin
from reviewqueue.errors import FieldProblem, Invalid
from reviewqueue.ledger import services as ledger
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.transactions import service

SCOPES_OF_SOURCES: Final = (Scope.INTAKE, Scope.READ, Scope.OUTCOMES, Scope.WEBHOOKS)
SCOPES_OF_PEOPLE: Final = (Scope.REVIEW, Scope.READ, Scope.AUDIT, Scope.ADMIN)
LONGEST_LIFETIME: Final = timedelta(days=3_650)
LONGEST_OVERLAP: Final = timedelta(days=30)


def scopes_for(holder: Source | User) -> tuple[Scope, ...]:
    """What a key of this holder can be for; the roles of a person still decide what each call may do."""
    return SCOPES_OF_SOURCES if isinstance(holder, Source) else SCOPES_OF_PEOPLE


def create_source(*, slug: str, name: str, by: User) -> Source:
    """An upstream system without keys, which may post to no pipeline yet. Raises Forbidden, and Invalid."""
    return accounts.create_source(slug=slug, name=name, actor=acting_admin(by))


def set_source_active(*, source: Source, active: bool, by: User) -> None:
    """Raises Forbidden."""
    accounts.set_source_active(source=source, active=active, actor=acting_admin(by))


@service
def set_pipelines(*, source: Source, pipelines: Collection[Pipeline], by: User) -> None:
    """The source may post to exactly these from now on. What it posted before stays. Raises Forbidden."""
    actor = acting_admin(by)
    list(Source.objects.select_for_update(no_key=True).filter(pk=source.pk))
    before = set(source.pipelines.all())
    for pipeline in sorted(before.symmetric_difference(pipelines), key=lambda each: each.pk):
        (source.pipelines.remove if pipeline in before else source.pipelines.add)(pipeline)
        ledger.append(
            event="source.changed",
            actor=actor,
            source=source.slug,
            pipeline=pipeline.slug,
            changed=["pipelines"],
            active=pipeline not in before,
        )


def issue_key(
    *,
    holder: Source | User,
    name: str,
    scopes: Collection[str],
    by: User,
    lifetime: timedelta,
    requests_per_minute: int | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its text, which is shown once.

    Raises Forbidden, and Invalid for scopes that are not for this holder or a lifetime or limit out of its range.
    """
    actor = acting_admin(by)
    problems = []
    if not scopes or not set(scopes) <= set(scopes_for(holder)):
        problems.append(FieldProblem("/scopes", "choice", "Choose at least one of those that are for this holder."))
    if not timedelta(0) < lifetime <= LONGEST_LIFETIME:
        problems.append(FieldProblem("/days", "range", f"Days are a whole number from 1 to {LONGEST_LIFETIME.days:,}."))
    problems += name_problems(name, "A name says what the key is for.")
    if problems:
        raise Invalid(problems)
    return accounts.issue_key(
        holder=holder,
        name=name,
        scopes=scopes,
        actor=actor,
        lifetime=lifetime,
        requests_per_minute=requests_per_minute,
    )


def rotate_key(*, key: ApiKey, by: User, overlap: timedelta) -> tuple[ApiKey, str]:
    """Another key in place of this one, which works for `overlap` more. Raises Forbidden, KeyEnded and Invalid."""
    actor = acting_admin(by)
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise Invalid([FieldProblem("/overlap", "range", f"At most {LONGEST_OVERLAP.days} days.")])
    return accounts.rotate_key(key=key, actor=actor, overlap=overlap)


def revoke_key(*, key: ApiKey, by: User) -> None:
    """Raises Forbidden."""
    accounts.revoke_key(key=key, actor=acting_admin(by), reason="by_admin")


def limit_key(*, key: ApiKey, requests_per_minute: int | None, by: User) -> None:
    """Raises Forbidden, and Invalid for a limit out of its range."""
    accounts.limit_key(key=key, requests_per_minute=requests_per_minute, actor=acting_admin(by))
