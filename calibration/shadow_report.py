"""What a shadow run has shown: which claims would have gone elsewhere, and what became of those."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from calibration.core.intervals import clopper_pearson
from calibration.models import ShadowDecision
from reviewqueue.claims.models import Claim
from reviewqueue.policy.document import SEEN_IN_FULL
from reviewqueue.policy.models import ShadowRun

ROUTES: Final = ("reject", "uncertain", "escalate", "review", "accept_flagged", "accept")
"""In the order in which tables show them: from least to most confident."""
LEVEL: Final = 0.95
MOST_WAITING: Final = 10_000


@dataclass(frozen=True, slots=True)
class Cell:
    """Claims that the active version sent one way and the version in shadow another, or the same.

    `labelled` counts those whose outcome people measured in a sample of known probability; `low` and `high` are the
    limits of `accuracy`, the share of these outputs that were right.
    """

    active: str
    shadow: str
    claims: int
    share: float
    labelled: int
    right: int
    accuracy: float | None
    low: float | None
    high: float | None

    @property
    def moves(self) -> bool:
        return self.active != self.shadow


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """`load_active` and `load_shadow` are how many of the claims people see under either version."""

    run: ShadowRun
    claims: int
    cells: list[Cell]
    load_active: int
    load_shadow: int
    caught_up_to: datetime | None
    waiting: int

    @property
    def moved(self) -> list[Cell]:
        """Most claims first."""
        return sorted((cell for cell in self.cells if cell.moves), key=lambda cell: -cell.claims)

    @property
    def claims_moved(self) -> int:
        return sum(cell.claims for cell in self.moved)

    @property
    def share_moved(self) -> float | None:
        return self.claims_moved / self.claims if self.claims else None

    @property
    def routes(self) -> list[str]:
        """Those that either version took."""
        taken = {cell.active for cell in self.cells} | {cell.shadow for cell in self.cells}
        return [route for route in ROUTES if route in taken]

    def by_active(self) -> dict[str, int]:
        return {route: sum(cell.claims for cell in self.cells if cell.active == route) for route in self.routes}

    def by_shadow(self) -> dict[str, int]:
        return {route: sum(cell.claims for cell in self.cells if cell.shadow == route) for route in self.routes}


_CELLS = """
    SELECT d.route, s.route, count(*),
           count(*) FILTER (WHERE d.route = ANY(%(seen)s) OR d.audit_sampled),
           count(*) FILTER (WHERE s.route = ANY(%(seen)s) OR s.audit_sampled),
           count(*) FILTER (WHERE o.correct IS NOT NULL),
           count(*) FILTER (WHERE o.correct)
      FROM calibration_shadowdecision s
      JOIN claims_decision d ON d.claim_id = s.claim_id AND d.number = 1
      LEFT JOIN claims_outcome o ON o.claim_id = s.claim_id AND o.measures
                                AND (d.audit_sampled OR d.inclusion_probability = 1)
     WHERE s.run_id = %(run)s
     GROUP BY 1, 2"""


def shadow_report(run: ShadowRun) -> ShadowReport:
    rows = _rows(run)
    claims = sum(row[2] for row in rows)
    last = ShadowDecision.objects.filter(run=run).order_by("-claim_id").values_list("claim_id", "claim__received_at")
    newest = last.first()
    return ShadowReport(
        run=run,
        claims=claims,
        cells=[_cell(row, claims) for row in rows],
        load_active=sum(row[3] for row in rows),
        load_shadow=sum(row[4] for row in rows),
        caught_up_to=newest[1] if newest else None,
        waiting=_waiting(run, newest[0] if newest else None),
    )


def _rows(run: ShadowRun) -> list[tuple[Any, ...]]:
    named: dict[str, Any] = {"seen": sorted(SEEN_IN_FULL), "run": run.pk}
    with connection.cursor() as cursor:
        cursor.execute(_CELLS, named)
        return sorted(cursor.fetchall(), key=lambda row: (ROUTES.index(row[0]), ROUTES.index(row[1])))


def _cell(row: Sequence[Any], claims: int) -> Cell:
    active, shadow, here, _, _, labelled, right = row
    low, high = clopper_pearson(right, labelled, conf=LEVEL) if labelled else (None, None)
    return Cell(
        active=active,
        shadow=shadow,
        claims=here,
        share=here / claims,
        labelled=labelled,
        right=right,
        accuracy=right / labelled if labelled else None,
        low=None if low is None else float(low),
        high=None if high is None else float(high),
    )


def _waiting(run: ShadowRun, after: object) -> int:
    """Claims the sweep has still to decide, counted up to MOST_WAITING; none once the run has ended."""
    if run.stopped_at is not None:
        return 0
    found = Claim.objects.filter(pipeline=run.pipeline_id, received_at__gte=run.started_at)
    if after is not None:
        found = found.filter(pk__gt=after)
    return found.order_by("-id")[:MOST_WAITING].count()
