"""People and sources as administrators and auditors see them. Everything here raises Forbidden for anybody else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Count, F, Prefetch, Q, QuerySet
from django.utils import timezone

from reviewqueue.accounts.models import ApiKey, Source, User
from reviewqueue.administration.rights import require_reader
from reviewqueue.errors import NotFound
from reviewqueue.pipelines.models import Grant, Pipeline

PAGE: Final = 50
KEYS_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of people in the order of their user names. `after` is where the next page begins, "" on the last."""

    people: list[User]
    after: str


def people_page(by: User, *, search: str = "", after: str = "") -> Listed:
    """`search` is the beginning of a user name, a first name or a last name."""
    require_reader(by)
    found = User.objects.filter(username__gt=after) if after else User.objects.all()
    if search:
        found = found.filter(
            Q(username__istartswith=search) | Q(first_name__istartswith=search) | Q(last_name__istartswith=search)
        )
    grants = Grant.objects.select_related("pipeline").order_by("role", "pipeline__name")
    rows = list(found.order_by("username").prefetch_related(Prefetch("grants", grants))[: PAGE + 1])
    return Listed(rows[:PAGE], rows[PAGE - 1].username if len(rows) > PAGE else "")


def person_for(by: User, pseudonym: UUID) -> User:
    """Raises NotFound."""
    require_reader(by)
    found = User.objects.filter(pseudonym=pseudonym).first()
    if found is None:
        raise NotFound("There is no such person.")
    return found


def grants_of(user: User) -> QuerySet[Grant]:
    return Grant.objects.filter(user=user).select_related("user", "pipeline").order_by("role", "pipeline__name")


def sources_for(by: User) -> QuerySet[Source]:
    """With `living`, how many keys open something now."""
    require_reader(by)
    living = Q(keys__revoked_at=None) & (Q(keys__expires_at=None) | Q(keys__expires_at__gt=timezone.now()))
    return Source.objects.annotate(living=Count("keys", filter=living)).prefetch_related("pipelines").order_by("name")


def source_for(by: User, slug: str) -> Source:
    """Raises NotFound."""
    require_reader(by)
    found = Source.objects.filter(slug=slug).first()
    if found is None:
        raise NotFound("There is no such source.")
    return found


def _of(holder: Source | User) -> QuerySet[ApiKey]:
    mine = {"source": holder} if isinstance(holder, Source) else {"user": holder}
    return ApiKey.objects.filter(**mine)


def keys_of(holder: Source | User) -> list[ApiKey]:
    """Those that were not revoked first, the newest first."""
    return list(_of(holder).order_by(F("revoked_at").asc(nulls_first=True), "-created_at")[:KEYS_SHOWN])


def newest_key_of(holder: Source | User) -> str:
    """The public part of its name, "" where there is none."""
    return _of(holder).order_by("-pk").values_list("public_id", flat=True).first() or ""


def key_of_holder(holder: Source | User, public_id: str) -> ApiKey:
    """Raises NotFound."""
    found = _of(holder).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("There is no such key.")
    return found


def active_people() -> QuerySet[User]:
    return User.objects.filter(is_active=True).order_by("username")


def all_pipelines() -> QuerySet[Pipeline]:
    return Pipeline.objects.order_by("name")
