"""Builds a report from one unchanging state of the database."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings

from reviewqueue.claims.selectors import instant
from reviewqueue.ledger.export import unsealed_between
from reviewqueue.ledger.verify import snapshot
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.reports.audit.accuracy import accuracy
from reviewqueue.reports.audit.changes import changes
from reviewqueue.reports.audit.claims import claims_and_outcomes, coverage, routes
from reviewqueue.reports.audit.deliveries import deliveries
from reviewqueue.reports.audit.document import FORMAT, Section, without
from reviewqueue.reports.audit.gaps import gaps
from reviewqueue.reports.audit.incidents import incidents
from reviewqueue.reports.audit.mandatory import mandatory_review
from reviewqueue.reports.audit.overrides import overrides
from reviewqueue.reports.audit.proof import NOT_PROMISED, Sealed, ledger_figures, sealed_between
from reviewqueue.reports.audit.reads import reads
from reviewqueue.reports.audit.reviewers import reviewers
from reviewqueue.reports.audit.scope import Scope

BUILDERS: Final[tuple[Callable[[Scope], Section], ...]] = (
    claims_and_outcomes,
    routes,
    coverage,
    accuracy,
    mandatory_review,
    overrides,
    changes,
    incidents,
    reviewers,
    gaps,
    deliveries,
    reads,
)
STEPS: Final = len(BUILDERS) + 1
"""How far a report is, is told in these: the last one is the figures from the entries."""


@dataclass(frozen=True, slots=True)
class Built:
    text: bytes
    first: int
    size: int
    root: str


def build(
    *, report: UUID, pipeline: Pipeline | None, since: datetime, until: datetime, tell: Callable[[int], None]
) -> Built:
    """`report.json` as bytes, the same for the same state of the database but for its id. Raises NothingSealed."""
    with snapshot():
        sealed = sealed_between(since, until)
        chosen = [pipeline] if pipeline else Pipeline.objects.order_by("slug")
        slug = pipeline.slug if pipeline else None
        scope = Scope(slug, {each.pk: each.slug for each in chosen}, since, until, sealed.first, sealed.size)
        sections = []
        for number, builder in enumerate(BUILDERS, 1):
            sections.append(_plain(builder(scope), alone=slug is not None))
            tell(number)
        document = {
            **_head(report, scope, sealed),
            "ledger_figures": ledger_figures(sealed, slug, lambda: tell(len(BUILDERS))),
            "unsealed": unsealed_between(since, until),
            "not_promised": list(NOT_PROMISED),
            "sections": sections,
        }
        tell(STEPS)
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Built(text.encode(), sealed.first, sealed.size, bytes(sealed.checkpoint.root).hex())


def _head(report: UUID, scope: Scope, sealed: Sealed) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "report": str(report),
        "origin": settings.LEDGER_ORIGIN,
        "pipeline": scope.slug,
        "since": instant(scope.since),
        "until": instant(scope.until),
        "checkpoint": {
            "size": sealed.size,
            "root": bytes(sealed.checkpoint.root).hex(),
            "note": sealed.checkpoint.note,
        },
        "first": sealed.first,
    }


def _plain(section: Section, *, alone: bool) -> dict[str, Any]:
    found = section.plain()
    if alone:
        found["tables"] = [table.plain() for table in without(section.tables, "pipeline")]
    return found
