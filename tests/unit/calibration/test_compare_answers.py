"""Right and wrong answers of two versions to the same inputs."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from calibration.core.paired import mcnemar_exact


@pytest.mark.parametrize(("lost", "gained"), [(9, 1), (5, 5), (0, 6), (17, 5), (30, 12), (1, 0)])
def test_the_exact_test_is_the_binomial_one_over_what_changed(lost: int, gained: int) -> None:
    assert mcnemar_exact(lost, gained) == pytest.approx(binomtest(lost, lost + gained).pvalue)
    assert mcnemar_exact(lost, gained) == mcnemar_exact(gained, lost)


def test_nothing_changed_is_no_evidence() -> None:
    assert mcnemar_exact(0, 0) == 1.0


def test_counts_are_counts() -> None:
    with pytest.raises(ValueError, match="negative"):
        mcnemar_exact(-1, 2)
