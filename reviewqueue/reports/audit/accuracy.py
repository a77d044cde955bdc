"""How often the claims of the period were right, per band and per segment, weighted by how they were drawn.

Counted by the audit rate that each claim was drawn at, from what was known at the end of the period: the same report
made later says the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from calibration.core.bands import Stratum, band_accuracy
from reviewqueue.reports.audit.document import Kind, Section, columns, table
from reviewqueue.reports.audit.scope import CLAIMS, DRAWN, RECEIVED, Scope

_N: Final = Kind.COUNT
_MEASURED: Final = """LEFT JOIN claims_outcome o ON o.claim_id = c.id AND o.created_at < %(until)s
           AND (o.measures OR o.unmeasured_at >= %(until)s)"""
_COUNTS: Final = f"""count(*), count(*) FILTER (WHERE {DRAWN}),
           count(*) FILTER (WHERE {DRAWN} AND o.correct IS NOT NULL), count(*) FILTER (WHERE {DRAWN} AND o.correct)"""
_SUBJECT: Final = "p.slug, c.model, c.model_version, c.prompt_version"
# What people looked at and could not tell is left out: it is neither right nor wrong, however it was drawn.
_KNOWN: Final = "(o.id IS NULL OR o.correct IS NOT NULL)"
_BANDS: Final = f"""
    SELECT {_SUBJECT}, CASE WHEN d.band = '' THEN 'none' ELSE d.band END, d.audit_rate, {_COUNTS}
      FROM {CLAIMS} {_MEASURED} WHERE {RECEIVED} AND {_KNOWN}
     GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5 DESC, 6"""
_SEGMENTS: Final = f"""
    SELECT {_SUBJECT}, s.name, d.audit_rate, {_COUNTS}
      FROM {CLAIMS} {_MEASURED} CROSS JOIN LATERAL (
           SELECT 'category=' || c.category AS name WHERE c.category <> ''
            UNION ALL SELECT key || '=' || value FROM jsonb_each_text(c.segments)) s
     WHERE {RECEIVED} AND {_KNOWN} GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6"""
_FIGURES: Final = """claims: Claims; drawn: To be labelled; labelled: Labelled; right: Right; accuracy: Accuracy;
    low: 95 % from; high: to"""
_KINDS: Final = {
    **dict.fromkeys(("claims", "drawn", "labelled", "right"), _N),
    **dict.fromkeys(("accuracy", "low", "high"), Kind.SHARE),
}


def accuracy(scope: Scope) -> Section:
    subject = "pipeline: Pipeline; model: Model; model_version: Version; prompt_version: Prompt"
    bands, segments = list(_measured(scope.rows(_BANDS))), list(_measured(scope.rows(_SEGMENTS)))
    untold = sum(1 for row in bands if row[9] is None)
    return Section(
        "accuracy",
        "Accuracy by band and segment",
        [
            "Of the claims received in the period, by the labels that were in at its end. Each label counts for the "
            "claims it was drawn from; intervals are 95 % (Wilson, or Clopper-Pearson on the effective number of "
            "labels where claims were drawn at several rates)."
        ],
        [f"{untold} of {len(bands)} bands cannot be estimated: claims in them have no label yet."] if untold else [],
        [
            table("bands", "By band", columns(f"{subject}; band: Band; {_FIGURES}", **_KINDS), bands, chart="interval"),
            table(
                "segments",
                "By segment",
                columns(f"{subject}; segment: Segment; {_FIGURES}", **_KINDS),
                segments,
                chart="interval",
            ),
        ],
    )


def _measured(rows: Iterable[Sequence[Any]]) -> Iterator[list[Any]]:
    """One row for each thing that is measured, from one for each of its audit rates."""
    found: dict[tuple[Any, ...], list[Stratum]] = defaultdict(list)
    for *key, rate, claims, drawn, labelled, right in rows:
        found[tuple(key)].append(Stratum(claims, drawn, labelled, right, drawn - labelled, rate))
    for about, strata in found.items():
        estimate = band_accuracy(strata)
        counts = [sum(getattr(each, name) for each in strata) for name in ("claims", "sampled", "labelled", "right")]
        known = estimate.est is not None
        yield [*about, *counts, estimate.est, estimate.lo if known else None, estimate.hi if known else None]
