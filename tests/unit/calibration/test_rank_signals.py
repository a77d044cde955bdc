"""How well a number ranks, with limits that hold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from calibration.core.ranking import ranking


def drawn(generator: np.random.Generator, rows: int, gap: float) -> tuple[np.ndarray, np.ndarray]:
    """Scores of right and wrong outputs, normal with means `gap` apart, squeezed into [0, 1]."""
    right = (generator.random(rows) < 0.7).astype(float)
    return 1 / (1 + np.exp(-(generator.normal(size=rows) + gap * right))), right


def test_it_is_the_usual_figure_for_equal_weights() -> None:
    value, right = drawn(np.random.default_rng(1), 400, 1.0)
    found = ranking(np.round(value, 1), right)
    assert found is not None
    assert found.value == pytest.approx(roc_auc_score(right, np.round(value, 1)))
    assert found.finding == "ranks"


def test_the_lower_limit_of_a_perfect_ranking_solves_newcombes_equation() -> None:
    """There DeLong's variance is zero, and a normal interval would have no width."""
    found = ranking([0.1] * 15 + [0.9] * 15, [0] * 15 + [1] * 15)
    assert found is not None
    assert found.value == found.high == 1.0
    theta = found.low
    agreement = (1 - theta) / (2 - theta) + theta / (1 + theta)
    variance = theta * (1 - theta) * (1 + 14 * agreement) / (15 * 15)
    assert 1 - theta == pytest.approx(stats.t.ppf(0.975, 14) * variance**0.5, rel=1e-5)


def test_too_few_labels_or_too_few_of_a_kind_are_no_figure() -> None:
    value = np.linspace(0, 1, 40)
    assert ranking(value[:29], np.arange(29) % 2) is None
    assert ranking(value, np.arange(40) < 4) is None
    assert ranking(value, np.ones(40)) is None
    assert ranking(value, np.arange(40) < 5) is not None
    assert ranking([], []) is None


def test_a_constant_says_nothing_and_a_reversed_number_is_called_so() -> None:
    value, right = drawn(np.random.default_rng(3), 300, 2.0)
    constant, reverse = ranking(np.full(300, 0.5), right), ranking(1 - value, right)
    assert constant is not None
    assert reverse is not None
    assert (constant.value, constant.finding) == (0.5, "unclear")
    assert reverse.finding == "reversed"


def test_repeated_inputs_and_unequal_weights_widen_the_limits() -> None:
    value, right = drawn(np.random.default_rng(4), 200, 1.0)
    plain = ranking(value, right)
    repeated = ranking(np.tile(value, 5), np.tile(right, 5), fingerprint=np.tile(np.arange(200), 5))
    uneven = ranking(value, right, weight=np.where(np.arange(200) % 10 == 0, 20.0, 1.0))
    assert plain is not None
    assert repeated is not None
    assert uneven is not None
    assert (repeated.low, repeated.high) == (pytest.approx(plain.low), pytest.approx(plain.high))
    assert uneven.high - uneven.low > 1.3 * (plain.high - plain.low)


@pytest.mark.parametrize("gap", [0.0, 1.0, 2.5])
def test_the_limits_hold_under_unequal_sampling(gap: float) -> None:
    """High scores are labelled with chance 0.2, the rest always; the truth is that of all claims."""
    generator = np.random.default_rng(5)
    value, right = drawn(generator, 200_000, gap)
    truth = roc_auc_score(right, value)
    chance = np.where(value > 0.7, 0.2, 1.0)
    held = 0
    for _ in range(300):
        rows = generator.choice(len(value), 400)
        kept = rows[generator.random(400) < chance[rows]]
        found = ranking(value[kept], right[kept], weight=1 / chance[kept])
        assert found is not None
        held += found.low <= truth <= found.high
    assert held >= 0.91 * 300
