"""What an owner should look at now, in words. Silence is an alarm too: nobody complains about what does not happen.

An alarm is found by a function of `WATCHERS`: pipeline and what is known of it in, alarms out. A new kind is a function
more in that tuple.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp
from typing import Final

from django.db import connection
from django.db.models import Count, Max, Q

from calibration.findings import monitors
from calibration.models import BandStat
from reviewqueue.accounts.models import ApiKey, Scope, User
from reviewqueue.deliveries.alarms import silent_endpoints
from reviewqueue.golden.due import worse_lately
from reviewqueue.pipelines.models import Grant, Pipeline
from reviewqueue.pipelines.selectors import WORKING_ROLES
from reviewqueue.policy.selectors import ActivePolicy, open_breakers
from reviewqueue.reports.flow import Flow
from reviewqueue.reports.overview import Depth
from reviewqueue.reports.remeasurement import Remeasurement
from reviewqueue.reports.schedules import late_schedules
from reviewqueue.reports.workload import Workload
from reviewqueue.review.models import GoldDraw, GoldItem
from reviewqueue.viewing.selectors import glasses_since

LATE: Final = "late"
WARNING: Final = "warning"
KEYS_END_WITHIN: Final = timedelta(days=30)
"""Before and after it: what ended long ago is what somebody wanted."""
QUIET_AT_LEAST: Final = timedelta(hours=1)
"""Shorter silence of people or sources is no alarm."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """`tone` is "late" for what is wrong already and "warning" for what will be, or may be.

    `page` names the address that helps (of the web edge), with `place` in it where it is not the pipeline's. `subject`
    tells alarms of one code apart, whatever their words say by now.
    """

    code: str
    tone: str
    title: str
    text: str
    page: str = ""
    place: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the overview knows when it looks for alarms."""

    pipeline: Pipeline
    active: ActivePolicy | None
    flow: Flow
    depth: Depth
    workload: Workload
    now: datetime
    again: Sequence[Remeasurement] = ()


Watcher = Callable[[Seen], Iterator[Alarm]]


def alarms_of(seen: Seen) -> list[Alarm]:
    """What is wrong already comes first."""
    found = [alarm for watcher in WATCHERS for alarm in watcher(seen)]
    return sorted(found, key=lambda alarm: alarm.tone != LATE)


# --- people and work -------------------------------------------------------------------------------------------------


def _nobody_answers_for_it(seen: Seen) -> Iterator[Alarm]:
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


def _people_missing(seen: Seen) -> Iterator[Alarm]:
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


def _nobody_reviews(seen: Seen) -> Iterator[Alarm]:
    if not seen.depth.open:
        return
    holders = Grant.objects.filter(pipeline=seen.pipeline, role__in=WORKING_ROLES).values("user_id")
    if not User.objects.filter(id__in=holders, is_active=True).exists():
        yield Alarm(
            "no_reviewer",
            LATE,
            "Nobody may review here.",
            f"{_number(seen.depth.open, 'label')} wait and no active person has the role of a reviewer or senior.",
        )


def _late_work(seen: Seen) -> Iterator[Alarm]:
    if seen.depth.overdue:
        verb = "is" if seen.depth.overdue == 1 else "are"
        yield Alarm(
            "overdue",
            LATE,
            f"{_number(seen.depth.overdue, 'label')}{'+' if seen.depth.has_more else ''} {verb} late.",
            "Their claims wait longer than the policy allows.",
            "tasks",
        )


def _work_that_will_be_late(seen: Seen) -> Iterator[Alarm]:
    forecast = seen.workload.forecast
    pace = f"{_pace(forecast.done_per_hour)} done and {_pace(forecast.arrived_per_hour)} asked for an hour"
    oldest_at = seen.depth.oldest_at
    if forecast.kind == "nobody_works" and oldest_at and oldest_at < seen.now - QUIET_AT_LEAST:
        yield Alarm("nobody_works", WARNING, "Nobody has labelled in 24 hours.", "And labels wait.", "tasks")
    elif forecast.kind == "will_miss":
        yield Alarm(
            "will_miss", WARNING, "A due time will be missed.", f"At the pace of the last day: {pace}.", "tasks"
        )
    elif forecast.kind == "falls_behind":
        yield Alarm(
            "falls_behind",
            WARNING,
            "The queue grows faster than it is worked off.",
            f"At the pace of the last day ({pace}) claims that come in later will miss their due time.",
            "tasks",
        )


GLASS_SHOWN: Final = timedelta(days=7)


def _broken_glass(seen: Seen) -> Iterator[Alarm]:
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


def _sources_that_stopped(seen: Seen) -> Iterator[Alarm]:
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
                f"{name} has posted nothing for {_span(silence)}.",
                f"Its longest pause before was {_span(longest)}, among its last {pauses + 1:,} claims.",
                subject=slug,
            )


CHANCE_OF_SILENCE: Final = 0.001


def _sampler_that_drew_nothing(seen: Seen) -> Iterator[Alarm]:
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


def _keys_that_end(seen: Seen) -> Iterator[Alarm]:
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
            title, text = f"{name} can post no more.", f"Its last key ran out {_span(seen.now - until)} ago."
        else:
            title, text = (
                f"The last key of {name} ends in {_span(until - seen.now)}.",
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


def _no_gold(seen: Seen) -> Iterator[Alarm]:
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


def _silent_webhooks(seen: Seen) -> Iterator[Alarm]:
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


# --- measurement -----------------------------------------------------------------------------------------------------


STOPPED_BECAUSE: Final = {
    "drift": "its confidences moved beyond doubt",
    "outcome": "its labels show more errors than were promised",
    "manual": "somebody stopped it",
}


def _stopped_models(seen: Seen) -> Iterator[Alarm]:
    for breaker in open_breakers(seen.pipeline):
        what = "Every model" if breaker.covers_everything else f"{breaker.model} {breaker.model_version}"
        why = STOPPED_BECAUSE.get(breaker.cause, "something was found")
        yield Alarm("stopped", LATE, f"{what} is stopped.", f"All its claims go to people: {why}.", "breakers")


def _broken_promises(seen: Seen) -> Iterator[Alarm]:
    if seen.active is None:
        return
    stats = BandStat.objects.filter(
        policy_version_id=seen.active.version_id, segment="", state__in=["failed", "breach"]
    )
    for stat in stats.order_by("-n_routed", "band")[:MOST_BANDS]:
        yield Alarm(
            "band_failed",
            LATE,
            f"Band {stat.band} of {stat.model} {stat.model_version} is less right than it has to be.",
            "Its claims are held for people.",
            "bands",
        )


MOST_BANDS: Final = 10


def _stale_calibrators(seen: Seen) -> Iterator[Alarm]:
    """A model in use whose newest label is older than the policy's freshness limit."""
    if seen.active is None or not seen.active.policy.calibrators:
        return
    oldest = seen.now - timedelta(days=seen.active.policy.freshness_days)
    stats = BandStat.objects.filter(policy_version_id=seen.active.version_id, newest_outcome_at__isnull=False)
    by_subject = stats.values_list("model", "model_version", "prompt_version").annotate(last=Max("newest_outcome_at"))
    newest = {(model, version, prompt): last for model, version, prompt, last in by_subject}
    for entry in seen.active.policy.calibrators:
        last_at = newest.get(entry.subject)
        if last_at is not None and last_at < oldest:
            yield Alarm(
                "calibrator_stale",
                WARNING,
                f"The calibrator {entry.name} rests on old labels.",
                f"The newest label of {entry.model} {entry.model_version} is {_span(seen.now - last_at)} old; the"
                f" policy allows {_number(seen.active.policy.freshness_days, 'day')}.",
                "calibrators",
                subject=entry.name,
            )


MOST_GOLDEN: Final = 5
_WHY_DUE: Final = {
    "new_version": "It is new in traffic, and was never measured by it",
    "schedule": "It was measured last too long ago",
}


def _late_golden_runs(seen: Seen) -> Iterator[Alarm]:
    """Versions in traffic that a golden set was to measure by now."""
    late = [due for due in seen.again if due.late and due.golden_set]
    more = f" {len(late) - MOST_GOLDEN:,} more are late." if len(late) > MOST_GOLDEN else ""
    for due in late[:MOST_GOLDEN]:
        yield Alarm(
            "golden_overdue",
            LATE,
            f"{_version(due.subject)} is not measured by the golden set {due.golden_set}.",
            f"{_WHY_DUE[due.reason]}: a run was due until {due.due_at:%d %b %Y %H:%M} UTC."
            f" {due.owner.shown_name} sees to it.{more}",
            "golden_sets",
            subject=" ".join((due.golden_set, *due.subject)),
        )


def _late_measurements(seen: Seen) -> Iterator[Alarm]:
    """Versions in traffic without a golden set, whose labels are older than the policy allows; those of calibrators are
    told by `_stale_calibrators`.
    """
    calibrated = {entry.subject for entry in seen.active.policy.calibrators} if seen.active else set()
    late = [each for each in seen.again if each.late and not each.golden_set]
    for each in [each for each in late if each.measured_at is None or each.subject not in calibrated][:MOST_GOLDEN]:
        yield Alarm(
            "measurement_overdue",
            LATE,
            f"{_version(each.subject)} is not measured any more."
            if each.measured_at
            else f"{_version(each.subject)} was never measured.",
            f"A label was due until {each.due_at:%d %b %Y}: the policy allows none that is older."
            f" {each.owner.shown_name} sees to it.",
            "tasks",
            subject=" ".join(each.subject),
        )


def _late_reports(seen: Seen) -> Iterator[Alarm]:
    """Reports that should have come by themselves, or that nobody could be told of."""
    for schedule in late_schedules(seen.pipeline, seen.now):
        whose = "of this pipeline" if schedule.pipeline_id else "of all pipelines"
        yield Alarm(
            "report_late",
            LATE,
            f"The audit report {whose} for the {schedule.every} from {schedule.next_from:%d %b %Y} is late or untold.",
            schedule.failure or "It should have been made within a day; look whether the sweeps run.",
            subject=str(schedule.pk),
        )


def _worse_golden_runs(seen: Seen) -> Iterator[Alarm]:
    """The last run of a version shows more errors than the policy of then allows. Nothing follows by itself."""
    for run in worse_lately(seen.pipeline, now=seen.now)[:MOST_GOLDEN]:
        bands = ", ".join(promise["band"] for promise in (run.report or {}).get("promises", ()) if promise["worse"])
        yield Alarm(
            "golden_worse",
            WARNING,
            f"{_version(run.subject)} did worse by the golden set {run.golden_set.name} than is promised for {bands}.",
            "These inputs were chosen, and the traffic is not like them; look whether the promise still holds.",
            "golden_sets",
        )


def _monitors_that_warn(seen: Seen) -> Iterator[Alarm]:
    """Labels speak against a promise or a calibrator, not yet beyond doubt; an alarm stops a model by itself."""
    near = [row for row in monitors(seen.pipeline) if row.signal == "warning"]
    for row in near[:MOST_BANDS]:
        what = f"the promise of band {row.band}" if row.band else f"the calibrator {row.calibrator}"
        yield Alarm(
            "monitor_warns",
            WARNING,
            f"Labels of {row.model} {row.model_version} begin to speak against {what}.",
            f"{_number(row.wrong, 'error')} in {_number(row.labels, 'label')} since it is watched.",
            "drift",
        )


def _version(subject: tuple[str, str, str]) -> str:
    model, version, prompt = subject
    return f"{model} {version}, prompt {prompt}," if prompt else f"{model} {version}"


WATCHERS: tuple[Watcher, ...] = (
    _nobody_answers_for_it,
    _people_missing,
    _nobody_reviews,
    _broken_glass,
    _late_work,
    _stopped_models,
    _broken_promises,
    _monitors_that_warn,
    _late_golden_runs,
    _late_measurements,
    _worse_golden_runs,
    _late_reports,
    _keys_that_end,
    _sources_that_stopped,
    _sampler_that_drew_nothing,
    _silent_webhooks,
    _work_that_will_be_late,
    _no_gold,
    _stale_calibrators,
)


def _number(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _pace(per_hour: float) -> str:
    return f"{per_hour:.0f}" if per_hour >= 10 else f"{per_hour:.1f}"


def _span(time: timedelta) -> str:
    seconds = time.total_seconds()
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return _number(int(seconds // size), unit)
    return "less than a minute"
