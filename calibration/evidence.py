"""What has been claimed and what became of it, as arrays: the only input of every statistic.

Complaints and hand-picked claims are not in here: only outcomes that measure are (claims.Outcome.measures).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt
from django.db import connection

from calibration.core.segments import Attributes, names_of, single_names

FloatArray = npt.NDArray[np.float64]


class Subject(NamedTuple):
    """What is measured apart: numbers of one model or prompt version say nothing of another."""

    model: str
    model_version: str
    prompt_version: str


@dataclass(frozen=True, slots=True)
class Place:
    """Everything routing looks at to place a claim in a band."""

    subject: Subject
    category: str
    segments: tuple[tuple[str, str], ...]
    confidence: float
    passed: tuple[str, ...] = ()
    """The digests of the checks that it passed when it came in."""

    @property
    def names(self) -> list[str]:
        """The segments a claim at this place belongs to by one attribute, as statistics name them."""
        return single_names(self.category, dict(self.segments))

    def names_in(self, watched: Sequence[Attributes]) -> list[str]:
        """Those of its segments that are watched, alone or by two attributes together."""
        return names_of(self.category, dict(self.segments), watched)


@dataclass(frozen=True, slots=True)
class ClaimCount:
    """Claims at one place that were drawn for a label at one audit rate. `first_at` is when the first came in."""

    place: Place
    audit_rate: float
    claims: int
    sampled: int
    first_at: datetime


@dataclass(frozen=True, slots=True)
class LabelledClaim:
    """A claim whose outcome people measured, from a sample with known probability."""

    place: Place
    correct: bool
    audit_u: float
    audit_rate: float
    fingerprint: bytes
    received_at: datetime
    settled_at: datetime


@dataclass(frozen=True)
class Labels:
    """Labelled claims of one subject, oldest first, as columns for the statistics."""

    rows: Sequence[LabelledClaim]

    @cached_property
    def confidence(self) -> FloatArray:
        return np.array([row.place.confidence for row in self.rows], dtype=float)

    @cached_property
    def right(self) -> FloatArray:
        return np.array([row.correct for row in self.rows], dtype=float)

    @cached_property
    def chance(self) -> FloatArray:
        """The known chance that each of them was labelled."""
        return np.array([row.audit_rate for row in self.rows], dtype=float)

    @cached_property
    def fingerprint(self) -> npt.NDArray[np.str_]:
        return np.array([row.fingerprint.hex() for row in self.rows], dtype=np.str_)

    def segment(self, attributes: Attributes) -> list[str | None]:
        """Each row's segment under one attribute or two, such as "language=en"."""
        return [next(iter(row.place.names_in([attributes])), None) for row in self.rows]

    def __len__(self) -> int:
        return len(self.rows)


# The draw is that of the first decision: whatever later made the claim go elsewhere was no chance. A claim that was
# handed back with a next step was not drawn at all: whether people saw it depends on whether its caller came back.
_COUNTS = """
    SELECT c.model, c.model_version, c.prompt_version, c.category, c.segments::text, c.confidence,
           CASE WHEN d.facts ? 'checks' THEN ARRAY(
                SELECT digest FROM jsonb_each(d.facts -> 'checks') AS made (digest, finding)
                 WHERE finding ->> 0 = 'pass' ORDER BY digest) END,
           d.audit_rate, count(*),
           count(*) FILTER (WHERE d.audit_sampled OR d.inclusion_probability = 1 AND d.route <> 'uncertain'),
           min(c.received_at)
      FROM claims_claim c JOIN claims_decision d ON d.claim_id = c.id AND d.number = 1
      LEFT JOIN claims_outcome o ON o.claim_id = c.id AND o.measures
     WHERE c.pipeline_id = %s AND (o.id IS NULL OR o.correct IS NOT NULL)
     GROUP BY 1, 2, 3, 4, 5, 6, 7, 8"""  # claims that people looked at and could not judge are not counted

_LABELS = """
    SELECT c.model, c.model_version, c.prompt_version, c.category, c.segments::text, c.confidence,
           CASE WHEN d.facts ? 'checks' THEN ARRAY(
                SELECT digest FROM jsonb_each(d.facts -> 'checks') AS made (digest, finding)
                 WHERE finding ->> 0 = 'pass' ORDER BY digest) END,
           o.correct, d.audit_u, d.audit_rate, c.fingerprint, c.received_at, o.created_at
      FROM claims_outcome o
      JOIN claims_claim c ON c.id = o.claim_id
      JOIN claims_decision d ON d.claim_id = c.id AND d.number = 1
     WHERE o.pipeline_id = %s AND o.measures AND o.correct IS NOT NULL
       AND (d.audit_sampled OR d.inclusion_probability = 1 AND d.route <> 'uncertain')
     ORDER BY c.id"""

_NEWEST = """
    SELECT (SELECT max(id::text) FROM claims_claim WHERE pipeline_id = %(pipeline)s),
           (SELECT max(created_at) FROM claims_outcome WHERE pipeline_id = %(pipeline)s),
           (SELECT count(*) FROM claims_outcome WHERE pipeline_id = %(pipeline)s AND measures),
           (SELECT string_agg(number || status, ',' ORDER BY number) FROM policy_policyversion
             WHERE pipeline_id = %(pipeline)s AND status IN ('draft', 'approved', 'active')),
           date_trunc('hour', now())"""


def claim_counts(pipeline_id: int) -> list[ClaimCount]:
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [pipeline_id])
        return [ClaimCount(_place(row), *row[7:]) for row in cursor.fetchall()]


def labelled_claims(pipeline_id: int) -> list[LabelledClaim]:
    """Oldest claim first."""
    with connection.cursor() as cursor:
        cursor.execute(_LABELS, [pipeline_id])
        return [_labelled(row) for row in cursor.fetchall()]


def newest_of(pipeline_id: int) -> str:
    """Changes whenever a number derived from this pipeline may change (and once an hour, because numbers age)."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, {"pipeline": pipeline_id})
        return "|".join(str(part) for part in cursor.fetchone())


def first_id(moment: datetime) -> UUID:
    """No claim made at that time or later has a smaller id: ids begin with their milliseconds."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


@lru_cache(maxsize=4096)
def _segments(text: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(json.loads(text).items()))


def _labelled(row: Sequence[Any]) -> LabelledClaim:
    correct, audit_u, audit_rate, fingerprint, received_at, settled_at = row[7:]
    return LabelledClaim(_place(row), correct, audit_u, audit_rate, bytes(fingerprint), received_at, settled_at)


def _place(row: Sequence[Any]) -> Place:
    model, model_version, prompt_version, category, segments, confidence, passed = row[:7]
    subject = Subject(model, model_version, prompt_version)
    return Place(subject, category, _segments(segments), confidence, tuple(passed or ()))
