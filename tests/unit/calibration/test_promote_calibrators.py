from __future__ import annotations

import numpy as np
import pytest

from calibration.core.promote import Guards, PairedComparison, Verdict, decide, paired_comparison

HARMLESS = Guards(segments={}, candidate_error=0.01, champion_error=0.01, thresholds_recertified=True)


def compared(mean: float, lo: float, hi: float, n: int = 500) -> PairedComparison:
    return PairedComparison(n, n, mean, lo, hi, 0)


BETTER, WORSE, UNCLEAR = compared(-0.02, -0.03, -0.01), compared(0.02, 0.01, 0.03), compared(-0.01, -0.03, 0.01)


def calibrated(rows: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    p = generator.beta(4, 1.5, rows)
    return p, (generator.random(rows) < p).astype(float)


def test_the_better_map_has_the_lower_loss_with_certainty() -> None:
    p, y = calibrated(1_500)
    raw = 1 - (1 - p) ** 2
    assert paired_comparison(p, raw, y, draws=300).better
    assert paired_comparison(raw, p, y, draws=300).worse


def test_equal_maps_do_not_differ() -> None:
    p, y = calibrated(200)
    same = paired_comparison(p, p, y, draws=100)
    assert (same.mean, same.lo, same.hi) == (0, 0, 0)
    assert decide(same, HARMLESS).verdict is Verdict.KEEP


def test_repeats_widen_the_comparison() -> None:
    p, y = calibrated(60)
    other = np.clip(p - 0.1, 0, 1)
    by_row = paired_comparison(np.repeat(p, 10), np.repeat(other, 10), np.repeat(y, 10), draws=300)
    inputs = np.repeat(np.arange(60), 10)
    by_input = paired_comparison(
        np.repeat(p, 10), np.repeat(other, 10), np.repeat(y, 10), fingerprint=inputs, draws=300
    )
    assert (by_input.n, by_input.inputs) == (600, 60)
    assert by_input.hi - by_input.lo > 2 * (by_row.hi - by_row.lo)


def test_a_comparison_without_labels_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        paired_comparison([], [], [])
    with pytest.raises(ValueError, match="fingerprint"):
        paired_comparison([0.5], [0.6], [1], fingerprint=[1, 2])


def test_a_significantly_better_candidate_is_promoted() -> None:
    assert decide(BETTER, HARMLESS).verdict is Verdict.PROMOTE


def test_a_significantly_worse_candidate_is_rejected() -> None:
    decision = decide(WORSE, HARMLESS)
    assert (decision.verdict, decision.reasons) == (Verdict.REJECT, ("worse",))


def test_an_undecided_candidate_waits_until_two_thousand_labels() -> None:
    assert decide(UNCLEAR, HARMLESS).verdict is Verdict.KEEP
    decision = decide(compared(-0.01, -0.03, 0.01, n=2_000), HARMLESS)
    assert (decision.verdict, decision.reasons) == (Verdict.REJECT, ("label_limit", "undecided"))


@pytest.mark.parametrize(
    ("guards", "reason"),
    [
        (Guards({"language=de": WORSE}, 0.01, 0.01, True), "segment_worse:language=de"),
        (Guards({}, 0.0201, 0.01, True), "error_rises"),
        (Guards({}, 0.01, 0.01, False), "threshold_not_certified"),
    ],
)
def test_each_guard_holds_a_better_candidate_back(guards: Guards, reason: str) -> None:
    decision = decide(BETTER, guards)
    assert (decision.verdict, decision.reasons) == (Verdict.KEEP, (reason,))


def test_a_segment_of_few_labels_or_an_unclear_one_does_not_object() -> None:
    guards = Guards({"a": compared(0.02, 0.01, 0.03, n=99), "b": UNCLEAR}, 0.01, 0.01, True)
    assert decide(BETTER, guards).verdict is Verdict.PROMOTE
