"""What holds of the names of segments, whatever the attributes and values are called."""

from __future__ import annotations

import string
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.core.segments import (
    can_be_paired,
    in_order,
    names_of,
    offset_name,
    pair_names,
    single_names,
)

quick = settings(max_examples=80, deadline=None, derandomize=True, database=None)

values = st.text(alphabet="ab&= ", min_size=1, max_size=6)
attributes = st.text(alphabet=string.ascii_lowercase, min_size=1, max_size=4).filter(lambda name: name != "category")
segments = st.dictionaries(attributes, values, max_size=4)
categories = st.none() | values


@quick
@given(categories, segments)
def test_a_claim_is_in_one_segment_of_every_declaration_it_has_the_values_for(
    category: str | None, own: dict[str, str]
) -> None:
    known = [("category",)] * bool(category) + [(name,) for name in own]
    pairs = [in_order((*one, *other)) for one, other in combinations(known, 2)]
    assert sorted(names_of(category, own, known)) == sorted(single_names(category, own))
    assert sorted(names_of(category, own, pairs)) == sorted(pair_names(category, own))
    assert names_of(category, own, [("absent",), ("absent", "category")]) == []


@quick
@given(st.lists(st.tuples(categories, segments), min_size=2, max_size=4))
def test_two_segments_have_one_name_only_if_they_are_one(claims: list[tuple[str | None, dict[str, str]]]) -> None:
    meanings: dict[str, object] = {}
    for category, own in claims:
        everything = {**own, **({"category": category} if category else {})}
        sets = [(name,) for name in everything] + list(combinations(sorted(everything), 2))
        for watched in map(in_order, sets):
            name = names_of(category, own, [watched])[0]
            meaning = [(attribute, everything[attribute]) for attribute in watched]
            assert meanings.setdefault(name, meaning) == meaning


@quick
@given(categories, segments, st.data())
def test_an_offset_is_found_if_and_only_if_the_map_has_one_of_the_claims_names(
    category: str | None, own: dict[str, str], data: st.DataObject
) -> None:
    names = [*single_names(category, own), *pair_names(category, own)]
    fitted = data.draw(st.sampled_from(names)) if names else "language=xx"
    assert offset_name(category, own, {fitted}) == (fitted if names else None)
    assert offset_name(category, own, {"nobody=here & nothing=there"}) is None


def test_an_attribute_alone_comes_before_two_together() -> None:
    offsets = {"category=pricing & language=de", "language=de"}
    assert offset_name("pricing", {"language": "de"}, offsets) == "language=de"
    assert offset_name("pricing", {"language": "en"}, offsets) is None


def test_the_category_comes_first_and_others_by_name() -> None:
    own = {"workflow": "qa", "language": "en"}
    assert single_names("pricing", own) == ["category=pricing", "language=en", "workflow=qa"]
    assert list(pair_names("pricing", own)) == [
        "category=pricing & language=en",
        "category=pricing & workflow=qa",
        "language=en & workflow=qa",
    ]
    assert single_names(None, own) == ["language=en", "workflow=qa"]


def test_attributes_that_would_blur_a_name_are_never_paired() -> None:
    assert not can_be_paired("a & b")
    assert list(pair_names("pricing", {"a=b": "x"})) == []
