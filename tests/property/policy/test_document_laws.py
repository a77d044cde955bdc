"""What holds for every document, valid or not."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reviewqueue.errors import FieldProblem as Problem
from reviewqueue.policy.document import LADDER, Policy, PolicyInvalid, band_for, policy_hash, to_document
from reviewqueue.policy.parsing import parse_policy
from tests.property.policy.strategies import documents, json_values, policies, probabilities

MANY = settings(max_examples=60, deadline=None)


def problems_of(value: object) -> tuple[Problem, ...] | None:
    """None for a policy; any other exception is a failure of the test."""
    try:
        parse_policy(value)
    except PolicyInvalid as refusal:
        return refusal.problems
    return None


@given(json_values)
@MANY
def test_any_value_is_a_policy_or_a_list_of_problems(value: object) -> None:
    assert problems_of(value) != ()


def places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children: list[tuple[Any, object]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    return [path, *(place for key, item in children for place in places(item, (*path, key)))]


@given(documents, st.data())
@MANY
def test_a_document_with_junk_anywhere_is_a_policy_or_a_list_of_problems(
    document: dict[str, Any], data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from([place for place in places(document) if place]))
    broken = copy.deepcopy(document)
    inner: Any = broken
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = data.draw(json_values)
    for problem in problems_of(broken) or ():
        assert problem.pointer == "" or problem.pointer.startswith("/")
        assert problem.code
        assert problem.detail
        json.dumps([problem.pointer, problem.detail], ensure_ascii=False).encode()


@given(documents, st.data())
@MANY
def test_an_unknown_field_anywhere_is_pointed_at(document: dict[str, Any], data: st.DataObject) -> None:
    objects = [
        (document, ""),
        (document["mandatory"], "/mandatory"),
        (document["review"], "/review"),
        (document["sampling"], "/sampling"),
        *((band, f"/bands/{place}") for place, band in enumerate(document["bands"])),
        *((entry, f"/calibrators/{place}") for place, entry in enumerate(document["calibrators"])),
        *((entry["map"], f"/calibrators/{place}/map") for place, entry in enumerate(document["calibrators"])),
    ]
    target, pointer = data.draw(st.sampled_from(objects))
    target["audit_rat"] = 1
    found = [(problem.pointer, problem.code) for problem in problems_of(document) or ()]
    assert found == [(f"{pointer}/audit_rat", "unknown_key")]


@given(policies)
@MANY
def test_writing_and_reading_give_the_same_policy_and_hash(policy: Policy) -> None:
    written = to_document(policy)
    read = parse_policy(json.loads(json.dumps(written)))
    assert read == policy
    assert to_document(read) == written
    assert policy_hash(to_document(read)) == policy_hash(written)


@given(policies, probabilities)
@MANY
def test_exactly_one_band_holds_a_probability(policy: Policy, p: float) -> None:
    rounded = round(p, 8)
    last = policy.bands[-1]
    holding = [
        band for band in policy.bands if band.low <= rounded < band.high or (band is last and rounded == band.high)
    ]
    assert holding == [band_for(policy, p)]


@given(policies)
@MANY
def test_bands_tile_the_unit_interval_and_climb_the_ladder(policy: Policy) -> None:
    assert [band.low for band in policy.bands] == [0.0, *(band.high for band in policy.bands[:-1])]
    assert policy.bands[-1].high == 1.0
    steps = [LADDER.index(band.route) for band in policy.bands]
    assert steps == sorted(steps)
    assert len({band.key for band in policy.bands}) == len(policy.bands)
