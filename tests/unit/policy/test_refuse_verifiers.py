"""A verifier that cannot be run, or would not mean what it says, is refused with its place in the document."""

from __future__ import annotations

from typing import Any

import pytest

from reviewqueue.policy.document import PolicyInvalid, policy_hash, to_document
from reviewqueue.policy.parsing import parse_policy
from tests.unit.policy.examples import ALL_ROUTES, REVIEW, document

CIRCLE = {"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, True]}}, "$ref": "#/$defs/a"}
DOUBLING = {
    "$defs": {**{f"a{n}": {"anyOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(30)}, "a30": True},
    "$ref": "#/$defs/a0",
}
FAULTS: list[tuple[dict[str, Any], str, str]] = [
    ({"kind": "magic"}, "/kind", "not_a_choice"),
    ({}, "/kind", "missing"),
    ({"kind": "length", "at_most": 5, "at_least": 6}, "/at_most", "unusable"),
    ({"kind": "length", "unit": "pages"}, "/unit", "not_a_choice"),
    ({"kind": "length", "pattern": "x"}, "/pattern", "unknown_key"),
    ({"kind": "length", "field": "/confidence"}, "/field", "unknown_name"),
    ({"kind": "length", "field": "output"}, "/field", "unknown_name"),
    ({"kind": "length", "route": "accept"}, "/route", "not_a_choice"),
    ({"kind": "length", "route": "uncertain"}, "/next_step", "needed_by_route"),
    ({"kind": "length", "if_unknown": "apply"}, "/if_unknown", "not_a_choice"),
    ({"kind": "pattern"}, "/pattern", "missing"),
    ({"kind": "pattern", "pattern": "("}, "/pattern", "unusable"),
    ({"kind": "pattern", "pattern": r"(a)\1"}, "/pattern", "unusable"),
    ({"kind": "pattern", "pattern": "(((a{1,99}){1,99}){1,99})"}, "/pattern", "unusable"),
    ({"kind": "pattern", "pattern": "a" * 1_001}, "/pattern", "wrong_length"),
    ({"kind": "pattern", "pattern": "\0"}, "/pattern", "unprintable"),
    ({"kind": "json_schema", "schema": {"type": "nothing"}}, "/schema", "unusable"),
    ({"kind": "json_schema", "schema": []}, "/schema", "not_an_object"),
    ({"kind": "json_schema", "schema": {"$ref": "https://example.org/schema"}}, "/schema", "unusable"),
    ({"kind": "json_schema", "schema": {"$ref": "other.json"}}, "/schema", "unusable"),
    ({"kind": "json_schema", "schema": {"$ref": "#/$defs/none"}}, "/schema", "unusable"),
    ({"kind": "json_schema", "schema": {"$schema": "https://example.org/mine"}}, "/schema", "unusable"),
    ({"kind": "json_schema", "schema": {"items": {"$id": "https://example.org/x"}}}, "/schema", "unusable"),
    ({"kind": "json_schema", "schema": {"pattern": "(?=a)"}}, "/schema", "unusable"),
    ({"kind": "json_schema", "schema": CIRCLE}, "/schema", "unusable"),
    ({"kind": "json_schema", "schema": DOUBLING}, "/schema", "unusable"),
    ({"kind": "json_schema", "schema": {"title": "x" * 40_000}}, "/schema", "unusable"),
    ({"kind": "number_range"}, "/at_most", "unusable"),
    ({"kind": "number_range", "at_least": 2, "at_most": 1}, "/at_most", "unusable"),
    ({"kind": "number_range", "units": {"EUR": 0}}, "/units", "out_of_range"),
    ({"kind": "number_range", "at_least": True}, "/at_least", "not_a_number"),
    ({"kind": "arithmetic", "expression": "output.total +"}, "/expression", "unusable"),
    ({"kind": "arithmetic", "expression": "__import__('os').system('ls')"}, "/expression", "unusable"),
    ({"kind": "arithmetic", "expression": "output.__class__()"}, "/expression", "unusable"),
    ({"kind": "arithmetic", "expression": "open('x')"}, "/expression", "unusable"),
    ({"kind": "arithmetic", "expression": "output.total ** 9 == 1"}, "/expression", "unusable"),
    ({"kind": "arithmetic", "expression": "[x for x in output] == 1"}, "/expression", "unusable"),
    ({"kind": "arithmetic", "expression": "confidence > 0.9"}, "/expression", "unusable"),
    ({"kind": "arithmetic", "expression": "sum(1, 2) == 3"}, "/expression", "unusable"),
    ({"kind": "arithmetic", "expression": "(" * 249 + "1" + ")" * 249}, "/expression", "unusable"),
    ({"kind": "arithmetic", "expression": "1" * 501}, "/expression", "wrong_length"),
    ({"kind": "allowed_values", "values": []}, "/values", "not_a_list"),
    ({"kind": "allowed_values", "values": [None]}, "/values", "not_a_number"),
    ({"kind": "evidence_coverage"}, "/at_least", "missing"),
    ({"kind": "evidence_coverage", "at_least": 1.5}, "/at_least", "out_of_range"),
    ({"kind": "language", "languages": ["elvish"]}, "/languages", "unusable"),
]


def problems(changes: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(PolicyInvalid) as refused:
        parse_policy(document(**changes))
    return [(problem.pointer, problem.code) for problem in refused.value.problems]


@pytest.mark.parametrize(("verifier", "pointer", "code"), FAULTS)
def test_what_is_wrong_is_named_at_its_place(verifier: dict[str, Any], pointer: str, code: str) -> None:
    whole = {"name": "shape", "route": "review", **verifier}
    assert problems({"verifiers": [whole]}) == [(f"/verifiers/0{pointer}", code)]


def test_names_are_given_once() -> None:
    same = {"name": "shape", "kind": "length", "route": "review"}
    assert problems({"verifiers": [same, same]}) == [("/verifiers/1/name", "duplicate")]
    assert problems({"verifiers": [{**same, "name": str(place)} for place in range(51)]}) == [
        ("/verifiers", "too_many")
    ]


SHAPE = {"name": "shape", "kind": "length", "route": "review"}
RELEASE = {"verifiers": ["shape"], "route": "accept", "audit_rate": 0.2, "required_accuracy": 0.97}
RELEASES: list[tuple[dict[str, Any], str, str]] = [
    ({"verifiers": ["other"]}, "/verifiers/0", "unknown_name"),
    ({"verifiers": []}, "/verifiers", "empty"),
    ({"verifiers": ["shape", "shape"]}, "/verifiers/1", "duplicate"),
    ({"route": "reject"}, "/route", "not_a_choice"),
    ({"audit_rate": 0}, "/audit_rate", "out_of_range"),
    ({"route": "accept_flagged"}, "/audit_rate", "not_used_by_route"),
    ({"required_accuracy": 1}, "/required_accuracy", "out_of_range"),
    ({"required_accuracy": None}, "/required_accuracy", "not_a_number"),
    ({"next_step": "ask"}, "/next_step", "unknown_key"),
]


def bands_releasing(release: dict[str, Any], route: str = "review") -> list[dict[str, Any]]:
    return [{**band, "release": release} if band["route"] == route else band for band in ALL_ROUTES]


@pytest.mark.parametrize(("changes", "pointer", "code"), RELEASES)
def test_a_release_that_is_not_sound_is_refused(changes: dict[str, Any], pointer: str, code: str) -> None:
    bands = bands_releasing({**RELEASE, **changes})
    assert problems({"bands": bands, "verifiers": [SHAPE]}) == [(f"/bands/3/release{pointer}", code)]


@pytest.mark.parametrize("route", ["reject", "escalate", "accept_flagged", "accept"])
def test_only_a_gray_band_may_release(route: str) -> None:
    place = [band["route"] for band in ALL_ROUTES].index(route)
    bands = bands_releasing(RELEASE, route)
    assert problems({"bands": bands, "verifiers": [SHAPE]}) == [(f"/bands/{place}/release", "not_used_by_route")]


def test_a_document_with_verifiers_is_written_as_it_was_read() -> None:
    from tests.unit.verifiers.test_hostile_input import EVERY_KIND

    verifiers = [{"name": str(place), "route": "review", **each} for place, each in enumerate(EVERY_KIND)]
    bands = bands_releasing({**RELEASE, "verifiers": ["0"]})
    parsed = parse_policy(document(bands=bands, verifiers=verifiers))
    written = to_document(parsed)
    assert to_document(parse_policy(written)) == written
    assert parse_policy(written) == parsed


def test_a_document_without_verifiers_keeps_the_hash_it_had() -> None:
    written = to_document(parse_policy(document()))
    assert "verifiers" not in written
    assert all("release" not in band for band in written["bands"])  # type: ignore[attr-defined]
    assert policy_hash(written) == "sha256:db6d291e4f2860bc71741670da25675ab41c5d1aff5c6f2b80de70108bea7ee5"


def test_an_absent_release_may_be_written_as_null() -> None:
    assert parse_policy(document(bands=[{**REVIEW, "low": 0, "high": 1, "release": None}])).bands[0].release is None
