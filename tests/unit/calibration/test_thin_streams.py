"""Which labels a monitor sees: those of what the band may decide, drawn alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from calibration.evidence import Place, Subject
from calibration.models import MonitorKind
from calibration.streams import Stream, StreamLabel, by_stream
from reviewqueue.policy.parsing import parse_policy
from tests.world import IDENTITY, MODEL, POLICY

SUBJECT = Subject(**MODEL)
SINCE = datetime(2026, 11, 1, tzinfo=UTC)
BAND = "0.90-1.00"
ACCEPTED = parse_policy({**POLICY, "calibrators": [IDENTITY]})
WANTED = {
    stream.key: stream
    for stream in (
        Stream(MonitorKind.OUTCOME, SUBJECT, BAND, "identity-1", 0.1, False, SINCE),
        Stream(MonitorKind.CALIBRATION, SUBJECT, "", "identity-1", None, False, SINCE),
    )
}


def label(**changes: Any) -> StreamLabel:
    place = {"subject": SUBJECT, "category": "general", "segments": (("workflow", "qa"),), "confidence": 0.95}
    place |= {name: changes.pop(name) for name in list(changes) if name in place}
    usual: dict[str, Any] = {
        "correct": True,
        "audit_u": 0.1,
        "fingerprint": b"one",
        "settled_at": SINCE + timedelta(hours=1),
        "held": False,
        "calibrator": "identity-1",
        "calibrated": 0.95,
        "band": BAND,
    }
    return StreamLabel(Place(**place), **{**usual, **changes})


def seen(*labels: StreamLabel, document: dict[str, Any] | None = None) -> tuple[int, int]:
    """How many labels the monitors of the promise and of the calibration get."""
    found = by_stream(WANTED, labels, parse_policy(document) if document else ACCEPTED)
    return len(found["outcome", SUBJECT, BAND]), len(found["calibration", SUBJECT, ""])


def test_a_label_of_the_band_reaches_both() -> None:
    assert seen(label()) == (1, 1)


@pytest.mark.parametrize("change", [{"category": "refunds"}, {"segments": (("workflow", "legal"),)}, {"held": True}])
def test_what_people_see_whatever_the_band_says_is_no_part_of_its_promise(change: dict[str, Any]) -> None:
    assert seen(label(**change)) == (0, 1)


FLOORS = {**POLICY, "calibrators": [IDENTITY], "sampling": {"epoch": "1", "floors": {"language": 5}}}


def test_drawn_at_one_rate_every_label_counts() -> None:
    assert seen(label(audit_u=0.9), label(audit_u=0.1)) == (2, 2)


def test_where_segments_are_drawn_more_often_only_what_the_rate_of_the_band_would_have_drawn_counts() -> None:
    assert seen(label(audit_u=0.2), label(audit_u=0.19999), document=FLOORS) == (1, 1)


def test_of_a_band_that_people_see_in_full_every_label_tells_of_the_calibration() -> None:
    assert seen(label(confidence=0.7, audit_u=0.9), document=FLOORS) == (0, 1)


def test_what_settled_before_watching_began_and_other_versions_are_left_out() -> None:
    other = Subject("acme-lm", "2026-11-01", "v14")
    assert seen(label(settled_at=SINCE), label(subject=other)) == (0, 0)


def test_a_map_of_several_signals_is_followed_by_what_it_decided() -> None:
    """Its probability does not follow from the stated confidence, so only claims that it decided itself are watched."""
    combined = {**MODEL, "name": "signals-2", "map": {"kind": "identity"}}
    policy = parse_policy({**POLICY, "calibrators": [combined]})
    object.__setattr__(policy.calibrators[0], "map", {"kind": "signals"})
    found = by_stream(
        WANTED,
        [
            label(calibrator="signals-2", confidence=0.5, calibrated=0.97),
            label(calibrator="identity-1"),
            label(calibrator="signals-2", confidence=0.99, calibrated=0.4, band="0.00-0.60", audit_u=0.9),
        ],
        policy,
    )
    assert [p for _, p in found["outcome", SUBJECT, BAND]] == [0.97]
    assert [p for _, p in found["calibration", SUBJECT, ""]] == [0.97, 0.4]
