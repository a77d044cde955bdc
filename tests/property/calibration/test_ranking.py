"""Whatever the labels: the figure lies between its limits, and says the same of the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.core.ranking import ranking

ROWS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.75, 1.0]), st.booleans(), st.floats(1, 1000)), min_size=30, max_size=80
)


@given(ROWS)
def test_the_figure_lies_between_its_limits_and_turns_with_the_number(rows: list[tuple[float, bool, float]]) -> None:
    value, right, weight = map(np.array, zip(*rows, strict=True))
    found, turned = ranking(value, right, weight=weight), ranking(1 - value, right, weight=weight)
    if found is None or turned is None:
        assert min(right.sum(), (~right).sum()) < 5
        return
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert turned.value == pytest.approx(1 - found.value)
    assert (turned.low, turned.high) == (
        pytest.approx(1 - found.high, abs=1e-6),
        pytest.approx(1 - found.low, abs=1e-6),
    )


@given(ROWS, st.floats(0.001, 1000))
def test_the_unit_of_the_weights_does_not_matter(rows: list[tuple[float, bool, float]], factor: float) -> None:
    value, right, weight = map(np.array, zip(*rows, strict=True))
    found, scaled = ranking(value, right, weight=weight), ranking(value, right, weight=weight * factor)
    if found is None or scaled is None:
        assert found is scaled
        return
    assert (scaled.value, scaled.low, scaled.high) == pytest.approx((found.value, found.low, found.high), abs=1e-6)
