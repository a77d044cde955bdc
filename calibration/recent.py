"""The newest labels of a pipeline with everything known of their claims: a bounded sample of known chance."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from django.db import connection

from calibration.core.intervals import FloatArray
from calibration.core.labels import BoolArray, in_fit_half
from calibration.core.resampling import cluster_numbers
from calibration.core.segments import Attributes, names_of
from calibration.evidence import Subject

NEWEST: Final = 20_000
"""How many labels such figures rest on at most."""


class RecentLabel(NamedTuple):
    """`chance` is the known chance that the claim would be labelled."""

    subject: Subject
    elicitation: str
    category: str
    segments: dict[str, str]
    confidence: float
    right: bool
    chance: float
    fingerprint: bytes

    def names_in(self, watched: Sequence[Attributes]) -> list[str]:
        return names_of(self.category, self.segments, watched)


@dataclass(frozen=True)
class RecentLabels:
    """As columns for the statistics."""

    rows: Sequence[RecentLabel]

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def confidence(self) -> FloatArray:
        return np.array([row.confidence for row in self.rows], dtype=float)

    @cached_property
    def right(self) -> FloatArray:
        return np.array([row.right for row in self.rows], dtype=float)

    @cached_property
    def chance(self) -> FloatArray:
        return np.array([row.chance for row in self.rows], dtype=float)

    @cached_property
    def weight(self) -> FloatArray:
        return 1 / self.chance

    @cached_property
    def fingerprint(self) -> npt.NDArray[np.str_]:
        return np.array([row.fingerprint.hex() for row in self.rows], dtype=np.str_)

    @cached_property
    def cluster(self) -> npt.NDArray[np.intp]:
        return cluster_numbers(self.fingerprint, len(self.rows))

    @cached_property
    def in_fit_half(self) -> BoolArray:
        return np.array([in_fit_half(row.fingerprint) for row in self.rows], dtype=bool)


# The draw is that of the first decision, and who was handed back was not drawn: see calibration.evidence.
_LABELS: Final = """
    SELECT c.model, c.model_version, c.prompt_version, c.elicitation, c.category, c.segments::text, c.confidence,
           o.correct, d.inclusion_probability, c.fingerprint
      FROM (SELECT claim_id, correct FROM claims_outcome
             WHERE pipeline_id = %s AND measures AND correct IS NOT NULL
             ORDER BY created_at DESC LIMIT %s) AS o
      JOIN claims_claim AS c ON c.id = o.claim_id
      JOIN claims_decision AS d ON d.claim_id = c.id AND d.number = 1
     WHERE d.audit_sampled OR d.inclusion_probability = 1 AND d.route <> 'uncertain'
     ORDER BY c.id"""

_STATE: Final = """
    SELECT max(created_at), count(*) FROM (
        SELECT created_at FROM claims_outcome WHERE pipeline_id = %s AND measures ORDER BY created_at DESC LIMIT %s
    ) AS newest"""


def recent_labels(pipeline_id: int) -> RecentLabels:
    """One query. Oldest claim first."""
    with connection.cursor() as cursor:
        cursor.execute(_LABELS, [pipeline_id, NEWEST])
        return RecentLabels([_label(row) for row in cursor.fetchall()])


class LabelState(NamedTuple):
    """Differs whenever there are other labels than before. `outcomes` counts measured ones up to NEWEST + 1."""

    newest_at: datetime | None
    outcomes: int

    @property
    def newest(self) -> str:
        return f"{self.newest_at.isoformat() if self.newest_at else ''} {self.outcomes}"


def state_of_labels(pipeline_id: int) -> LabelState:
    with connection.cursor() as cursor:
        cursor.execute(_STATE, [pipeline_id, NEWEST + 1])
        return LabelState(*cursor.fetchone())


@lru_cache(maxsize=4096)
def _segments(text: str) -> dict[str, str]:
    segments: dict[str, str] = json.loads(text)
    return segments


def _label(row: Sequence[Any]) -> RecentLabel:
    elicitation, category, segments, confidence, right, chance, fingerprint = row[3:]
    return RecentLabel(
        Subject(*row[:3]), elicitation, category, _segments(segments), confidence, right, chance, bytes(fingerprint)
    )
