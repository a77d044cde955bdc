"""What must never happen is named by the offline verifier with its rule and its leaf, though every hash is right."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.unit.ledger.exports import (
    CLAIM,
    EPOCH_KEY,
    OTHER,
    POLICY,
    START_US,
    audit_u,
    begun,
    body,
    chained,
    checked,
    decided,
    granted,
    held,
    labelled,
    settled,
    write,
)

REVIEWED = [held(), granted(), labelled(), settled()]


def found(tmp_path: Path, bodies: list[dict[str, Any]], **files: Any) -> list[str]:
    return checked(write(tmp_path / "export", chained(bodies), **files)).findings


def test_a_claim_that_was_held_labelled_and_settled_raises_no_alarm(tmp_path: Path) -> None:
    assert found(tmp_path, [*begun(), *REVIEWED, decided(OTHER)]) == []


@pytest.mark.parametrize(
    ("claim", "finding"),
    [
        (decided(mandatory=True), "R1, mandatory review and yet decided by nobody"),
        (decided(category="refunds"), "R1, the policy asks for review of this claim whatever its confidence"),
        (decided(category=None), "R1, the policy asks for review of this claim whatever its confidence"),
        (decided(segments={"language": "de"}), "R1, the policy asks for review of this claim whatever its confidence"),
        (decided(segments={}), "R1, the policy asks for review of this claim whatever its confidence"),
        (decided(band="0.80-1.00"), "R6, the policy has no band 0.80-1.00"),
        (decided(calibrated_ppm=899_998), "R6, a confidence of 899998 millionths does not lie in band 0.90-1.00"),
        (decided(band_state="stale"), "R6, decided by a band that had not earned it"),
        (decided(calibrator=None, calibrated_ppm=None), "R6, decided by a band that had not earned it"),
        (
            decided(confidence_ppm=970_000),
            "R6, platt-1 makes 699999 to 700001 millionths of the stated confidence, 950000 are recorded",
        ),
        (
            decided(calibrated_ppm=None),
            "R6, platt-1 makes 949999 to 950001 millionths of the stated confidence, None are recorded",
        ),
        (
            decided(calibrator="platt-2"),
            "R6, the policy has the calibrator platt-1 for this model version, the entry names platt-2",
        ),
        (
            decided(calibrator=None, calibrated_ppm=None),
            "R6, the policy has the calibrator platt-1 for this model version, the entry names none",
        ),
        (
            decided(model_version="2"),
            "R6, the policy has no calibrator for this model version, the entry names platt-1",
        ),
        (decided(reasons=["band", "drift_breaker"]), "R6, decided although drift_breaker was recorded"),
        (held(route="accept", reasons=["band"]), "R6, the band asks for review, the claim went to accept"),
        (decided(route="review"), "R6, the band asks for accept, and no reason is recorded for review"),
        (decided(policy_hash=None), "R6, decided without a policy and not held for people"),
        (decided(policy_hash="sha256:00"), "R6, decided by a policy that was never activated"),
        (decided(band=None), "R6, in no band and not held for people"),
    ],
)
def test_a_route_that_the_policy_does_not_give_is_named(tmp_path: Path, claim: dict[str, Any], finding: str) -> None:
    assert any(message.startswith(f"leaf 3: {finding}") for message in found(tmp_path, [*begun(), claim]))


@pytest.mark.parametrize(
    "claim",
    [
        decided(confidence_ppm=980_000),
        decided(route="review", reasons=["band_unvalidated"], band_state="provisional"),
        decided(route="escalate", reasons=["signal_rule"]),
        decided(route="review", category="refunds", mandatory=True, reasons=["mandatory_category"]),
        held(route="escalate", reasons=["verifier_failed"]),
    ],
)
def test_a_stricter_route_with_its_reason_is_right(tmp_path: Path, claim: dict[str, Any]) -> None:
    assert found(tmp_path, [*begun(), claim]) == []


def with_map(map_: object) -> dict[str, Any]:
    return {**POLICY, "calibrators": [{**POLICY["calibrators"][0], "map": map_}]}


def test_on_the_edge_of_a_step_either_side_is_right(tmp_path: Path) -> None:
    below, above = held(confidence_ppm=980_000), decided(OTHER, confidence_ppm=980_000)
    assert (below["calibrated_ppm"], above["calibrated_ppm"]) == (700_000, 950_000)
    assert found(tmp_path, [*begun(), below, above]) == []


def test_what_signals_made_of_a_confidence_is_taken_as_recorded_and_counted(tmp_path: Path) -> None:
    of_signals = with_map({"kind": "combined", "slope": 1.0, "intercept": 0.0, "eps": 0.02, "signals": []})
    bodies = [*begun(of_signals), decided(policy=of_signals), decided(OTHER, policy=of_signals)]
    verification = checked(write(tmp_path / "export", chained(bodies), policies=[of_signals]))
    assert (verification.findings, verification.gaps.said()) == ([], [])
    assert verification.notes.said() == [
        "R6: the calibrated confidence of 2 decisions rests on signals, which no entry holds; it is taken as recorded"
    ]


@pytest.mark.parametrize(
    "map_",
    [
        {"kind": "histogram"},
        {"kind": "isotonic", "x": [0.5, 0.5], "y": "?"},
        {"kind": "platt", "slope": None, "eps": 0.1},
        {"kind": "oracle", "y": []},
    ],
)
def test_a_map_that_is_none_is_named(tmp_path: Path, map_: object) -> None:
    odd = with_map(map_)
    finding = "leaf 3: R6, the calibrator platt-1 of the policy is no map that is known"
    assert found(tmp_path, [*begun(odd), decided(policy=odd)], policies=[odd]) == [finding]


def test_a_policy_that_may_only_watch_decides_nothing(tmp_path: Path) -> None:
    watching = {**POLICY, "mode": "shadow"}
    bodies = [*begun(watching), decided(policy=watching)]
    assert found(tmp_path, bodies, policies=[watching]) == ["leaf 3: R6, decided by a policy that may only watch"]


def test_a_policy_text_that_was_changed_is_no_longer_the_one_that_decided(tmp_path: Path) -> None:
    softer = {**POLICY, "mandatory": {"categories": [], "segments": {}, "route": "review"}}
    verification = checked(write(tmp_path / "export", chained([*begun(), decided()]), policies=[softer]))
    assert verification.findings == []
    assert verification.gaps == ["the text of the policy behind 1 decisions is not in the export (R6)"]


@pytest.mark.parametrize(
    ("events", "place", "finding"),
    [
        ([held(), labelled()], 4, "R2, a label without a lease granted to its reviewer"),
        ([held(), granted(), labelled(lease=None)], 5, "R2, a label without a lease granted to its reviewer"),
        ([held(), granted(by="ravi"), labelled()], 5, "R2, a label without a lease granted to its reviewer"),
        (
            [held(), granted(), granted("l2", "ravi"), labelled()],
            6,
            "R2, a label under a lease that somebody else had taken over",
        ),
        (
            [held(), granted(), body("lease.released", claim=CLAIM, lease="l1"), labelled()],
            6,
            "R2, a label under a lease that was given back",
        ),
        (
            [held(), granted(), body("lease.expired", claim=CLAIM, lease="l1"), labelled()],
            6,
            "R2, a label after its lease had run out, not marked as late",
        ),
        (
            [held(), granted(expires_us=START_US - 60_000_000), labelled()],
            5,
            "R2, a label after its lease had run out, not marked as late",
        ),
        (
            [
                *REVIEWED[:3],
                body("label.amended", "ravi", claim=CLAIM, label="a2", supersedes="a1", reviewer="ravi", task="t1"),
            ],
            6,
            "R2, a label changed by somebody who had not given it",
        ),
        ([*REVIEWED, settled("o2")], 7, "R3, a second outcome while the first one stands"),
        ([held(), settled()], 4, "R3, an outcome before the label it names"),
        (
            [*REVIEWED, body("outcome.superseded", claim=CLAIM, outcome="o9")],
            7,
            "R3, an outcome superseded that did not stand",
        ),
        (
            [*REVIEWED[:3], body("adjudication.decided", "rita", claim=CLAIM, task="t2")],
            6,
            "R4, decided by somebody who had given one of the labels it is about",
        ),
    ],
)
def test_a_review_that_broke_a_rule_is_named(
    tmp_path: Path, events: list[dict[str, Any]], place: int, finding: str
) -> None:
    assert found(tmp_path, [*begun(), *events]) == [f"leaf {place}: {finding}"]


@pytest.mark.parametrize(
    "events",
    [
        [held(), granted(), body("lease.expired", claim=CLAIM, lease="l1"), labelled(late=True), settled()],
        [
            *(held(), granted(expires_us=START_US)),
            body("lease.renewed", claim=CLAIM, lease="l1", expires_us=START_US + 600_000_000),
            labelled(),
        ],
        [*REVIEWED, body("outcome.superseded", claim=CLAIM, outcome="o1"), settled("o2", None, basis="external")],
        [*REVIEWED[:3], body("adjudication.decided", "sam", claim=CLAIM, task="t2", label="a2")],
    ],
)
def test_what_the_rules_allow_raises_no_alarm(tmp_path: Path, events: list[dict[str, Any]]) -> None:
    assert found(tmp_path, [*begun(), *events]) == []


# --- R7 -------------------------------------------------------------------------------------------------------------

COMMITTED = body(
    "sample.epoch_committed",
    pipeline="p",
    epoch="e1",
    commitment=sha256(b"reviewqueue sampling commitment 1\0" + EPOCH_KEY).hexdigest(),
)
REVEALED = body("sample.epoch_revealed", pipeline="p", epoch="e1", secret=EPOCH_KEY.hex())


def drawn(claim: str = CLAIM, **fields: Any) -> dict[str, Any]:
    number = audit_u(claim)
    said = {"epoch": "e1", "audit_u": f"{number:.18f}", "audit_rate_ppm": 500_000, "audit_sampled": number < 0.5}
    return decided(claim, **{**said, **fields})


def test_a_sample_that_the_revealed_key_gives_raises_no_alarm(tmp_path: Path) -> None:
    assert found(tmp_path, [*begun(), COMMITTED, drawn(), drawn(OTHER), REVEALED]) == []


def test_an_epoch_that_goes_on_is_said_to_be_open(tmp_path: Path) -> None:
    verification = checked(write(tmp_path / "export", chained([*begun(), COMMITTED, drawn()])))
    assert (verification.findings, verification.gaps) == ([], [])
    assert verification.notes == ["R7: the keys of these epochs are not revealed yet: p/e1"]


@pytest.mark.parametrize(
    ("events", "place", "finding"),
    [
        (
            [COMMITTED, drawn(audit_u="0.100000000000000000"), REVEALED],
            4,
            "the number drawn is not the one that the key",
        ),
        (
            [COMMITTED, drawn(audit_sampled=audit_u(CLAIM) >= 0.5), REVEALED],
            4,
            "the audit sample was picked by hand",
        ),
        ([drawn(), COMMITTED, REVEALED], 3, "drawn before the key of its epoch was committed to"),
        ([COMMITTED, {**REVEALED, "secret": "00" * 32}], 4, "the revealed key is not the one that was committed to"),
        ([COMMITTED, {**COMMITTED, "commitment": "00"}], 4, "a second commitment for an epoch"),
    ],
)
def test_a_sample_picked_by_hand_is_named(
    tmp_path: Path, events: list[dict[str, Any]], place: int, finding: str
) -> None:
    messages = found(tmp_path, [*begun(), *events])
    assert messages[0].startswith(f"leaf {place}: R7, {finding}")


# --- R8 -------------------------------------------------------------------------------------------------------------


def snapshot(leaf_to: int, bands: dict[str, Any]) -> dict[str, Any]:
    return body(
        "accuracy.snapshot", pipeline="p", model="m", model_version="1", prompt_version="a",
        leaf_from=0, leaf_to=leaf_to, bands=bands,
    )  # fmt: skip


RIGHT = {"0.60-0.90": {"1000000": [1, 1]}}


def test_snapshots_that_the_leaves_give_raise_no_alarm(tmp_path: Path) -> None:
    later = [
        body("outcome.superseded", claim=CLAIM, outcome="o1"),
        settled("o2", correct=False),
        snapshot(10, {"0.60-0.90": {"1000000": [1, 0]}}),
    ]
    assert found(tmp_path, [*begun(), snapshot(2, {}), *REVIEWED, snapshot(7, RIGHT), *later]) == []


@pytest.mark.parametrize(
    "stated",
    [
        snapshot(6, {"0.60-0.90": {"1000000": [1, 0]}}),
        snapshot(6, {}),
        snapshot(5, RIGHT),
        {**snapshot(6, RIGHT), "model": "another"},
    ],
)
def test_a_snapshot_that_the_leaves_do_not_give_is_named(tmp_path: Path, stated: dict[str, Any]) -> None:
    messages = found(tmp_path, [*begun(), *REVIEWED, stated])
    assert messages == [f"leaf 7: R8, the accuracy it states is not that of leaves 0 to {stated['leaf_to']}"]


def test_a_snapshot_of_leaves_after_it_is_named(tmp_path: Path) -> None:
    assert found(tmp_path, [*begun(), *REVIEWED, snapshot(7, RIGHT)])[0].startswith("leaf 7: R8, a snapshot that does")
