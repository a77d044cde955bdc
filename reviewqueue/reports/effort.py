"""How many claims come in a day, and how long a person takes for a label: what hours of review are computed from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from calibration.evidence import Subject, first_id
from reviewqueue.pipelines.models import Pipeline

WITHIN: Final = timedelta(days=28)
NEWEST: Final = 20_000
LABELS: Final = 2_000
USUAL_SECONDS: Final = 60.0
"""Where nobody has labelled yet."""
FEWEST_LABELS: Final = 20


@dataclass(frozen=True, slots=True)
class Effort:
    """`claims_a_day` by subject; `seconds` is the median time of a label, and `is_measured` whether labels say so.

    `minutes_a_day` is what people spent on labels in a day.
    """

    claims_a_day: dict[Subject, float]
    seconds: float
    is_measured: bool
    minutes_a_day: float


# A share of the newest claims, over the time they took to come in: a day at least, or an hour of a demo would be a day.
_CLAIMS: Final = """
    SELECT model, model_version, prompt_version, count(*), min(min(received_at)) OVER ()
      FROM (SELECT model, model_version, prompt_version, received_at FROM claims_claim
             WHERE pipeline_id = %s AND id >= %s ORDER BY id DESC LIMIT %s) AS claim
     GROUP BY model, model_version, prompt_version"""

_SECONDS: Final = """
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds), count(*), COALESCE(sum(seconds), 0), min(created_at)
      FROM (SELECT label.seconds, label.created_at
              FROM review_label AS label JOIN review_reviewtask AS task ON task.id = label.task_id
             WHERE label.id >= %s AND label.seconds IS NOT NULL AND label.revision = 0 AND task.pipeline_id = %s
               AND task.purpose <> 'gold'
             ORDER BY label.id DESC LIMIT %s) AS newest"""


def effort_of(pipeline: Pipeline, now: datetime) -> Effort:
    """Of the last four weeks. Two queries over the newest claims and labels."""
    first = first_id(now - WITHIN)
    with connection.cursor() as cursor:
        cursor.execute(_CLAIMS, [pipeline.pk, first, NEWEST])
        claims = cursor.fetchall()
        cursor.execute(_SECONDS, [first, pipeline.pk, LABELS])
        seconds, labels, in_all, since = cursor.fetchone()
    is_measured = labels >= FEWEST_LABELS
    return Effort(
        claims_a_day={Subject(*row[:3]): row[3] / _days(now - row[4]) for row in claims},
        seconds=float(seconds) if is_measured else USUAL_SECONDS,
        is_measured=is_measured,
        minutes_a_day=in_all / 60 / _days(now - since) if since else 0.0,
    )


def _days(span: timedelta) -> float:
    return max(span / timedelta(days=1), 1.0)
