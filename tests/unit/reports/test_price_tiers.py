"""What each tier took and cost, and what a thousand claims cost."""

from __future__ import annotations

from typing import Any

import pytest

from reviewqueue.pipelines.costs import Costs
from reviewqueue.reports.tier_costs import Money, Passage, Tier, tier_report

COSTS = Costs("EUR", review=2.0, error=50.0, steps={"retry": 0.5})


def passage(tier: str, **changes: Any) -> Passage:
    usual: dict[str, Any] = {
        "attempt": 1, "is_first": True, "labels": 0, "steps": (), "seconds": 1.0, "right": None, "weight": 1.0,
        "fingerprint": b"",
    }  # fmt: skip
    return Passage(tier=tier, **{**usual, **changes})


def measured(tier: str, *, right: int, wrong: int, **changes: Any) -> list[Passage]:
    """Labelled claims, each about an input of its own."""
    verdicts = [True] * right + [False] * wrong
    return [
        passage(tier, right=verdict, fingerprint=f"{tier}{n}".encode(), **changes) for n, verdict in enumerate(verdicts)
    ]


def tiers_of(passages: list[Passage], costs: Costs | None = COSTS) -> dict[str, Tier]:
    return {tier.name: tier for tier in tier_report(passages, costs, labels_needed=1).tiers}


def test_tiers_stand_in_the_order_in_which_claims_pass_them_and_steps_by_attempt() -> None:
    ways = [
        passage("adjudication"),
        passage("review"),
        passage("retry", attempt=2),
        passage("retry"),
        passage("accept"),
    ]
    report = tier_report(ways, None, labels_needed=1)
    assert [(tier.name, tier.attempt) for tier in report.tiers] == [
        ("accept", None),
        ("retry", 1),
        ("retry", 2),
        ("review", None),
        ("adjudication", None),
    ]
    assert all(tier.share == 0.2 for tier in report.tiers)


def test_labels_and_answered_steps_cost_what_they_are_priced_at() -> None:
    tiers = tiers_of([passage("review", labels=2), passage("retry", steps=["retry"]), passage("accept")])
    assert tiers["review"].work == Money(4.0)
    assert tiers["retry"].work == Money(0.5)
    assert tiers["accept"].work == Money(0.0)
    assert tiers["review"].work_per_claim == 4.0


def test_work_without_a_price_is_left_out_and_said_to_be() -> None:
    report = tier_report([passage("ask", steps=["ask"], labels=1)], Costs("EUR"), labels_needed=1)
    assert report.tiers[0].work == Money(0.0, at_least=True)
    assert report.unpriced == ["ask", "label"]
    assert report.total is not None
    assert report.total.all_reviewed == Money(0.0, at_least=True)


def test_the_time_is_that_of_claims_that_came_to_the_end_of_their_tier() -> None:
    times = [*range(1, 20), 100.0, None]
    tier = tiers_of([passage("review", seconds=seconds) for seconds in times])["review"]
    assert (tier.median, tier.p95, tier.waiting) == (10.0, 19.0, 1)
    empty = tiers_of([passage("review", seconds=None)])["review"]
    assert (empty.median, empty.p95, empty.waiting) == (None, None, 1)


def test_errors_are_weighted_and_come_with_limits() -> None:
    passages = measured("accept", right=45, wrong=5) + measured("review", right=10, wrong=10, weight=3.0)
    tiers = tiers_of([*passages, *(passage("accept") for _ in range(450))])
    error = tiers["accept"].error
    assert error is not None
    assert error.value == pytest.approx(0.1)
    assert error.low < 0.05
    assert error.high > 0.2
    assert tiers["accept"].error_cost == pytest.approx((500 * 50 * 0.1, 500 * 50 * error.low, 500 * 50 * error.high))
    assert tiers["review"].error_cost is None


def test_too_few_labels_are_no_error_at_all() -> None:
    tier = tiers_of(measured("accept", right=9, wrong=0))["accept"]
    assert (tier.error, tier.measured, tier.error_cost) == (None, 9, None)


def test_in_rejected_claims_the_error_is_to_have_refused_what_was_right() -> None:
    tier = tiers_of(measured("reject", right=3, wrong=17))["reject"]
    assert tier.error is not None
    assert tier.error.value == pytest.approx(0.15)
    assert tier.error_cost is None


def test_a_thousand_claims_cost_work_and_errors_against_reviewing_everything() -> None:
    accepted = measured("accept", right=18, wrong=2, labels=1) + [passage("accept") for _ in range(180)]
    reviewed = [passage("review", labels=2) for _ in range(100)]
    total = tier_report(accepted + reviewed, COSTS, labels_needed=1).total
    assert total is not None
    assert total.cases == 300
    assert total.work.amount == pytest.approx((20 + 200) * 2.0 / 300 * 1000)
    assert total.errors is not None
    assert total.errors[0] == pytest.approx(200 * 0.1 * 50 / 300 * 1000)
    assert total.all_reviewed == Money(1000 * 2.0 * 2)


def test_further_attempts_count_with_their_first() -> None:
    ways = [passage("retry", steps=["retry"]), passage("accept", attempt=2, is_first=False)]
    total = tier_report(ways, COSTS, labels_needed=3).total
    assert total is not None
    assert (total.cases, total.work.amount, total.all_reviewed.amount) == (1, 500.0, 6000.0)


def test_one_tier_that_nobody_has_measured_leaves_the_errors_unknown() -> None:
    total = tier_report([*measured("accept", right=20, wrong=1), passage("verified")], COSTS, labels_needed=1).total
    assert total is not None
    assert total.errors is None
    held = tier_report([passage("review", labels=1)], COSTS, labels_needed=1).total
    assert held is not None
    assert held.errors == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("review", "error", "break_even"),
    [(2.0, 50.0, 1 - 2 * 2 / 50), (60.0, 50.0, 0.0), (None, 50.0, None), (2.0, 0.0, None)],
)
def test_a_review_pays_below_the_confidence_at_which_it_costs_what_it_spares(
    review: float | None, error: float, break_even: float | None
) -> None:
    passages = [passage("review", labels=2, seconds=9.0)]
    total = tier_report(passages, Costs("EUR", review=review, error=error), labels_needed=1).total
    assert total is not None
    assert total.break_even == (None if break_even is None else pytest.approx(break_even))


def test_nothing_is_a_report_too() -> None:
    report = tier_report([], COSTS, labels_needed=1)
    assert (report.claims, report.tiers, report.total) == (0, [], None)
