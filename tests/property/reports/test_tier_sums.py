"""Whatever ways claims took: nothing is counted twice, and the parts add up to the whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.pipelines.costs import STEPS, Costs
from reviewqueue.reports.tier_costs import ORDER, Passage, tier_report

AMOUNT = st.floats(0, 1e6)
COSTS = st.builds(
    Costs,
    currency=st.just("EUR"),
    review=st.none() | AMOUNT,
    error=st.none() | AMOUNT,
    steps=st.dictionaries(st.sampled_from(STEPS), AMOUNT),
)
PASSAGES = st.lists(
    st.builds(
        Passage,
        tier=st.sampled_from(ORDER),
        attempt=st.integers(1, 3),
        is_first=st.booleans(),
        labels=st.integers(0, 3),
        steps=st.lists(st.sampled_from(STEPS), max_size=2),
        seconds=st.none() | st.floats(0, 1e7),
        right=st.none() | st.booleans(),
        weight=st.floats(1, 1e4),
        fingerprint=st.binary(max_size=1),
    ),
    max_size=60,
)


@given(PASSAGES, COSTS)
def test_tiers_share_out_the_claims_the_labels_and_the_money(passages: list[Passage], costs: Costs) -> None:
    report = tier_report(passages, costs, labels_needed=1)
    assert sum(tier.claims for tier in report.tiers) == report.claims == len(passages)
    assert sum(tier.labels for tier in report.tiers) == sum(passage.labels for passage in passages)
    if report.total is None:
        assert not passages
        return
    assert sum(tier.share for tier in report.tiers) == pytest.approx(1)
    work = sum(tier.work.amount for tier in report.tiers if tier.work)
    assert report.total.work.amount == pytest.approx(work * 1000 / report.total.cases)
    assert report.total.work.at_least == bool(report.unpriced)
    assert report.total.work.at_least == any(tier.work.at_least for tier in report.tiers if tier.work)


@given(PASSAGES, COSTS)
def test_times_and_errors_stay_within_their_limits(passages: list[Passage], costs: Costs) -> None:
    for tier in tier_report(passages, costs, labels_needed=1).tiers:
        assert 0 <= tier.waiting <= tier.claims
        assert (tier.median is None) == (tier.waiting == tier.claims)
        if tier.median is not None and tier.p95 is not None:
            assert tier.median <= tier.p95
        if tier.error:
            assert 0 <= tier.error.low <= tier.error.value <= tier.error.high <= 1
        if tier.error_cost:
            value, low, high = tier.error_cost
            assert 0 <= low <= value <= high


@given(PASSAGES, COSTS, st.floats(0.01, 100))
def test_a_price_twice_as_high_costs_twice_as_much(passages: list[Passage], costs: Costs, factor: float) -> None:
    dearer = Costs(
        costs.currency,
        None if costs.review is None else costs.review * factor,
        costs.error,
        {kind: amount * factor for kind, amount in costs.steps.items()},
    )
    plain, scaled = (tier_report(passages, each, labels_needed=1).total for each in (costs, dearer))
    if plain and scaled:
        assert scaled.work.amount == pytest.approx(plain.work.amount * factor)
        assert scaled.all_reviewed.amount == pytest.approx(plain.all_reviewed.amount * factor)
