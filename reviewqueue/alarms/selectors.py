from __future__ import annotations

from typing import Final

from reviewqueue.accounts.models import User
from reviewqueue.alarms.models import RaisedAlarm
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.pipelines.selectors import people_who_can_grant

TOLD: Final = frozenset(
    {
        "no_owner",
        "owner_gone",
        "deputy_gone",
        "no_deputy",
        "no_reviewer",
        "break_glass",
        "nobody_works",
        "source_stopped",
        "key_ends",
        "sampler_silent",
        "no_gold",
        "webhook_silent",
        "calibrator_stale",
        "golden_overdue",
        "measurement_overdue",
        "report_late",
    }
)
"""What nobody would notice by itself. The others are seen where people work, or have a webhook of their own."""
PAST_SHOWN: Final = 100


def addressees(pipeline: Pipeline) -> list[User]:
    """Owner and deputy, as far as they can log in and have an address; where neither can, the administrators."""
    people = [person for person in (pipeline.owner, pipeline.deputy) if person and person.is_active]
    return [person for person in people or people_who_can_grant() if person.email]


def standing_alarms(pipeline: Pipeline) -> list[RaisedAlarm]:
    """What is wrong already comes first, then what stands longest."""
    return sorted(
        RaisedAlarm.objects.filter(pipeline=pipeline, ended_at__isnull=True).order_by("since", "id"),
        key=lambda row: row.tone != "late",
    )


def past_alarms(pipeline: Pipeline) -> list[RaisedAlarm]:
    """The newest that are over."""
    past = RaisedAlarm.objects.filter(pipeline=pipeline, ended_at__isnull=False).order_by("-since", "-id")
    return list(past[:PAST_SHOWN])
