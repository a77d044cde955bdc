"""Who may read which entries of the ledger, and have which of them proven. Fetching is authorising."""

from __future__ import annotations

from typing import Final

from django.db.models import Q

from reviewqueue.accounts.models import Source, User
from reviewqueue.claims.models import Claim, ClaimStatus
from reviewqueue.errors import Forbidden, NotFound
from reviewqueue.ledger import selectors as ledger
from reviewqueue.ledger.models import Event
from reviewqueue.pipelines.models import Pipeline, Role
from reviewqueue.pipelines.selectors import has_role, pipelines_for

READ_ALL: Final = frozenset({Role.AUDITOR, Role.ADMIN})
PROVE_ALL: Final = READ_ALL | {Role.SENIOR, Role.OWNER}
WINDOW: Final = 10_000
"""How many entries one page looks through at most, where no index leads to those that may be read."""
_POLICY_LIFE: Final = ("policy.", "band.", "calibrator.", "breaker.", "drift.", "accuracy.")
_CLAIM_LIFE: Final = ("claim.", "outcome.")


def entries_for(person: User, *, filters: ledger.EntryFilter, before: int | None, limit: int) -> ledger.EntryPage:
    """Newest first. A page may be shorter than `limit`, or empty, and still have a next one.

    Auditors and admins read everything. Everybody reads what they did themselves; a senior also how settled claims
    of the own pipelines were decided, an owner the life of their policies. What would tell who judged what, or which
    tasks measure reviewers, is for nobody who may be measured.

    Raises Forbidden for a person without a role.
    """
    if has_role(person, READ_ALL):
        return ledger.entries(filters=filters, before=before, limit=limit)
    _require_role(person)
    return ledger.entries(filters=filters, before=before, limit=limit, visible=_visible_to(person), window=WINDOW)


def require_reader_of_checkpoints(holder: Source | User) -> None:
    """A checkpoint tells how many entries there are, and nothing of any of them. Raises Forbidden."""
    if isinstance(holder, User):
        _require_role(holder)


def require_provable(holder: Source | User, index: int) -> None:
    """Raises NotFound for an entry that this holder may not have proven, as if it were not there."""
    if isinstance(holder, User) and has_role(holder, PROVE_ALL):
        return
    own = (
        Q(actor=f"user:{holder.pseudonym}")
        if isinstance(holder, User)
        else Q(subject__in=Claim.objects.filter(source=holder).values("pk"))
    )
    if not Event.objects.filter(own, leaf_row__leaf_index=index).exists():
        raise NotFound(f"There is no entry {index} in the sealed ledger.")


def require_reader_of_hashes(holder: Source | User) -> None:
    """The hashes of all entries. Raises NotFound, like every object out of scope."""
    if not isinstance(holder, User) or not has_role(holder, PROVE_ALL):
        raise NotFound("There is no such tile.")


def require_reader_of_all(holder: Source | User) -> None:
    """The texts of all entries. Raises NotFound, like every object out of scope."""
    if not isinstance(holder, User) or not has_role(holder, READ_ALL):
        raise NotFound("There is no such tile.")


def _require_role(person: User) -> None:
    if not has_role(person, list(Role)):
        raise Forbidden("The ledger is for people with a role in a pipeline or in this instance.")


def _visible_to(person: User) -> Q:
    visible = Q(actor=f"user:{person.pseudonym}")
    if has_role(person, [Role.SENIOR]):
        mine = pipelines_for(person, [Role.SENIOR])
        settled = Claim.objects.filter(pipeline__in=mine, status=ClaimStatus.SETTLED).values("pk")
        visible |= Q(subject__in=settled) & _of_kinds(_CLAIM_LIFE)
        visible |= _policy_life(list(mine))
    if has_role(person, [Role.OWNER]):
        visible |= _policy_life(list(pipelines_for(person, [Role.OWNER])))
    return visible


def _policy_life(pipelines: list[Pipeline]) -> Q:
    slugs = [pipeline.slug for pipeline in pipelines]
    return _of_kinds(_POLICY_LIFE) & Q(subject=None, pipeline__in=slugs)


def _of_kinds(families: tuple[str, ...]) -> Q:
    wanted = Q()
    for family in families:
        wanted |= Q(kind__startswith=family)
    return wanted
