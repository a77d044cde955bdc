"""A share of all claims, from labels drawn with unequal chances."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.core.intervals import clopper_pearson
from calibration.core.shares import weighted_share


def test_equal_weights_give_the_plain_share_with_exact_limits() -> None:
    found = weighted_share([1, 0, 0, 0] * 10, weight=np.full(40, 7.0))
    low, high = clopper_pearson(10, 40)
    assert found is not None
    assert (found.value, found.low, found.high, found.labels) == pytest.approx((0.25, float(low), float(high), 40))


def test_a_label_counts_for_the_claims_it_stands_for() -> None:
    found = weighted_share([1] * 10 + [0] * 10, weight=[9.0] * 10 + [1.0] * 10)
    assert found is not None
    assert found.value == pytest.approx(0.9)


def test_one_input_asked_ten_times_says_as_much_as_once() -> None:
    once = weighted_share([1, 0, 0, 0, 0], weight=[1.0] * 5)
    often = weighted_share([1, 0, 0, 0, 0] * 10, weight=[1.0] * 50, fingerprint=list("abcde") * 10)
    assert once is not None
    assert often is not None
    assert (often.low, often.high) == pytest.approx((once.low, once.high))


def test_without_labels_there_is_no_share() -> None:
    assert weighted_share([], weight=[]) is None


@pytest.mark.parametrize("rate", [0.05, 0.3])
def test_the_limits_hold_where_weights_differ(rate: float) -> None:
    generator = np.random.default_rng(7)
    held = 0
    for _ in range(300):
        hit = generator.random(300) < rate
        chance = np.where(generator.random(300) < 0.5, 0.2, 1.0)
        drawn = generator.random(300) < chance
        found = weighted_share(hit[drawn], weight=1 / chance[drawn])
        assert found is not None
        held += found.low <= rate <= found.high
    assert held >= 0.95 * 300
