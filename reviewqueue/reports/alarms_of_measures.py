"""Alarms of what was promised and measured: models, bands, calibrators, golden sets, reports."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.db.models import Max

from calibration.findings import monitors
from calibration.models import BandStat
from reviewqueue.golden.due import worse_lately
from reviewqueue.policy.selectors import open_breakers
from reviewqueue.reports.alarm import LATE, WARNING, Alarm, Seen, number, span
from reviewqueue.reports.schedules import late_schedules

STOPPED_BECAUSE: Final = {
    "drift": "its confidences moved beyond doubt",
    "outcome": "its labels show more errors than were promised",
    "manual": "somebody stopped it",
}


def stopped_models(seen: Seen) -> Iterator[Alarm]:
    for breaker in open_breakers(seen.pipeline):
        what = "Every model" if breaker.covers_everything else f"{breaker.model} {breaker.model_version}"
        why = STOPPED_BECAUSE.get(breaker.cause, "something was found")
        yield Alarm("stopped", LATE, f"{what} is stopped.", f"All its claims go to people: {why}.", "breakers")


def broken_promises(seen: Seen) -> Iterator[Alarm]:
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


def stale_calibrators(seen: Seen) -> Iterator[Alarm]:
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
                f"The newest label of {entry.model} {entry.model_version} is {span(seen.now - last_at)} old; the"
                f" policy allows {number(seen.active.policy.freshness_days, 'day')}.",
                "calibrators",
                subject=entry.name,
            )


MOST_GOLDEN: Final = 5
_WHY_DUE: Final = {
    "new_version": "It is new in traffic, and was never measured by it",
    "schedule": "It was measured last too long ago",
}


def late_golden_runs(seen: Seen) -> Iterator[Alarm]:
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


def late_measurements(seen: Seen) -> Iterator[Alarm]:
    """Versions in traffic without a golden set, whose labels are older than the policy allows; those of calibrators are
    told by `stale_calibrators`.
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


def late_reports(seen: Seen) -> Iterator[Alarm]:
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


def worse_golden_runs(seen: Seen) -> Iterator[Alarm]:
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


def monitors_that_warn(seen: Seen) -> Iterator[Alarm]:
    """Labels speak against a promise or a calibrator, not yet beyond doubt; an alarm stops a model by itself."""
    near = [row for row in monitors(seen.pipeline) if row.signal == "warning"]
    for row in near[:MOST_BANDS]:
        what = f"the promise of band {row.band}" if row.band else f"the calibrator {row.calibrator}"
        yield Alarm(
            "monitor_warns",
            WARNING,
            f"Labels of {row.model} {row.model_version} begin to speak against {what}.",
            f"{number(row.wrong, 'error')} in {number(row.labels, 'label')} since it is watched.",
            "drift",
        )


def _version(subject: tuple[str, str, str]) -> str:
    model, version, prompt = subject
    return f"{model} {version}, prompt {prompt}," if prompt else f"{model} {version}"
