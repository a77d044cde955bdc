"""Who may ask for an erasure and agree to it, what was erased, and what has been kept for long enough."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.db.models import Exists, OuterRef, Q, QuerySet

from reviewqueue.accounts.models import User
from reviewqueue.claims.models import Claim, ClaimStatus
from reviewqueue.erasure.models import Erasure, ErasureState, Retention
from reviewqueue.errors import Forbidden, NotFound
from reviewqueue.golden.models import GoldenItem
from reviewqueue.pipelines.models import Pipeline, Role
from reviewqueue.pipelines.selectors import has_role, pipelines_for
from reviewqueue.review.gold import GoldItem
from reviewqueue.review.models import LabelReturn, ReviewTask

ASKERS = frozenset({Role.ADMIN})
APPROVERS = frozenset({Role.AUDITOR, Role.SENIOR})
READERS = ASKERS | APPROVERS
SHOWN = 50


def require_asker(user: User) -> None:
    if not has_role(user, ASKERS):
        raise Forbidden("Erasures are asked for by an admin.")


def claim_for_erasure(user: User, claim_id: UUID) -> Claim:
    """Raises NotFound, also where this person is no admin."""
    claim = Claim.objects.filter(pk=claim_id).first()
    if claim is None or not has_role(user, ASKERS, pipeline_id=claim.pipeline_id):
        raise NotFound("There is no such claim.")
    return claim


def person_for_erasure(username: str) -> User:
    person = User.objects.filter(username=username).first()
    if person is None:
        raise NotFound("There is nobody of that name.")
    return person


def golden_item_for_erasure(user: User, *, golden_set: str, key: str) -> GoldenItem:
    """The newest published item of this key that is readable; `golden_set` is "pipeline/name".

    Raises NotFound, also where this person is no admin.
    """
    slug, _, name = golden_set.partition("/")
    of_key = GoldenItem.objects.filter(
        version__golden_set__pipeline__slug=slug, version__golden_set__name=name, key=key
    )
    readable = of_key.filter(version__published_at__isnull=False, payload__isnull=False)
    item = readable.select_related("version__golden_set__pipeline").order_by("-version__number").first()
    if item is None or not has_role(user, ASKERS, pipeline_id=item.version.golden_set.pipeline_id):
        raise NotFound("No published version of this set holds a text of this key. Drafts are changed by their owner.")
    return item


def erasure_for(user: User, erasure_id: UUID) -> Erasure:
    """With what it is about and its people. Raises NotFound, also for what is out of this person's scope."""
    erasure = _visible(user).filter(pk=erasure_id).first()
    if erasure is None:
        raise NotFound("There is no such erasure.")
    return erasure


def require_approver(user: User, erasure: Erasure) -> Role:
    """The role in which this person may decide. Raises Forbidden."""
    if erasure.requested_by_id == user.pk:
        raise Forbidden("Somebody else has to agree: you asked for it.")
    if erasure.person_id == user.pk:
        raise Forbidden("Somebody else has to agree: it is about you.")
    if has_role(user, {Role.AUDITOR}):
        return Role.AUDITOR
    if erasure.pipeline and has_role(user, {Role.SENIOR}, pipeline_id=erasure.pipeline.pk):
        return Role.SENIOR
    raise Forbidden("Erasures are agreed to by an auditor, or by a senior of the pipeline.")


def may_decide(user: User, erasure: Erasure) -> bool:
    try:
        require_approver(user, erasure)
    except Forbidden:
        return False
    return erasure.state == ErasureState.PENDING


def _visible(user: User) -> QuerySet[Erasure]:
    erasures = Erasure.objects.select_related(
        "claim__pipeline", "golden_item__version__golden_set__pipeline", "person", "requested_by", "decided_by"
    )
    if has_role(user, {Role.ADMIN, Role.AUDITOR}):
        return erasures
    theirs = pipelines_for(user, {Role.SENIOR})
    return erasures.filter(Q(claim__pipeline__in=theirs) | Q(golden_item__version__golden_set__pipeline__in=theirs))


def pending(user: User) -> list[Erasure]:
    """Oldest first."""
    return list(_visible(user).filter(state=ErasureState.PENDING).order_by("id")[:SHOWN])


def decided(user: User) -> list[Erasure]:
    """Newest first."""
    return list(_visible(user).exclude(state=ErasureState.PENDING).order_by("-decided_at")[:SHOWN])


def erasure_of(claim_id: UUID) -> Erasure | None:
    """The erasure that was carried out, with who asked and who agreed."""
    done = Erasure.objects.filter(claim=claim_id, state=ErasureState.ERASED)
    return done.select_related("requested_by", "decided_by").first()


def forget_log_ins(username: str) -> None:
    """What was kept of their attempts to log in: the name and the addresses."""
    for kept in (AccessAttempt, AccessLog, AccessFailureLog):
        kept.objects.filter(username=username).delete()


# --- retention --------------------------------------------------------------------------------------------------------


def retention_of(pipeline: Pipeline) -> dict[str, int]:
    """Days by category; "" is for all that have no rule of their own."""
    return dict(Retention.objects.filter(pipeline=pipeline).order_by("category").values_list("category", "days"))


def retention_rules() -> list[tuple[int, str, int, list[str]]]:
    """Pipeline, category, days, and for the rule without a category the categories that have their own."""
    rows = list(Retention.objects.order_by("pipeline", "category").values_list("pipeline_id", "category", "days"))
    named: dict[int, list[str]] = {}
    for pipeline_id, category, _ in rows:
        if category:
            named.setdefault(pipeline_id, []).append(category)
    return [(each, category, days, [] if category else named.get(each, [])) for each, category, days in rows]


def past_retention(
    pipeline_id: int, *, category: str, others: Collection[str], before: datetime, limit: int
) -> list[Claim]:
    """Claims at rest that came in before that, locked; what somebody writes about is left for the next run."""
    of = OuterRef("pk")
    wanted = Q(category=category) if category else ~Q(category__in=others)
    old = Claim.objects.filter(
        wanted,
        ~Exists(ReviewTask.objects.filter(claim=of, closed_at__isnull=True)),
        ~Exists(LabelReturn.objects.filter(label__claim=of, answered_at__isnull=True)),
        ~Exists(GoldItem.objects.filter(claim=of, retired_at__isnull=True)),
        pipeline=pipeline_id,
        received_at__lt=before,
        status__in=[ClaimStatus.DECIDED, ClaimStatus.SETTLED],
        payload__isnull=False,
    )
    return list(
        old.order_by("payload__claim_id").select_for_update(skip_locked=True, no_key=True, of=("self",))[:limit]
    )
