"""The name of a second opinion follows from what was asked about, and from nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.cascade.opinions import LONGEST_EXTERNAL_ID, external_id_of

names = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=200)
attempts = st.integers(2, 100)


@given(names, attempts)
def test_it_fits_and_is_always_the_same(original: str, attempt: int) -> None:
    name = external_id_of(original, attempt)
    assert name == external_id_of(original, attempt)
    assert len(name) <= LONGEST_EXTERNAL_ID
    assert name.endswith(f"/secondary-{attempt}")


@given(names, names, attempts)
def test_different_claims_have_different_second_opinions(one: str, other: str, attempt: int) -> None:
    assert (external_id_of(one, attempt) == external_id_of(other, attempt)) == (one == other)


def test_a_short_name_is_readable_and_a_long_one_keeps_its_beginning() -> None:
    assert external_id_of("ticket-1", 2) == "ticket-1/secondary-2"
    long = external_id_of("x" * 200, 2)
    assert long.startswith("x" * 150)
    assert external_id_of("x" * 199 + "y", 2) != long
