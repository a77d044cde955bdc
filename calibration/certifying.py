"""The lowest threshold that keeps a promise. Pure: the claims and labels of one model and prompt version in.

Certified on the stated confidence, so that the promise does not depend on any calibrator: every rising map leaves the
order of claims as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from calibration.core.select import Selection, select_rejection, select_threshold
from calibration.evidence import Atom, Subject
from calibration.measuring import Places
from calibration.sample import decidable, gate_of
from reviewqueue.policy.document import Policy

SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Certificate:
    """A threshold of one subject, or the reason why there is none; in `rejection` one below which it is wrong enough.

    `labels` are those it was tested on; the share and the number a day are what people would still have to review.
    `decidable_share` is how much of the traffic confidence may decide about at all.
    """

    subject: Subject
    selection: Selection
    rejection: Selection
    labels: int
    claims: int
    review_share: float
    reviews_a_day: float
    decidable_share: float


def certify(
    subject: Subject,
    found: Sequence[Atom],
    *,
    policy: Policy | None,
    alpha: float,
    delta: float,
    fitted_at: datetime | None,
    now: datetime,
) -> Certificate:
    """The loosest threshold certified, with confidence 1 - delta, to keep the error rate at or below alpha.

    And the highest below which at most that share is right, a promise of its own.
    Tested on the equal-probability sample of the window that also certifies bands (docs/decisions/0003), without the
    labels that fitted the calibrator in use. Claims that people see anyhow test nothing and stay with people.
    """
    stated = [atom for atom in found if Places(policy).counts(atom)]
    decided = decidable(policy, found)
    gate = gate_of(decided, fitted_at)
    selection = select_threshold(gate.sample, alpha=alpha, delta=delta, traffic=gate.traffic)
    claims = sum(atom.claims for atom in stated)
    days = (now - min((atom.first_at for atom in stated), default=now)).total_seconds() / SECONDS_A_DAY
    decidable_share = sum(atom.claims for atom in decided) / claims if claims else 1.0
    share = 1 - selection.coverage * decidable_share
    return Certificate(
        subject=subject,
        selection=selection,
        rejection=select_rejection(gate.sample, beta=alpha, delta=delta, traffic=gate.traffic),
        labels=round(gate.sample.labels),
        claims=claims,
        review_share=share,
        reviews_a_day=share * claims / max(days, 1.0),
        decidable_share=decidable_share,
    )
