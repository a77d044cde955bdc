"""The lowest threshold that keeps a promise. Pure: the claims and labels of one model and prompt version in.

Certified on the stated confidence, so that the promise does not depend on any calibrator: every rising map leaves the
order of claims as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from calibration.core.cells import Cells, cells_of, cells_of_counts
from calibration.core.maps import PLACES
from calibration.core.select import Selection, select_threshold
from calibration.evidence import ClaimCount, LabelledClaim, Subject
from calibration.measuring import certification_window, may_certify, strata_of

SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Certificate:
    """A threshold of one subject, or the reason why there is none.

    `labels` are those it was tested on; the share and the number a day are what people would still have to review.
    """

    subject: Subject
    selection: Selection
    labels: int
    claims: int
    review_share: float
    reviews_a_day: float


def certify(
    subject: Subject,
    counts: Sequence[ClaimCount],
    labels: Sequence[LabelledClaim],
    *,
    alpha: float,
    delta: float,
    fitted_at: datetime | None,
    now: datetime,
) -> Certificate:
    """The loosest threshold certified, with confidence 1 - delta, to keep the error rate at or below alpha.

    Tested on the equal-probability sample of the window that also certifies bands (docs/decisions/0003), without the
    labels that fitted the calibrator in use.
    """
    usable = [row for row in labels if may_certify(row, fitted_at)]
    window = certification_window(usable, counts, strata_of(counts, labels), alpha=None, delta=delta)
    selection = select_threshold(_sample(window.rows), alpha=alpha, delta=delta, traffic=_traffic(counts))
    claims = sum(count.claims for count in counts)
    days = (now - min((count.first_at for count in counts), default=now)).total_seconds() / SECONDS_A_DAY
    share = 1 - selection.coverage
    return Certificate(
        subject=subject,
        selection=selection,
        labels=len(window.rows),
        claims=claims,
        review_share=share,
        reviews_a_day=share * claims / max(days, 1.0),
    )


def _sample(rows: Sequence[LabelledClaim]) -> Cells:
    return cells_of(np.round([row.place.confidence for row in rows], PLACES), [float(row.correct) for row in rows])


def _traffic(counts: Sequence[ClaimCount]) -> Cells:
    confidence = np.round([count.place.confidence for count in counts], PLACES)
    return cells_of_counts(confidence, [count.claims for count in counts], np.zeros(len(counts)))
