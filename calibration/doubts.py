"""Whose numbers are stale though they are young: another version has taken over, or the confidences have moved."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.db import connection

from calibration.evidence import Subject
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.models import Breaker, BreakerCause

NEWEST: Final = 400
"""Claims that are looked at to see which version has the traffic."""

FEWEST_OF_SUCCESSOR: Final = 100
LARGEST_REST: Final = 0.05
"""A version is superseded once it has no more than this share of what came in for it and the one that followed it."""


def doubted_subjects(pipeline: Pipeline) -> set[Subject]:
    """Subjects whose numbers say nothing of now, until something changes or a person has looked."""
    moved = Breaker.objects.filter(pipeline=pipeline, cause=BreakerCause.DRIFT, reset_at__isnull=True)
    names = moved.values_list("model", "model_version", "prompt_version")
    return {*(Subject(*each) for each in names), *superseded_subjects(pipeline)}


def superseded_subjects(pipeline: Pipeline) -> dict[Subject, Subject]:
    """Versions of a model whose traffic another one has, which came in later, and that one."""
    newest = _newest(pipeline.pk)
    rivals = {each.model for each in newest if newest[each] >= FEWEST_OF_SUCCESSOR}
    known = _first_claims(pipeline.pk, rivals) if rivals else {}
    return successors(known, newest)


def successors(first_at: Mapping[Subject, datetime], newest: Mapping[Subject, int]) -> dict[Subject, Subject]:
    """Pure: by when each subject's first claim came in, and how many of the newest claims are its own."""
    found: dict[Subject, Subject] = {}
    for old, began in first_at.items():
        for new, claims in newest.items():
            rest = newest.get(old, 0)
            is_later = new.model == old.model and new in first_at and first_at[new] > began
            if is_later and claims >= FEWEST_OF_SUCCESSOR and rest <= LARGEST_REST * (rest + claims):
                found[old] = new
    return found


_NEWEST: Final = """
    SELECT model, model_version, prompt_version, count(*)
      FROM (SELECT model, model_version, prompt_version FROM claims_claim
             WHERE pipeline_id = %s ORDER BY id DESC LIMIT %s) AS newest
     GROUP BY 1, 2, 3"""

_FIRST: Final = """
    SELECT model, model_version, prompt_version, min(first_at)
      FROM calibration_cell
     WHERE pipeline_id = %s AND model = ANY(%s)
     GROUP BY 1, 2, 3"""


def _newest(pipeline_id: int) -> dict[Subject, int]:
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [pipeline_id, NEWEST])
        return {Subject(*row[:3]): row[3] for row in cursor.fetchall()}


def _first_claims(pipeline_id: int, models: set[str]) -> dict[Subject, datetime]:
    with connection.cursor() as cursor:
        cursor.execute(_FIRST, [pipeline_id, sorted(models)])
        return {Subject(*row[:3]): row[3] for row in cursor.fetchall()}
