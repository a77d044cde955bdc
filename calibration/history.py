"""The figures of a past moment, from what was known then: outcomes are superseded, never edited.

This counts single rows, without the cells and their tables: slower, and what the cells are tested against.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from calibration.core.labels import in_fit_half
from calibration.core.maps import PLACES
from calibration.evidence import UNITS, Atom, Place, Subject, segments_of
from calibration.tallying import eras_of
from reviewqueue.pipelines.models import Pipeline

AT_ONCE = 5_000


def cells_as_of(pipeline: Pipeline, moment: datetime) -> list[Atom]:
    """What `evidence.atoms` would have given then: claims received by then, by the outcomes that measured then.

    Of stated confidence: scores are made anew with each calibrator. Outcomes that stopped measuring before it was
    noted when are taken for never having measured.
    """
    claims = list(_claims(pipeline.pk, moment))
    rates = sorted({claim.audit_rate for claim in claims})
    eras = [era for era in eras_of(pipeline) if era <= moment]
    seen: set[tuple[Subject, bytes]] = set()
    groups: dict[tuple[Any, ...], list[_Claim]] = defaultdict(list)
    for claim in claims:
        groups[_key(claim, rates, eras, seen)].append(claim)
    return [_atom(key, group) for key, group in groups.items()]


@dataclass(frozen=True, slots=True)
class _Claim:
    subject: Subject
    category: str
    segments: tuple[tuple[str, str], ...]
    passed: tuple[str, ...]
    elicitation: str
    held: bool
    confidence: int
    audit_u: float
    audit_rate: float
    drawn: bool
    correct: bool | None
    settled_at: datetime | None
    fingerprint: bytes
    received_at: datetime

    @property
    def labelled(self) -> bool:
        return self.drawn and self.correct is not None


_CLAIMS = """
    SELECT c.model, c.model_version, c.prompt_version, c.category, c.segments::text,
           CASE WHEN d.facts ? 'checks' THEN ARRAY(
                SELECT digest FROM jsonb_each(d.facts -> 'checks') AS made (digest, finding)
                 WHERE finding ->> 0 = 'pass' ORDER BY digest) END,
           c.elicitation, d.reasons && ARRAY['signal_rule', 'verifier_failed', 'mandatory_case']::varchar[],
           c.confidence, d.audit_u, d.audit_rate,
           d.audit_sampled OR d.inclusion_probability = 1 AND d.route <> 'uncertain',
           o.correct, o.created_at, c.fingerprint, c.received_at
      FROM claims_claim c
      JOIN claims_decision d ON d.claim_id = c.id AND d.number = 1
      LEFT JOIN claims_outcome o ON o.claim_id = c.id AND o.created_at <= %(moment)s
                                AND (o.measures OR o.unmeasured_at > %(moment)s)
     WHERE c.pipeline_id = %(pipeline)s AND c.received_at <= %(moment)s AND (o.id IS NULL OR o.correct IS NOT NULL)
     ORDER BY c.id"""


def _claims(pipeline_id: int, moment: datetime) -> Iterator[_Claim]:
    """Oldest first, as their ids are."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(_CLAIMS, {"pipeline": pipeline_id, "moment": moment})
        while rows := cursor.fetchmany(AT_ONCE):
            yield from map(_claim, rows)


def _claim(row: Sequence[Any]) -> _Claim:
    return _Claim(
        subject=Subject(*row[:3]),
        category=row[3],
        segments=segments_of(row[4]),
        passed=tuple(row[5] or ()),
        elicitation=row[6],
        held=row[7],
        confidence=round(row[8] * UNITS),
        audit_u=row[9],
        audit_rate=row[10],
        drawn=row[11],
        correct=row[12],
        settled_at=row[13],
        fingerprint=bytes(row[14]),
        received_at=row[15],
    )


def _key(
    claim: _Claim, rates: Sequence[float], eras: Sequence[datetime], seen: set[tuple[Subject, bytes]]
) -> tuple[Any, ...]:
    """All that atoms are told apart by. The first label of an input is remembered in `seen`."""
    era = eras[bisect_right(eras, claim.received_at) - 1]
    place = (claim.subject, claim.category, claim.segments, claim.passed, claim.confidence // 10_000)
    of_claim = (*place, claim.elicitation, claim.held, claim.audit_rate, era)
    if not claim.labelled:
        return (*of_claim, None, None, False)
    label_of = (claim.subject, claim.fingerprint)
    fresh = label_of not in seen
    seen.add(label_of)
    return (*of_claim, in_fit_half(claim.fingerprint), rates[bisect_right(rates, claim.audit_u)], fresh)


def _atom(key: tuple[Any, ...], claims: Sequence[_Claim]) -> Atom:
    subject, category, segments, passed, _, elicitation, held, audit_rate, era, fit_half, level, fresh = key
    mean = round(sum(claim.confidence for claim in claims) / len(claims) / UNITS, PLACES)
    return Atom(
        place=Place(subject, category, segments, mean, passed),
        elicitation=elicitation,
        scored_by="",
        held=held,
        audit_rate=audit_rate,
        era=era,
        fit_half=fit_half,
        level=level,
        fresh=fresh,
        claims=len(claims),
        sampled=sum(claim.drawn for claim in claims),
        labelled=sum(claim.labelled for claim in claims),
        right=sum(claim.labelled and bool(claim.correct) for claim in claims),
        first_at=min(claim.received_at for claim in claims),
        last_at=max(claim.received_at for claim in claims),
        newest_at=max((claim.settled_at for claim in claims if claim.labelled and claim.settled_at), default=None),
    )
