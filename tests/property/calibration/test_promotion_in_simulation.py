"""Candidates go through all their looks: a slightly worse one hardly ever takes over, a much better one does."""

from __future__ import annotations

import numpy as np

from calibration.core.promote import DELTA, Guards, Verdict, decide, paired_comparison
from calibration.proposing import LOOKS

HARMLESS = Guards(segments={}, candidate_error=0.0, champion_error=0.0, thresholds_recertified=True)


def tempered(p: np.ndarray, temperature: float) -> np.ndarray:
    return 1 / (1 + np.exp(-np.log(p / (1 - p)) / temperature))


def life(temperature: float, seed: int, *, truth: float = 1.0) -> tuple[Verdict, int]:
    """What becomes of a candidate that has tempered the map in use, and after how many labels."""
    dice = np.random.default_rng(seed)
    p = np.clip(dice.beta(4, 1.3, LOOKS[-1]), 1e-4, 1 - 1e-4)
    right = (dice.random(LOOKS[-1]) < tempered(p, truth)).astype(float)
    for labels in LOOKS:
        comparison = paired_comparison(
            tempered(p[:labels], temperature), p[:labels], right[:labels], delta=DELTA / len(LOOKS), draws=500
        )
        verdict = decide(comparison, HARMLESS).verdict
        if verdict is not Verdict.KEEP:
            break
    return verdict, labels


def test_a_slightly_worse_map_is_promoted_in_at_most_one_life_in_twenty() -> None:
    ends = [life(1.1, seed)[0] for seed in range(80)]
    assert sum(end is Verdict.PROMOTE for end in ends) <= 4
    assert Verdict.KEEP not in ends, "after 2,000 labels it is decided"


def test_a_map_that_mends_what_is_wrong_takes_over_long_before_the_last_look() -> None:
    ends = [life(2.0, seed, truth=2.0) for seed in range(20)]
    assert sum(end is Verdict.PROMOTE for end, _ in ends) >= 19
    assert float(np.median([labels for _, labels in ends])) <= 400
