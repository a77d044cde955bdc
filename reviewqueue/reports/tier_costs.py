"""What each tier of a pipeline does with its claims, and at what price. Pure arithmetic over the ways claims took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from calibration.core.costs import Costs as Prices
from calibration.core.costs import cost_threshold
from calibration.core.shares import Share, weighted_share
from reviewqueue.pipelines.costs import STEPS, Costs

FEWEST_LABELS: Final = 10
"""Fewer labels than this in a tier give no error."""

HUMAN: Final = ("review", "escalate", "adjudication")
GOES_OUT: Final = ("accept", "accept_flagged", "verified")
"""Tiers whose wrong outputs reach somebody before a person has seen them."""

ORDER: Final = (*GOES_OUT, "reject", *STEPS, *HUMAN)


class Passage(NamedTuple):
    """The way of one claim. `seconds` ends with what the tier gives: a decision, an answer, a label that settles.

    `weight` is one over the chance that it would be labelled; `right` is None where nobody has measured it.
    """

    tier: str
    attempt: int
    is_first: bool
    labels: int
    steps: Sequence[str]
    seconds: float | None
    right: bool | None
    weight: float
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Money:
    """An amount. `at_least`: something in it has no price."""

    amount: float
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class Tier:
    """`attempt` is None but for next steps. `waiting` counts claims that have not come to its end.

    `error` is how often its outcome would have been wrong: the output, or in `reject` the refusal. `error_cost` is
    what these errors cost where they go out, with its limits; None where that is not known.
    """

    name: str
    attempt: int | None
    claims: int
    share: float
    waiting: int
    labels: int
    median: float | None
    p95: float | None
    error: Share | None
    measured: int
    work: Money | None
    error_cost: tuple[float, float, float] | None

    @property
    def goes_out(self) -> bool:
        return self.name in GOES_OUT

    @property
    def work_per_claim(self) -> float | None:
        return None if self.work is None else self.work.amount / self.claims


@dataclass(frozen=True, slots=True)
class Total:
    """Per 1,000 cases: a claim and what superseded it is one case. The errors are those that go out.

    Below `break_even`, a calibrated confidence, a review costs less than the errors it spares; None without prices.
    """

    cases: int
    work: Money
    errors: tuple[float, float, float] | None
    all_reviewed: Money
    break_even: float | None


@dataclass(frozen=True, slots=True)
class TierReport:
    """`unpriced` names the work that was done and has no price."""

    claims: int
    tiers: list[Tier]
    total: Total | None
    unpriced: list[str]


def tier_report(passages: Sequence[Passage], costs: Costs | None, *, labels_needed: float) -> TierReport:
    """`labels_needed` is how many labels a claim in review gets where none has been reviewed yet."""
    groups: dict[tuple[int, int], list[Passage]] = {}
    for passage in passages:
        groups.setdefault(_place(passage), []).append(passage)
    tiers = [_tier(group, len(passages), costs) for _, group in sorted(groups.items())]
    return TierReport(
        claims=len(passages),
        tiers=tiers,
        total=_total(passages, tiers, costs, labels_needed) if costs and passages else None,
        unpriced=_unpriced(passages, costs) if costs else [],
    )


def _place(passage: Passage) -> tuple[int, int]:
    """Next steps by attempt, everything else together."""
    return ORDER.index(passage.tier), passage.attempt if passage.tier in STEPS else 0


def _tier(group: Sequence[Passage], claims: int, costs: Costs | None) -> Tier:
    name = group[0].tier
    seconds = [passage.seconds for passage in group if passage.seconds is not None]
    measured = [passage for passage in group if passage.right is not None]
    error = _error(name, measured)
    return Tier(
        name=name,
        attempt=group[0].attempt if name in STEPS else None,
        claims=len(group),
        share=len(group) / claims,
        waiting=len(group) - len(seconds),
        labels=sum(passage.labels for passage in group),
        median=_quantile(seconds, 0.5),
        p95=_quantile(seconds, 0.95),
        error=error,
        measured=len(measured),
        work=work_cost(group, costs) if costs else None,
        error_cost=_error_cost(name, len(group), error, costs),
    )


def _quantile(seconds: Sequence[float], share: float) -> float | None:
    """The smallest time that this share of the claims did not exceed."""
    return float(np.quantile(seconds, share, method="inverted_cdf")) if seconds else None


def _error(name: str, measured: Sequence[Passage]) -> Share | None:
    """Refusing a right output is the error of a tier that rejects."""
    if len(measured) < FEWEST_LABELS:
        return None
    return weighted_share(
        [passage.right == (name == "reject") for passage in measured],
        weight=[passage.weight for passage in measured],
        fingerprint=[passage.fingerprint.hex() for passage in measured],
    )


def work_cost(passages: Iterable[Passage], costs: Costs) -> Money:
    """Labels and answered steps at their prices; what has none is left out and said to be."""
    done = _work_done(passages)
    prices = _prices(costs)
    amount = sum(n * (prices.get(kind) or 0.0) for kind, n in done.items())
    return Money(amount, at_least=any(prices.get(kind) is None for kind in done))


def _work_done(passages: Iterable[Passage]) -> Counter[str]:
    done: Counter[str] = Counter()
    for passage in passages:
        if passage.labels:
            done["label"] += passage.labels
        done.update(passage.steps)
    return done


def _prices(costs: Costs) -> Mapping[str, float | None]:
    return {**costs.steps, "label": costs.review}


def _unpriced(passages: Iterable[Passage], costs: Costs) -> list[str]:
    return sorted(kind for kind in _work_done(passages) if _prices(costs).get(kind) is None)


def _error_cost(name: str, claims: int, error: Share | None, costs: Costs | None) -> tuple[float, float, float] | None:
    if costs is None or costs.error is None or name not in GOES_OUT or error is None:
        return None
    price = claims * costs.error
    return price * error.value, price * error.low, price * error.high


def _total(passages: Sequence[Passage], tiers: Sequence[Tier], costs: Costs, labels_needed: float) -> Total:
    """Errors are unknown as a whole where one tier that sends outputs out has too few labels."""
    cases = max(sum(passage.is_first for passage in passages), 1)
    per_thousand = 1000 / cases
    out = [tier.error_cost for tier in tiers if tier.goes_out]
    known = [cost for cost in out if cost is not None]
    work, labels_each = work_cost(passages, costs), _labels_each(passages, labels_needed)
    errors = tuple(sum(each) * per_thousand for each in zip(*known, strict=True)) if known else (0.0, 0.0, 0.0)
    return Total(
        cases=cases,
        work=Money(work.amount * per_thousand, work.at_least),
        errors=None if len(known) < len(out) else (errors[0], errors[1], errors[2]),
        all_reviewed=Money(1000 * (costs.review or 0.0) * labels_each, costs.review is None),
        break_even=_break_even(costs, labels_each),
    )


def _break_even(costs: Costs, labels_each: float) -> float | None:
    if costs.review is None or not costs.error:
        return None
    return cost_threshold(Prices(error=costs.error, review=costs.review * labels_each))


def _labels_each(passages: Iterable[Passage], labels_needed: float) -> float:
    """Labels of a reviewed claim, as they were for those that people have settled."""
    settled = [passage.labels for passage in passages if passage.tier in HUMAN and passage.seconds is not None]
    return sum(settled) / len(settled) if settled else labels_needed
