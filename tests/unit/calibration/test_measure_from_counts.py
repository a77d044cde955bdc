"""What bands may do follows from counts: which claims count, which labels certify, what a doubt changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from calibration.certifying import certify
from calibration.evidence import BEGINNING, Atom, Place, Subject
from calibration.measuring import Measured, certification_window, measure, strata_of
from calibration.sample import decidable, gate_of
from reviewqueue.policy.parsing import parse_policy
from tests.world import IDENTITY, MODEL, POLICY

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
RULES = parse_policy({**POLICY, "calibrators": [IDENTITY]})
SUBJECT = Subject(**MODEL)
TOP = "0.90-1.00"


def atom(labelled: int = 0, right: int = 0, *, claims: int | None = None, **changes: Any) -> Atom:
    """Claims of an hour ago, all of them drawn unless they are more than the labels."""
    place = Place(SUBJECT, "general", (("workflow", "qa"),), changes.pop("confidence", 0.95))
    at = changes.pop("at", NOW - timedelta(hours=1))
    base = Atom(
        place=replace(place, **changes.pop("place", {})),
        elicitation="other",
        scored_by="",
        held=False,
        audit_rate=1.0,
        era=BEGINNING,
        fit_half=False if labelled else None,
        level=1.0 if labelled else None,
        fresh=bool(labelled),
        claims=labelled if claims is None else claims,
        sampled=labelled,
        labelled=labelled,
        right=right,
        first_at=at,
        last_at=at,
        newest_at=at if labelled else None,
    )
    return replace(base, **changes)


def measured(*atoms: Atom, **options: Any) -> dict[tuple[str, str], Measured]:
    rows = measure(RULES, atoms, fitted=options.pop("fitted", {}), now=NOW, **options)
    return {(row.segment, row.band): row for row in rows}


def top(*atoms: Atom, **options: Any) -> Measured:
    return measured(*atoms, **options)["", TOP]


def test_enough_right_labels_validate_a_band() -> None:
    found = top(atom(80, 79))
    assert (found.state, found.gate.labels, found.gate.errors) == ("validated", 80, 1)


def test_the_order_in_which_counts_are_read_changes_no_digit() -> None:
    atoms = [atom(claims=number, confidence=0.9 + number / 1_003) for number in range(1, 90)]
    orders = [Random(seed).sample(atoms, len(atoms)) for seed in range(20)]
    assert len({sum(each.claims * each.place.confidence for each in order) for order in orders}) > 1, (
        "plain sums differ"
    )
    assert len({tuple(map(repr, measured(*order).values())) for order in orders}) == 1


@pytest.mark.parametrize(
    "changes",
    [{"held": True}, {"place": {"category": "refunds"}}, {"place": {"segments": (("workflow", "legal"),)}}],
    ids=["held by a rule", "mandatory category", "mandatory segment"],
)
def test_what_people_see_anyhow_measures_nothing_that_a_band_decides(changes: dict[str, Any]) -> None:
    found = top(atom(80, 79), atom(500, 500, **changes))
    assert (found.claims, found.labelled, found.gate.labels) == (80, 80, 80)
    assert (found.apart.claims, found.apart.labelled, found.apart.right) == (500, 500, 500)
    assert top(atom(500, 500, **changes)).state == "unmeasured"
    assert measured(atom(80, 79), atom(500, 500, **changes))["", ""].labelled == 580


def test_an_easier_mandatory_category_does_not_carry_a_bad_band() -> None:
    easy = atom(1_000, 1_000, place={"category": "refunds"})
    assert top(atom(100, 70), easy).state == "failed"


def test_a_band_under_alarm_is_stale_and_no_other() -> None:
    rows = measured(atom(80, 79), atom(80, 79, confidence=0.7), alarms={(SUBJECT, TOP)})
    assert rows["", TOP].state == "stale"
    assert rows["", "0.60-0.90"].state != "stale"


def test_every_segment_is_measured_within_every_band() -> None:
    german = atom(40, 20, place={"segments": (("language", "de"), ("workflow", "qa"))})
    rows = measured(german, atom(60, 60), atom(10, 5, confidence=0.7))
    assert rows["language=de", TOP].labelled == 40
    assert rows["workflow=qa", TOP].labelled == 100
    assert rows["workflow=qa", ""].labelled == 110
    assert rows["workflow=qa", "0.60-0.90"].labelled == 10
    pairs = measured(german, watched=[("language", "workflow")])
    assert {segment for segment, _ in pairs} == {"", "language=de & workflow=qa"}


def test_labels_that_fitted_the_calibrator_certify_nothing_but_later_ones_of_the_same_half_do() -> None:
    fit = NOW - timedelta(days=2)
    before, after = atom(200, 200, fit_half=True), atom(70, 70, fit_half=True, era=fit)
    other_half = atom(30, 30, era=BEGINNING)
    found = top(before, after, other_half, fitted={"identity-1": fit})
    assert found.labelled == 300
    assert found.gate.labels == 100


def test_only_the_first_label_of_an_input_stands_at_the_gate() -> None:
    found = top(atom(50, 50), atom(400, 0, fresh=False))
    assert (found.labelled, found.gate.labels, found.gate.errors) == (450, 50, 0)


def test_a_lower_rate_thins_the_whole_time_and_leaves_the_time_before_it_whole() -> None:
    before = NOW - timedelta(days=3)
    old = [atom(80, 80, at=before), atom(20, 20, at=before, level=0.2)]
    new = [atom(5, 5, audit_rate=0.2, level=0.2), atom(0, 0, claims=20, audit_rate=0.2)]
    found = top(*old, *new)
    assert found.gate.labels == 100, "the time before the rate fell, with every label of then"
    assert len(strata_of([*old, *new])) == 2
    many = [atom(150, 149, audit_rate=0.2, level=0.2), atom(0, 0, claims=600, audit_rate=0.2)]
    assert top(*old, *many).gate.labels == 170, "the whole time, thinned to the rate of now"


def test_claims_under_way_when_the_rate_fell_belong_to_the_time_before() -> None:
    fell = NOW - timedelta(hours=2)
    late = atom(90, 90, at=fell - timedelta(days=1))
    late = replace(late, last_at=fell + timedelta(seconds=20))
    much_later = replace(late, last_at=fell + timedelta(minutes=10))
    new = atom(2, 2, audit_rate=0.2, level=0.2, at=fell)
    for each, labels in ((late, 90), (much_later, 2)):
        atoms = [each, new]
        window = certification_window(atoms, atoms, strata_of(atoms), alpha=None, delta=0.05)
        assert window.sample.labels == labels


def test_a_reject_band_promises_wrong_outputs() -> None:
    low, middle, high = POLICY["bands"]
    rejecting = {**low, "route": "reject", "audit_rate": 0.5, "required_accuracy": 0.9}
    rules = parse_policy({**POLICY, "bands": [rejecting, middle, high], "calibrators": [IDENTITY]})
    rows = measure(rules, [atom(90, 2, confidence=0.2)], fitted={}, now=NOW)
    found = next(row for row in rows if row.band == "0.00-0.60" and not row.segment)
    assert (found.right, found.gate.errors, found.state) == (88, 2, "validated")


def test_pending_labels_are_counted_both_ways_and_too_many_hold_the_band_back() -> None:
    found = top(atom(80, 80), atom(claims=40, sampled=40))
    assert found.state == "provisional"
    assert found.estimate.pending_lo < found.estimate.pending_hi


def test_a_threshold_is_tested_on_what_it_would_decide_and_the_rest_is_still_reviewed() -> None:
    atoms = [atom(300, 300), atom(100, 50, confidence=0.6), atom(400, 400, place={"category": "refunds"})]
    found = certify(SUBJECT, atoms, policy=RULES, alpha=0.05, delta=0.05, fitted_at=None, now=NOW)
    assert found.selection.threshold == 0.95
    assert (found.labels, found.claims) == (400, 800)
    assert found.review_share == pytest.approx(1 - 0.75 * 0.5)


def test_the_gate_of_a_slice_is_its_thinned_sample_and_its_traffic() -> None:
    atoms = [
        atom(100, 90, at=NOW - timedelta(days=2)),
        atom(40, 40, audit_rate=0.2, level=0.2),
        atom(claims=160, audit_rate=0.2),
        atom(7, 7, held=True),
    ]
    gate = gate_of(decidable(RULES, atoms), None)
    assert gate.sample.labels == 100
    assert gate.traffic.labels == 300


def test_scores_of_a_calibrator_that_is_not_in_use_count_for_nothing() -> None:
    assert top(atom(80, 80), atom(80, 0, scored_by="signals-9")).labelled == 80
