from __future__ import annotations

import math

import numpy as np
import pytest

from calibration.core.cells import Cells, cells_of
from calibration.core.select import (
    Level,
    betting_pvalue,
    fixed_sequence,
    lifetime_delta,
    quantile_grid,
    select_nearest,
    select_rejection,
    select_threshold,
)


def informative(rows: int = 2_000, seed: int = 5) -> Cells:
    generator = np.random.default_rng(seed)
    c = generator.random(rows)
    return cells_of(c, generator.random(rows) < np.sqrt(c))


def test_the_grid_takes_equal_shares_of_traffic_strictest_first() -> None:
    grid = quantile_grid(cells_of(np.arange(1, 101) / 100, np.zeros(100)), levels=4)
    assert grid.tolist() == [0.75, 0.5, 0.25, 0.01]


def test_the_grid_never_splits_a_tie() -> None:
    grid = quantile_grid(cells_of([0.9] * 90 + [0.5] * 10, np.zeros(100)))
    assert grid.tolist() == [0.9, 0.5]


def test_the_grid_does_not_look_at_labels() -> None:
    c = np.random.default_rng(1).random(500)
    assert np.array_equal(quantile_grid(cells_of(c, np.zeros(500))), quantile_grid(cells_of(c, np.ones(500))))


def test_a_good_confidence_earns_a_certificate_below_its_limit() -> None:
    selection = select_threshold(informative(), alpha=0.10)
    assert selection.reason is None
    assert selection.threshold == pytest.approx(0.7, abs=0.15)
    assert selection.errors / selection.n < selection.upper < 0.10
    assert selection.p <= selection.level == pytest.approx(0.05 / 3)
    assert selection.coverage == pytest.approx(1 - selection.threshold, abs=0.03)


def test_the_selection_describes_all_labels_at_or_above_its_threshold() -> None:
    cells = informative()
    selection = select_threshold(cells, alpha=0.10)
    accepted = cells.confidence >= selection.threshold
    assert (selection.n, selection.errors) == (cells.n[accepted].sum(), cells.wrong[accepted].sum())
    assert len(selection.tested) == 40


def test_a_repeated_threshold_of_0_1_plus_0_2_keeps_its_claims() -> None:
    cells = cells_of([0.1 + 0.2] * 200 + [0.1] * 200, [1] * 200 + [0] * 200)
    selection = select_threshold(cells, alpha=0.05)
    assert (selection.threshold, selection.n) == (0.1 + 0.2, 200)


def test_coverage_is_that_of_the_traffic_not_of_the_labels() -> None:
    generator = np.random.default_rng(6)
    traffic = generator.random(5_000) ** 2
    selection = select_threshold(informative(), alpha=0.10, traffic=cells_of(traffic, np.zeros(5_000)))
    assert selection.coverage == pytest.approx(np.mean(traffic >= selection.threshold))


def test_without_labels_the_count_needed_is_told() -> None:
    selection = select_threshold(cells_of([], []), alpha=0.05)
    assert (selection.threshold, selection.reason, selection.labels_missing) == (None, "too_few_labels", 153)


def test_twenty_right_labels_are_too_few() -> None:
    selection = select_threshold(cells_of([0.9] * 20, [1] * 20), alpha=0.05)
    assert (selection.reason, selection.labels_missing) == ("too_few_labels", 133)


def test_all_wrong_is_named() -> None:
    assert select_threshold(cells_of(np.linspace(0, 1, 200), np.zeros(200)), alpha=0.05).reason == "all_wrong"


def test_a_useless_confidence_is_named() -> None:
    generator = np.random.default_rng(7)
    cells = cells_of(generator.random(500), generator.random(500) < 0.7)
    assert select_threshold(cells, alpha=0.05).reason == "score_not_informative"


def test_an_inverted_confidence_is_named() -> None:
    generator = np.random.default_rng(7)
    c = generator.random(500)
    assert select_threshold(cells_of(c, generator.random(500) < 1 - c), alpha=0.05).reason == "score_not_informative"


def test_a_target_out_of_reach_is_named() -> None:
    generator = np.random.default_rng(7)
    c = generator.random(500)
    selection = select_threshold(cells_of(c, generator.random(500) < 0.3 + 0.4 * c), alpha=0.05)
    assert selection.reason == "no_threshold_meets_target"


def test_a_constant_confidence_is_one_grid_point() -> None:
    selection = select_threshold(cells_of([0.9] * 400, [1] * 396 + [0] * 4), alpha=0.05)
    assert (selection.threshold, selection.coverage, len(selection.tested)) == (0.9, 1.0, 1)


def test_a_model_that_is_least_right_at_its_top_scores_is_still_certified_further_down() -> None:
    c = np.concatenate([np.full(400, 0.99), np.full(4_000, 0.9), np.full(1_000, 0.5)])
    wrong = np.concatenate([np.arange(400) < 60, np.arange(4_000) < 20, np.arange(1_000) < 600])
    selection = select_threshold(cells_of(c, ~wrong), alpha=0.05)
    assert selection.threshold == 0.9


def test_cells_and_single_labels_select_the_same() -> None:
    generator = np.random.default_rng(9)
    c = np.round(generator.random(3_000), 2)
    y = (generator.random(3_000) < np.sqrt(c)).astype(float)
    cells = cells_of(c, y)
    by_cell = Cells(cells.confidence, cells.n, cells.right)
    assert select_threshold(by_cell, alpha=0.1) == select_threshold(cells_of(c[::-1], y[::-1]), alpha=0.1)


def test_rejection_is_certified_from_below() -> None:
    generator = np.random.default_rng(10)
    c = generator.random(4_000)
    y = generator.random(4_000) < c**2
    selection = select_rejection(cells_of(c, y), beta=0.10)
    below = c < selection.threshold
    assert 0.1 < selection.threshold < 0.6
    assert (selection.n, selection.errors) == (below.sum(), y[below].sum())
    assert y[below].mean() < 0.10


def test_nothing_is_rejected_where_everything_is_right() -> None:
    assert select_rejection(cells_of(np.linspace(0, 1, 400), np.ones(400)), beta=0.1).reason == "all_right"


def test_a_walk_ends_at_the_first_step_that_fails() -> None:
    p = np.array([0.01, 0.01, 0.5, 0.01, 0.01, 0.9])
    assert fixed_sequence(p, [0], 0.05) == 1
    assert fixed_sequence(p, [0, 3], 0.05) == 4
    assert fixed_sequence(p, [2, 5], 0.05) is None
    assert fixed_sequence(np.full(4, 0.01), [1], 0.05) == 3


def test_all_certifications_of_a_lifetime_share_one_delta() -> None:
    spent = [lifetime_delta(attempt, delta=0.05) for attempt in range(1, 20_001)]
    assert spent[0] == pytest.approx(0.05 * 6 / math.pi**2)
    assert sum(spent) == pytest.approx(0.05, abs=1e-5)
    with pytest.raises(ValueError, match="from 1"):
        lifetime_delta(0)


def test_betting_certifies_a_clear_region_and_not_a_bad_one() -> None:
    generator = np.random.default_rng(11)
    weight = np.where(np.arange(1_000) < 500, 20.0, 1.0)
    assert betting_pvalue(generator.random(1_000) < 0.01, weight, alpha=0.05) < 0.01
    assert betting_pvalue(generator.random(1_000) < 0.06, weight, alpha=0.05) > 0.05
    assert betting_pvalue([], [], alpha=0.05) == 1


def test_betting_depends_on_the_seed_alone() -> None:
    errors = np.arange(300) % 40 == 0
    values = {betting_pvalue(errors, np.ones(300), alpha=0.05, seed=3) for _ in range(3)}
    assert len(values) == 1


def test_a_segment_is_certified_on_its_own_labels_where_they_suffice() -> None:
    level, selection = select_nearest(informative(2_000), informative(3_000, 6), informative(9_000, 7), alpha=0.10)
    assert (level, selection) == (Level.OWN, select_threshold(informative(2_000), alpha=0.10))


def test_a_small_segment_borrows_from_segments_like_it() -> None:
    level, selection = select_nearest(informative(75), informative(3_000, 6), informative(9_000, 7), alpha=0.10)
    assert (level, selection) == (Level.GROUP, select_threshold(informative(3_000, 6), alpha=0.10))


def test_a_segment_among_small_ones_gets_half_the_error_that_all_are_allowed() -> None:
    level, selection = select_nearest(informative(75), informative(75, 6), informative(9_000, 7), alpha=0.10)
    assert level is Level.ALL
    assert selection.upper <= 0.05
    assert selection.threshold > select_threshold(informative(9_000, 7), alpha=0.10).threshold


def test_a_segment_without_labels_anywhere_is_reviewed_in_full() -> None:
    level, selection = select_nearest(cells_of([], []), cells_of([], []), informative(50), alpha=0.10)
    assert (level, selection.threshold, selection.reason) == (Level.ALL, None, "too_few_labels")
    assert selection.labels_missing == 153 - 50


def test_labels_that_fail_a_segment_are_not_passed_over_for_others_that_would_not() -> None:
    hard = cells_of(np.linspace(0.5, 1, 400), np.arange(400) % 2)
    level, selection = select_nearest(hard, informative(3_000), informative(9_000), alpha=0.10)
    assert (level, selection.threshold) == (Level.OWN, None)
