"""Alarms of people, work and silence: nobody complains about what does not happen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from math import exp
from typing import Final

from django.db import connection
from django.db.models import Count, Max, Q

from reviewqueue.accounts.models import ApiKey, Scope, User
from reviewqueue.deliveries.alarms import silent_endpoints
from reviewqueue.pipelines.models import Grant
from reviewqueue.pipelines.selectors import WORKING_ROLES
from reviewqueue.reports.alarm import LATE, WARNING, Alarm, Seen, number, pace, span
from reviewqueue.review.models import GoldDraw, GoldItem
from reviewqueue.viewing.selectors import glasses_since

QUIET_AT_LEAST: Final = timedelta(hours=1)
"""Shorter silence of people or sources is no alarm."""
KEYS_END_WITHIN: Final = timedelta(days=30)
"""Before and after it: what ended long ago is what somebody wanted."""


# --- people and work -------------------------------------------------------------------------------------------------


def nobody_answers_for_it(seen: Seen) -> Iterator[Alarm]:
    """Neither the owner nor the deputy can log in."""
    people = [person for person in (seen.pipeline.owner, seen.pipeline.deputy) if person]
    if not any(person.is_active for person in people):
        yield Alarm(
            "no_owner",
            LATE,
            "Nobody answers for this pipeline.",
            f"The account of {seen.pipeline.owner.shown_name} is closed, and no deputy is there. An administrator"
            " names a new owner.",
            "settings",
        )


def people_missing(seen: Seen) -> Iterator[Alarm]:
    """One of the two who answer for it is not there, or cannot log in."""
    owner, deputy = seen.pipeline.owner, seen.pipeline.deputy
    if not owner.is_active and deputy and deputy.is_active:
        yield Alarm(
            "owner_gone",
            LATE,
            f"The owner {owner.shown_name} can no longer log in.",
            f"{deputy.shown_name} stands in alone. An administrator names a new owner.",
            "settings",
        )
    if owner.is_active and deputy and not deputy.is_active:
        yield Alarm(
            "deputy_gone",
            WARNING,
            f"The deputy {deputy.shown_name} can no longer log in.",
            f"{owner.shown_name} answers for this pipeline alone. Name another deputy.",
            "settings",
        )
    if owner.is_active and not deputy:
        yield Alarm(
            "no_deputy",
            WARNING,
            "This pipeline has no deputy.",
            f"{owner.shown_name} answers for it alone: nobody is told when they are away.",
            "settings",
        )


def nobody_reviews(seen: Seen) -> Iterator[Alarm]:
    if not seen.depth.open:
        return
    holders = Grant.objects.filter(pipeline=seen.pipeline, role__in=WORKING_ROLES).values("user_id")
    if not User.objects.filter(id__in=holders, is_active=True).exists():
        yield Alarm(
            "no_reviewer",
            LATE,
            "Nobody may review here.",
            f"{number(seen.depth.open, 'label')} wait and no active person has the role of a reviewer or senior.",
        )


def late_work(seen: Seen) -> Iterator[Alarm]:
    if seen.depth.overdue:
        verb = "is" if seen.depth.overdue == 1 else "are"
        yield Alarm(
            "overdue",
            LATE,
            f"{number(seen.depth.overdue, 'label')}{'+' if seen.depth.has_more else ''} {verb} late.",
            "Their claims wait longer than the policy allows.",
            "tasks",
        )


def work_that_will_be_late(seen: Seen) -> Iterator[Alarm]:
    forecast = seen.workload.forecast
    both = f"{pace(forecast.done_per_hour)} done and {pace(forecast.arrived_per_hour)} asked for an hour"
    oldest_at = seen.depth.oldest_at
    if forecast.kind == "nobody_works" and oldest_at and oldest_at < seen.now - QUIET_AT_LEAST:
        yield Alarm("nobody_works", WARNING, "Nobody has labelled in 24 hours.", "And labels wait.", "tasks")
    elif forecast.kind == "will_miss":
        yield Alarm(
            "will_miss", WARNING, "A due time will be missed.", f"At the pace of the last day: {both}.", "tasks"
        )
    elif forecast.kind == "falls_behind":
        yield Alarm(
            "falls_behind",
            WARNING,
            "The queue grows faster than it is worked off.",
            f"At the pace of the last day ({both}) claims that come in later will miss their due time.",
            "tasks",
        )


GLASS_SHOWN: Final = timedelta(days=7)


def broken_glass(seen: Seen) -> Iterator[Alarm]:
    """Administrators who read what claims say. The reasons they gave are on the claims' pages."""
    for glass in glasses_since(seen.pipeline, seen.now - GLASS_SHOWN):
        yield Alarm(
            "break_glass",
            WARNING,
            f"{glass.user.shown_name} took the right to read a claim by break-glass.",
            f"From {glass.began_at:%d %b %Y %H:%M} to {glass.until:%H:%M} UTC. The reason stands on the claim's page.",
            "claim",
            str(glass.claim_id),
            subject=str(glass.pk),
        )


# --- silence ---------------------------------------------------------------------------------------------------------

LOOKED_AT: Final = 2_000
FEWEST_PAUSES: Final = 20
LONGEST_TIMES: Final = 2

# A source whose claims lie farther back than what is looked at is found by its own index.
_PAUSES: Final = """
    SELECT source.slug, source.name, last.received_at, pause.longest, pause.pauses
      FROM pipelines_pipeline_sources AS posts
      JOIN accounts_source AS source ON source.id = posts.source_id
     CROSS JOIN LATERAL (
           SELECT claim.received_at FROM claims_claim AS claim
            WHERE claim.source_id = source.id ORDER BY claim.id DESC LIMIT 1) AS last
     CROSS JOIN LATERAL (
           SELECT max(gap) AS longest, count(gap) AS pauses FROM (
                  SELECT received_at - lag(received_at) OVER (ORDER BY id) AS gap
                    FROM (SELECT id, received_at FROM claims_claim
                           WHERE source_id = source.id ORDER BY id DESC LIMIT %s) AS newest) AS gaps) AS pause
     WHERE posts.pipeline_id = %s ORDER BY source.name"""


def sources_that_stopped(seen: Seen) -> Iterator[Alarm]:
    """Silent for more than an hour, and twice as long as ever in their newest claims."""
    with connection.cursor() as cursor:
        cursor.execute(_PAUSES, [LOOKED_AT, seen.pipeline.pk])
        rows = cursor.fetchall()
    for slug, name, last_at, longest, pauses in rows:
        silence = seen.now - last_at
        if pauses >= FEWEST_PAUSES and silence > max(QUIET_AT_LEAST, LONGEST_TIMES * longest):
            yield Alarm(
                "source_stopped",
                LATE,
                f"{name} has posted nothing for {span(silence)}.",
                f"Its longest pause before was {span(longest)}, among its last {pauses + 1:,} claims.",
                subject=slug,
            )


CHANCE_OF_SILENCE: Final = 0.001


def sampler_that_drew_nothing(seen: Seen) -> Iterator[Alarm]:
    """Accepted claims of which none was drawn, where chance alone would hardly ever do that."""
    flow = seen.flow
    if not flow.draws and exp(-flow.expected_draws) < CHANCE_OF_SILENCE:
        yield Alarm(
            "sampler_silent",
            LATE,
            "The audit sample drew nothing.",
            f"About {flow.expected_draws:.0f} of the accepted claims should have gone to people for measuring, and none"
            " did: without them nobody would see the accuracy fall.",
            "policies",
        )


NO_GOLD_FOR: Final = timedelta(days=7)


def keys_that_end(seen: Seen) -> Iterator[Alarm]:
    """With its last key for intake a source falls silent, and finds out by a refusal."""
    keys = ApiKey.objects.filter(
        source__pipelines=seen.pipeline, source__is_active=True, revoked_at=None, scopes__contains=[Scope.INTAKE]
    )
    last = keys.values("source__slug", "source__name").annotate(
        until=Max("expires_at"), endless=Count("id", filter=Q(expires_at=None))
    )
    for slug, name, until, endless in last.values_list("source__slug", "source__name", "until", "endless"):
        if endless or until > seen.now + KEYS_END_WITHIN or until < seen.now - KEYS_END_WITHIN:
            continue
        if until <= seen.now:
            title, text = f"{name} can post no more.", f"Its last key ran out {span(seen.now - until)} ago."
        else:
            title, text = (
                f"The last key of {name} ends in {span(until - seen.now)}.",
                "Without another one it falls silent.",
            )
        yield Alarm(
            "key_ends",
            LATE if until <= seen.now else WARNING,
            title,
            f"{text} An administrator replaces or issues it.",
            "source",
            place=slug,
            subject=slug,
        )


def no_gold(seen: Seen) -> Iterator[Alarm]:
    """Labels are given, and for a week none of them was to a task with a known answer."""
    if not seen.workload.done:
        return
    items = GoldItem.objects.filter(pipeline=seen.pipeline, retired_at__isnull=True)
    since = seen.now - NO_GOLD_FOR
    if GoldDraw.objects.filter(pipeline=seen.pipeline, answered_at__gte=since).exists():
        return
    if items.filter(added_at__lte=since).exists():
        yield Alarm(
            "no_gold",
            WARNING,
            "No gold task was answered for a week.",
            "Labels come in, and nothing measures the people who give them.",
            "gold",
        )
    elif seen.pipeline.created_at <= since and not items.exists():
        yield Alarm(
            "no_gold",
            WARNING,
            "There are no gold tasks.",
            "Labels come in, and nothing measures the people who give them. Make some of settled claims.",
            "gold",
        )


def silent_webhooks(seen: Seen) -> Iterator[Alarm]:
    for silent in silent_endpoints(sources=seen.pipeline.sources.all()):
        yield Alarm(
            "webhook_silent",
            LATE,
            f"{silent.endpoint.source.name} may wait in vain to be told.",
            silent.meaning,
            "webhook",
            str(silent.endpoint.pk),
            subject=str(silent.endpoint.pk),
        )
