"""A change that is not called looser never lets a claim pass with less attention."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reviewqueue.policy.difference import ATTENTION, RELEASED, difference, is_looser
from reviewqueue.policy.document import BLIND_DEGREES, Policy, PolicyInvalid, to_document
from reviewqueue.policy.parsing import parse_policy
from reviewqueue.policy.routing import Routing, route
from tests.property.policy.strategies import claims, documents, facts_of, policies

MANY = settings(max_examples=60, deadline=None)


@st.composite
def neighbours(draw: st.DrawFn) -> tuple[Policy, Policy]:
    """Two policies that share most of their document, as a version and the next do."""
    before, other = draw(documents), draw(documents)
    changed = draw(st.lists(st.sampled_from(sorted(other)), min_size=1, max_size=2))
    after: dict[str, Any] = {**before, **{name: other[name] for name in changed}}
    try:
        return parse_policy(before), parse_policy(after)
    except PolicyInvalid:  # labels of the one and maximum of the other may contradict each other
        return parse_policy(before), parse_policy(other)


def at_least_as_strict(before: Routing, after: Routing) -> bool:
    return (
        RELEASED[after.route] <= RELEASED[before.route]
        and ATTENTION[after.route] >= ATTENTION[before.route]
        and after.inclusion_probability >= before.inclusion_probability
        and after.labels_needed >= before.labels_needed
        and after.mandatory >= before.mandatory
        and (after.route != before.route or BLIND_DEGREES.index(after.blind) >= BLIND_DEGREES.index(before.blind))
    )


@given(neighbours(), claims, st.sampled_from(["validated", "unmeasured"]))
@MANY
def test_a_difference_without_looser_changes_loosens_no_claim(
    pair: tuple[Policy, Policy], claim: dict[str, Any], state: str
) -> None:
    before, after = pair
    if is_looser(before, after):
        before, after = after, before
    if is_looser(before, after):
        return
    states = dict.fromkeys([band.key for band in (*before.measured_bands, *after.measured_bands)], state)
    facts = replace(facts_of(before, claim, []), band_states=states)
    assert at_least_as_strict(route(facts, before), route(facts, after))


@given(policies)
@MANY
def test_a_policy_does_not_differ_from_itself(policy: Policy) -> None:
    assert difference(policy, parse_policy(to_document(policy))) == ()


@given(neighbours())
@MANY
def test_every_difference_is_told_in_words_and_found_at_its_pointer(pair: tuple[Policy, Policy]) -> None:
    before, after = pair
    for change in difference(before, after):
        assert change.meaning
        assert change.before != change.after
        document = to_document(before if change.after is None else after)
        assert resolves(document, change.pointer)


def resolves(document: object, pointer: str) -> bool:
    value: Any = document
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        value = value[int(key)] if isinstance(value, list) else value[key]
    return True


@given(neighbours())
@MANY
def test_what_is_stricter_one_way_is_looser_the_other_way(pair: tuple[Policy, Policy]) -> None:
    before, after = pair
    if any(change.direction == "stricter" for change in difference(before, after)):
        assert is_looser(after, before)
