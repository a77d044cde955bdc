"""Whatever is sent as a declaration is refused with its problems or stored, and what is stored is sound."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.pipelines.costs import cost_problems, with_every_amount
from reviewqueue.pipelines.signals import DIRECTIONS, ELICITATIONS, FAMILIES, signal_problems, with_every_field

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
SIGNAL = st.fixed_dictionaries(
    {
        "family": st.sampled_from(FAMILIES) | ANY,
        "elicitation": st.sampled_from(ELICITATIONS) | ANY,
        "higher_is": st.sampled_from(DIRECTIONS) | ANY,
    },
    optional={"description": st.text() | ANY},
)
COSTS = st.fixed_dictionaries(
    {"currency": st.just("EUR")},
    optional={
        "review": st.floats() | ANY,
        "error": st.integers() | ANY,
        "steps": st.dictionaries(st.sampled_from(["retry", "ask", "later"]), st.floats() | ANY),
    },
)


@given(ANY | st.dictionaries(st.text(), SIGNAL, max_size=4))
def test_signals_are_refused_or_stored_soundly(signals: Any) -> None:
    if not signal_problems(signals):
        stored = with_every_field(signals)
        assert signal_problems(stored) == []
        assert with_every_field(stored) == stored


@given(ANY | COSTS)
def test_costs_are_refused_or_stored_soundly(costs: Any) -> None:
    if not cost_problems(costs):
        stored = with_every_amount(costs)
        assert cost_problems(stored) == []
        assert with_every_amount(stored) == stored
