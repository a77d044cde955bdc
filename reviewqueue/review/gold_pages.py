"""Questions about gold tasks and pauses, for those who keep them and those they measure."""

from __future__ import annotations

from typing import Final

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from reviewqueue.accounts.models import User
from reviewqueue.claims.models import Outcome
from reviewqueue.payloads.words import with_keys
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.review.gold import GoldDraw, GoldItem, GoldTerms, ReviewerPause
from reviewqueue.review.services.gold_set import settled_beyond_one_opinion

SHOWN: Final = 100
CANDIDATES: Final = 25
LOOKED_AT: Final = 1_000
MISSED_SHOWN: Final = 50


def terms_of(pipeline: Pipeline) -> GoldTerms:
    """As set, or as usual."""
    return GoldTerms.objects.filter(pipeline=pipeline).first() or GoldTerms(pipeline=pipeline)


def gold_items(pipeline: Pipeline) -> list[GoldItem]:
    """The newest, those in use first, each with how often it was answered (`judged`) and rightly (`was_right`), and
    whether another truth stands for its claim by now (`disputed`)."""
    standing = Outcome.objects.filter(claim=OuterRef("claim"), standing=True)
    items = with_keys(GoldItem.objects.filter(pipeline=pipeline).select_related("claim", "added_by"))
    counted = items.annotate(
        judged=Count("draws", filter=Q(draws__right__isnull=False)),
        was_right=Count("draws", filter=Q(draws__right=True)),
        disputed=Q(Exists(standing.filter(correct=False)), correct=True)
        | Q(Exists(standing.filter(correct=True)), correct=False),
    )
    return list(counted.order_by("-retired_at", "-id")[:SHOWN])


def candidates(pipeline: Pipeline) -> list[Outcome]:
    """Of the newest settled claims those that may become gold tasks."""
    newest = Outcome.objects.filter(pipeline=pipeline, measures=True).order_by("-created_at").values("pk")
    return list(
        settled_beyond_one_opinion(pipeline)
        .filter(pk__in=newest[:LOOKED_AT])
        .select_related("claim")
        .order_by("-created_at")[:CANDIDATES]
    )


def pauses_of(pipeline: Pipeline) -> QuerySet[ReviewerPause]:
    """The newest, those that stand first."""
    pauses = ReviewerPause.objects.filter(pipeline=pipeline).select_related("reviewer", "decided_by")
    return pauses.order_by("-ended_at", "-id")[:SHOWN]


def own_pauses(user: User) -> list[ReviewerPause]:
    standing = ReviewerPause.objects.filter(reviewer=user, ended_at__isnull=True)
    return list(standing.select_related("pipeline", "decided_by").order_by("id"))


def missed(pause: ReviewerPause) -> list[GoldDraw]:
    """The gold tasks behind a pause that were answered wrongly, newest first, with their claims and texts."""
    earlier = ReviewerPause.objects.filter(
        pipeline=pause.pipeline_id, reviewer=pause.reviewer_id, ended_at__isnull=False, began_at__lt=pause.began_at
    )
    wrong = GoldDraw.objects.filter(
        pipeline=pause.pipeline_id,
        reviewer=pause.reviewer_id,
        right=False,
        item__void=False,
        answered_at__lte=pause.began_at,
    )
    since = earlier.order_by("-ended_at").values_list("ended_at", flat=True).first()
    wrong = wrong.filter(answered_at__gt=since) if since else wrong
    return list(wrong.select_related("item__claim__payload__key", "task").order_by("-answered_at")[:MISSED_SHOWN])
