"""Amounts and durations as people read them."""

from __future__ import annotations

import pytest

from reviewqueue.pipelines.costs import amount_text
from reviewqueue.web.templatetags.show import duration, money, price


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "–"),
        (0.0, "at once"),
        (0.0124, "12 ms"),
        (1.25, "1.2 s"),
        (59.9, "59.9 s"),
        (90, "1.5 min"),
        (5400, "1.5 h"),
        (129_600, "1.5 d"),
    ],
)
def test_a_duration_is_in_the_unit_that_can_be_grasped(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (None, "–"),
        (0.0, "0.00 EUR"),
        (0.0021, "0.0021 EUR"),
        (0.5, "0.50 EUR"),
        (999.9, "999.90 EUR"),
        (12_345.6, "12,346 EUR"),
    ],
)
def test_an_amount_has_the_decimals_that_count(amount: float | None, shown: str) -> None:
    assert money(amount, "EUR") == shown


def test_a_price_is_shown_as_it_was_set() -> None:
    assert price(1.2, "EUR") == "1.2 EUR"
    assert price(40.0, "EUR") == "40 EUR"
    assert price(None, "EUR") == "–"
    for amount in (0.0, 1e-7, 0.002, 1.2, 999_999_999.0):
        assert float(amount_text(amount)) == amount
