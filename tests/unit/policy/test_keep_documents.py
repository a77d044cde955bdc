"""A document is kept complete, in plain values, under a hash that does not depend on how it was written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reviewqueue.policy.document import PolicyInvalid, band_for, band_key, policy_hash, to_document
from reviewqueue.policy.facts import facts_from_json, facts_to_json
from reviewqueue.policy.parsing import parse_policy
from tests.unit.policy.examples import ACCEPT, document, facts, policy


def test_defaults_are_written_out() -> None:
    short = {"schema": 1, "bands": [{**ACCEPT, "low": 0}], "mandatory": {}, "sampling": {"epoch": "2026-1"}}
    assert to_document(parse_policy(short)) == {
        "schema": 1,
        "bands": [
            {
                "low": 0.0,
                "high": 1.0,
                "route": "accept",
                "next_step": None,
                "audit_rate": 0.05,
                "required_accuracy": 0.98,
                "labels_needed": None,
                "unaudited_waiver": False,
            }
        ],
        "certainty": 0.95,
        "mandatory": {"categories": [], "segments": {}, "route": "review"},
        "calibrators": [],
        "review": {
            "lease_minutes": 10,
            "labels_needed": 1,
            "max_labels": 3,
            "due_minutes": 240,
            "blind": "none",
            "undo_seconds": 10,
        },
        "sampling": {"epoch": "2026-1"},
        "freshness_days": 30,
        "step_minutes": 60,
        "step_budget": 3,
        "mode": "active",
    }


def test_the_hash_is_sha256_of_the_canonical_document() -> None:
    # printf '{"a":1,"b":[0.5]}' | sha256sum
    expected = "sha256:bdad23344c9c37f976fae01e230f88bd1423b0f633b71770085d452c5c243787"
    assert policy_hash({"b": [0.5], "a": 1.0}) == expected


def test_the_hash_depends_neither_on_order_nor_on_how_a_number_is_written() -> None:
    first = to_document(policy())
    second = json.loads(json.dumps(dict(reversed(first.items()))).replace("0.0,", "0,").replace("1.0,", "1,"))
    assert policy_hash(first) == policy_hash(second) == policy_hash(to_document(parse_policy(second)))


def test_the_hash_tells_two_policies_apart() -> None:
    assert policy_hash(to_document(policy())) != policy_hash(to_document(policy(mode="shadow")))


def test_what_lies_beyond_eight_places_is_noise() -> None:
    noisy = document(bands=[{**ACCEPT, "low": -0.0, "high": 1 - 1e-12, "audit_rate": 0.1 + 0.2}])
    band = parse_policy(noisy).bands[0]
    assert (str(band.low), band.high, band.audit_rate) == ("0.0", 1.0, 0.3)


def test_a_policy_does_not_share_the_document_it_was_read_from() -> None:
    values = [0.2, 0.8]
    isotonic = {"kind": "isotonic", "x": [0.1, 0.9], "y": values}
    source = document(calibrators=[{"model": "m", "model_version": "1", "name": "i", "map": isotonic}])
    read = parse_policy(source)
    before = to_document(read)
    values[1] = 0.99
    assert to_document(read) == before


@pytest.mark.parametrize(
    ("low", "high", "key"),
    [(0, 1, "0.00-1.00"), (0.9, 0.955, "0.90-0.955"), (0.3, 0.99999999, "0.30-0.99999999")],
)
def test_a_band_knows_its_name_exactly(low: float, high: float, key: str) -> None:
    assert band_key(low, high) == key


BOUNDS: list[tuple[str, float, float, float]] = [
    ("/certainty", 0.5, 0.99999999, 0.00000001),
    ("/freshness_days", 1, 365, 1),
    ("/step_minutes", 1, 10_080, 1),
    ("/step_budget", 1, 10, 1),
    ("/review/lease_minutes", 2, 60, 1),
    ("/review/labels_needed", 1, 5, 1),
    ("/review/max_labels", 1, 9, 1),
    ("/review/due_minutes", 1, 43_200, 1),
    ("/review/undo_seconds", 0, 600, 1),
    ("/bands/0/low", 0, 0, 0.00000001),
    ("/bands/0/high", 1, 1, 0.00000001),
    ("/bands/0/audit_rate", 0.00000001, 1, 0.00000001),
    ("/bands/0/required_accuracy", 0.00000001, 0.99999999, 0.00000001),
    ("/bands/0/labels_needed", 1, 5, 1),
]


@pytest.mark.parametrize(("pointer", "lowest", "highest", "step"), BOUNDS, ids=[row[0] for row in BOUNDS])
def test_every_number_is_kept_up_to_its_bounds_and_not_beyond(
    pointer: str, lowest: float, highest: float, step: float
) -> None:
    for value in (lowest, highest):
        assert at(to_document(parse_policy(with_value(pointer, value))), pointer) == value
    for value in (lowest - step, highest + step):
        with pytest.raises(PolicyInvalid) as refusal:
            parse_policy(with_value(pointer, value))
        assert pointer in {problem.pointer for problem in refusal.value.problems}


def with_value(pointer: str, value: float) -> dict[str, Any]:
    """A document with room for five labels, one value replaced."""
    most = {} if pointer == "/review/max_labels" else {"max_labels": 9}
    changed = document(bands=[{**ACCEPT, "low": 0}], review=most)
    *path, last = pointer.split("/")[1:]
    at(changed, "/".join(["", *path]))[last] = value
    return changed


def at(value: Any, pointer: str) -> Any:
    for token in pointer.split("/")[1:]:
        value = value[int(token)] if isinstance(value, list) else value[token]
    return value


def test_as_many_labels_as_are_needed_are_enough() -> None:
    assert policy(review={"labels_needed": 3, "max_labels": 3}).review.max_labels == 3


@pytest.mark.parametrize(
    ("field", "longest"), [("model", 120), ("model_version", 120), ("prompt_version", 120), ("name", 80)]
)
def test_names_of_calibrators_fit_the_database(field: str, longest: int) -> None:
    entry = {"model": "m", "model_version": "1", "name": "i", "map": {"kind": "identity"}}
    assert policy(calibrators=[{**entry, field: "x" * longest}])
    with pytest.raises(PolicyInvalid):
        policy(calibrators=[{**entry, field: "x" * (longest + 1)}])


@pytest.mark.parametrize("p", [-0.001, 1.001, float("nan"), float("inf"), -float("inf")])
def test_no_band_holds_what_is_no_probability(p: float) -> None:
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        band_for(policy(), p)


def test_noise_outside_the_unit_interval_is_still_a_probability() -> None:
    assert band_for(policy(), 1 + 1e-12).key == "0.90-1.00"
    assert band_for(policy(), -1e-12).key == "0.00-0.10"


@pytest.mark.parametrize("change", [{"extra": 1}, {"confidence": ...}])
def test_stored_facts_with_other_fields_are_not_guessed_at(change: dict[str, object]) -> None:
    stored = {**facts_to_json(facts()), **change}
    stored = {name: value for name, value in stored.items() if value is not ...}
    with pytest.raises(ValueError, match="exactly the fields"):
        facts_from_json(stored)


def test_the_policy_in_the_documentation_is_one_and_says_the_defaults_truly() -> None:
    text = (Path(__file__).parents[3] / "docs" / "policy.md").read_text(encoding="utf-8")
    shown = json.loads(text.split("```json")[1].split("```")[0])
    needed = {name: shown[name] for name in ("schema", "bands", "mandatory", "calibrators", "rules", "sampling")}
    assert parse_policy(needed) == parse_policy(shown)
