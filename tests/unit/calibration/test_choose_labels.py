from __future__ import annotations

import numpy as np
import pytest

from calibration.core.labels import (
    closed_cohort,
    cluster_standard_error,
    cluster_weights,
    design_effect,
    equal_probability_mask,
    in_fit_half,
    one_per_fingerprint,
)


def test_the_lowest_rate_decides_for_every_claim() -> None:
    u = [0.01, 0.04, 0.06, 0.15, 0.01]
    rate = [0.05, 0.20, 0.20, 0.20, 1.00]
    labelled = [True, True, True, True, False]
    assert equal_probability_mask(u, rate, labelled).tolist() == [True, True, False, False, False]


def test_fully_reviewed_claims_pass_the_same_filter() -> None:
    assert equal_probability_mask([0.5, 0.04], [1.0, 0.05], [True, True]).tolist() == [False, True]


def test_a_rate_of_0_leaves_no_sample() -> None:
    assert not equal_probability_mask([0.0, 0.0], [0.0, 1.0], [True, True]).any()


def test_no_claims_give_no_sample() -> None:
    assert equal_probability_mask([], [], []).tolist() == []


@pytest.mark.parametrize(("u", "rate"), [(1.0, 0.5), (-0.1, 0.5), (0.5, 1.1), (0.5, float("nan"))])
def test_impossible_draws_are_refused(u: float, rate: float) -> None:
    with pytest.raises(ValueError, match="audit_u"):
        equal_probability_mask([u], [rate], [True])


def test_arrays_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        equal_probability_mask([0.5, 0.5], [0.5], [True])


def test_a_cohort_closes_when_nineteen_of_twenty_sampled_claims_are_labelled() -> None:
    sampled, labelled = [0, 20, 20, 60, 100], [0, 19, 18, 57, 94]
    assert closed_cohort(sampled, labelled).tolist() == [True, True, False, True, False]


def test_a_repeated_input_counts_once_by_its_first_row() -> None:
    assert one_per_fingerprint(["b", "a", "b", "c", "a"]).tolist() == [True, True, False, True, False]


def test_the_fit_half_holds_half_of_all_inputs() -> None:
    share = np.mean([in_fit_half(number.to_bytes(8, "big")) for number in range(10_000)])
    assert share == pytest.approx(0.5, abs=0.02)


def test_the_fit_half_of_known_inputs_never_changes() -> None:
    known = [in_fit_half(text) for text in (b"", b"a", b"b", b"c", b"d", b"e")]
    assert known == [True, True, True, False, True, False]


def test_every_input_weighs_the_same_however_often_it_came() -> None:
    assert cluster_weights(["a", "a", "b", "a", "c"]).tolist() == pytest.approx([1 / 3, 1 / 3, 1, 1 / 3, 1])


def test_ten_identical_repeats_carry_the_evidence_of_one() -> None:
    right = np.repeat([1.0, 0.0, 1.0, 1.0] * 25, 10)
    assert design_effect(right, np.repeat(np.arange(100), 10)) == pytest.approx(10, rel=0.02)


def test_inputs_without_repeats_have_no_design_effect() -> None:
    right = np.array([1.0, 0.0, 1.0, 1.0, 0.0])
    assert design_effect(right, np.arange(5)) == pytest.approx(1)
    assert design_effect(np.ones(5), np.arange(5)) == 1


def test_one_input_alone_has_no_standard_error() -> None:
    with pytest.raises(ValueError, match="two fingerprints"):
        cluster_standard_error([1, 0, 1], ["a", "a", "a"])
