"""What has been claimed and what became of it: the only input of every statistic.

Figures read atoms: claims that no statistic tells apart, counted (calibration.tallying keeps them). Fits read single
labels. Complaints and hand-picked claims are in neither: only outcomes that measure are (claims.Outcome.measures).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt
from django.db import connection

from calibration.core.maps import PLACES, signals_of
from calibration.core.segments import Attributes, names_of, offset_name, pair_names, single_names
from calibration.core.signal_table import SignalTable, signal_table
from calibration.models import Calibrator
from reviewqueue.pipelines.models import Pipeline

FloatArray = npt.NDArray[np.float64]

BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The era of claims that came in before anything that decides had ever changed."""

LATEST_COMMIT: Final = timedelta(minutes=5)
"""A row has its id and its time before it is committed; no transaction takes this long."""

UNITS: Final = 100_000_000
"""Cells sum confidences in units of 1e-8, so that sums are exact and do not depend on an order."""


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

    def is_in(self, segment: str) -> bool:
        """Whether a claim at this place belongs to a segment, of one attribute or of two together."""
        own = dict(self.segments)
        return segment in single_names(self.category, own) or segment in pair_names(self.category, own)

    def names_in(self, watched: Sequence[Attributes]) -> list[str]:
        """Those of its segments that are watched, alone or by two attributes together."""
        return names_of(self.category, dict(self.segments), watched)


@dataclass(frozen=True, slots=True)
class Atom:
    """Claims that no statistic tells apart, and how many of them were drawn, labelled and right.

    The confidence of `place` is their mean on eight places: exactly what each of them stated, unless claims within
    1/10,000 of one another stated different ones. `scored_by` names the calibrator whose score it is; "" is stated.
    `held`: rules, verifiers or their case sent them to people, so no band decided about them. Labelled claims are in
    atoms of their own, which say whether calibrators are fitted on their inputs (`fit_half`), which is the lowest audit
    rate in use that would have drawn them too (`level`) and whether each is the first label of its input (`fresh`).
    """

    place: Place
    elicitation: str
    scored_by: str
    held: bool
    audit_rate: float
    era: datetime
    fit_half: bool | None
    level: float | None
    fresh: bool
    claims: int
    sampled: int
    labelled: int
    right: int
    first_at: datetime
    last_at: datetime
    newest_at: datetime | None


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
    signals: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Labels:
    """Labelled claims of one subject, oldest first, as columns for the statistics."""

    rows: Sequence[LabelledClaim]

    @property
    def places(self) -> Iterator[Place]:
        return (row.place for row in self.rows)

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

    def signals(self, higher_is: Mapping[str, str]) -> SignalTable:
        """The signals that point somewhere, as columns."""
        return signal_table([row.signals for row in self.rows], sorted(higher_is), higher_is=higher_is)

    def signals_of(self, params: Mapping[str, object]) -> SignalTable | None:
        """The signals that a map looks at; None where it looks at the confidence alone."""
        names = signals_of(params)
        return signal_table([row.signals for row in self.rows], names) if names else None

    def __len__(self) -> int:
        return len(self.rows)


# The draw is that of the first decision: see calibration.tallying_sql.
_LABELS = """
    SELECT c.model, c.model_version, c.prompt_version, c.category, c.segments::text, c.confidence,
           CASE WHEN d.facts ? 'checks' THEN ARRAY(
                SELECT digest FROM jsonb_each(d.facts -> 'checks') AS made (digest, finding)
                 WHERE finding ->> 0 = 'pass' ORDER BY digest) END,
           o.correct, d.audit_u, d.audit_rate, c.fingerprint, c.received_at, o.created_at,
           (c.signals || COALESCE(d.facts -> 'signals', '{}'))::text
      FROM claims_outcome o
      JOIN claims_claim c ON c.id = o.claim_id
      JOIN claims_decision d ON d.claim_id = c.id AND d.number = 1
     WHERE o.pipeline_id = %s AND o.measures AND o.correct IS NOT NULL
       AND (d.audit_sampled OR d.inclusion_probability = 1 AND d.route <> 'uncertain')
     ORDER BY c.id"""

_ATOMS = """
    SELECT model, model_version, prompt_version, category, segments::text, sum(sum_confidence)::bigint, passed,
           elicitation, scored_by, held, audit_rate, era, fit_half, level, fresh,
           sum(claims), sum(sampled), sum(labelled), sum("right"), min(first_at), max(last_at), max(newest_at)
      FROM {table}
     WHERE pipeline_id = %(pipeline)s
       AND (%(model)s::text IS NULL OR model = %(model)s AND model_version = %(model_version)s
                                       AND prompt_version = %(prompt_version)s)
       AND (%(elicitation)s = '' OR elicitation = %(elicitation)s)
       AND {days}
     GROUP BY model, model_version, prompt_version, category, segments, passed, elicitation, scored_by, held,
              audit_rate, era, fit_half, level, fresh, confidence
     ORDER BY model, model_version, prompt_version, scored_by, confidence"""


_OF_ALL_TIME = _ATOMS.format(table="calibration_monthcell", days="true")
_OF_DAYS = _ATOMS.format(
    table="calibration_cell",
    days="(%(since)s::date IS NULL OR day >= %(since)s) AND (%(until)s::date IS NULL OR day <= %(until)s)",
)


def atoms(
    pipeline_id: int,
    *,
    subject: Subject | None = None,
    elicitation: str = "",
    since: date | None = None,
    until: date | None = None,
) -> list[Atom]:
    """Of all days, or of those from `since` to `until`. Their number does not grow with that of the claims for long."""
    names = subject._asdict() if subject else dict.fromkeys(Subject._fields)
    named: dict[str, Any] = {"pipeline": pipeline_id, "elicitation": elicitation, "since": since, "until": until}
    with connection.cursor() as cursor:
        cursor.execute(_OF_DAYS if since or until else _OF_ALL_TIME, {**named, **names})
        return [_atom(row) for row in cursor.fetchall()]


def fitting_times(pipeline: Pipeline) -> dict[str, datetime]:
    """When each calibrator was fitted. The identity map was fitted on nothing, so every label may certify it."""
    fitted = Calibrator.objects.filter(pipeline=pipeline).exclude(kind="identity")
    return dict(fitted.values_list("name", "fitted_at"))


def labelled_claims(pipeline_id: int) -> list[LabelledClaim]:
    """Oldest claim first."""
    with connection.cursor() as cursor:
        cursor.execute(_LABELS, [pipeline_id])
        return [_labelled(row) for row in cursor.fetchall()]


def first_id(moment: datetime) -> UUID:
    """No claim made at that time or later has a smaller id: ids begin with their milliseconds."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def first_id_to_read_again(last: UUID) -> UUID:
    """After everything up to `last` was read: no claim that was committed since has a smaller id."""
    late = int(LATEST_COMMIT.total_seconds() * 1000) << 80
    return UUID(int=max(last.int - late, 0))


def segment_names(params: Mapping[str, Any], places: Iterable[Place]) -> list[str | None] | None:
    """Each place's segment among those the map treats apart, chosen as routing chooses it; None if it has none."""
    offsets = params.get("offsets")
    if not isinstance(offsets, Mapping):
        return None
    return [offset_name(place.category, dict(place.segments), offsets) for place in places]


@lru_cache(maxsize=4096)
def segments_of(text: str) -> tuple[tuple[str, str], ...]:
    """The segments of a claim, from their JSON."""
    return tuple(sorted(json.loads(text).items()))


def _atom(row: Sequence[Any]) -> Atom:
    model, model_version, prompt_version, category, segments, confidence, passed = row[:7]
    subject = Subject(model, model_version, prompt_version)
    mean = round(confidence / row[15] / UNITS, PLACES)
    return Atom(Place(subject, category, segments_of(segments), mean, tuple(passed)), *row[7:])


def _labelled(row: Sequence[Any]) -> LabelledClaim:
    correct, audit_u, audit_rate, fingerprint, received_at, settled_at, signals = row[7:]
    return LabelledClaim(
        place_of(row), correct, audit_u, audit_rate, bytes(fingerprint), received_at, settled_at, json.loads(signals)
    )


def place_of(row: Sequence[Any]) -> Place:
    model, model_version, prompt_version, category, segments, confidence, passed = row[:7]
    subject = Subject(model, model_version, prompt_version)
    return Place(subject, category, segments_of(segments), confidence, tuple(passed or ()))
