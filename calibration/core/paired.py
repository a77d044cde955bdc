"""Two series of right and wrong answers to the same inputs."""

from __future__ import annotations

from scipy import special


def mcnemar_exact(lost: int, gained: int) -> float:
    """Two-sided p-value of "as many inputs were lost as gained", exact: binomial over those that changed.

    `lost` were right before and are wrong now, `gained` the other way round; what stayed says nothing. 1 when nothing
    changed. Source: McNemar 1947, with the binomial in the place of the normal approximation.
    """
    if lost < 0 or gained < 0:
        raise ValueError("counts must not be negative")
    changed = lost + gained
    if not changed:
        return 1.0
    return float(min(1.0, 2 * special.bdtr(min(lost, gained), changed, 0.5)))
