"""An uploaded bundle is proven with the reader's key; whatever is changed in it is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.auditors.bundle_check import BundleReport, UnusableBundle, check_bundle
from reviewqueue.ledger import services
from reviewqueue.ledger.canonical import canonical
from reviewqueue.ledger.note import SigningKey, TreeHead, VerifierKey, sign_note
from reviewqueue.reports.claim_bundles import bundle_of
from reviewqueue.reports.claim_life import claim_life
from tests.services.ledger.cast import ORIGIN
from tests.services.review.steps import label_next
from tests.world import World

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def bundle(world: World, sealed: VerifierKey) -> dict[str, Any]:
    claim = world.claim(output="18 EUR")
    label_next(world.rita)
    services.seal()
    return bundle_of(claim_life(world.ada, claim.pk), with_text=True)


def checked(bundle: dict[str, Any], key: VerifierKey) -> BundleReport:
    return check_bundle(json.dumps(bundle).encode(), [key])


@pytest.mark.django_db
def test_a_bundle_with_its_text_is_proven_but_for_what_came_later(bundle: dict[str, Any], sealed: VerifierKey) -> None:
    report = checked(bundle, sealed)
    assert (report.is_contradicted, report.findings) == (False, [])
    assert report.events["claim.decided"] == 1
    assert len(report.gaps) == 1
    assert "whether more happened" in report.gaps[0]
    assert "the payload is not in the bundle" in checked({**bundle, "payload": None}, sealed).gaps


def entry(bundle: dict[str, Any], place: int) -> dict[str, Any]:
    found: dict[str, Any] = bundle["entries"][place]
    return found


NOT_PROVEN = "its proof does not lead to the root"
CHANGES: list[tuple[Change, str]] = [
    (lambda b: entry(b, 1).update(leaf=entry(b, 1)["leaf"].replace("task", "tosk")), NOT_PROVEN),
    (lambda b: entry(b, 0).update(leaf=entry(b, 0)["leaf"] + " "), "not canonical"),
    (lambda b: b["entries"].pop(1), "is not event 2"),
    (lambda b: b["entries"].pop(0), "is not event 1"),
    (lambda b: b["entries"].reverse(), "stands after leaf"),
    (lambda b: b["entries"].insert(1, entry(b, 0)), "is not event 2"),
    (lambda b: entry(b, 1).update(index=0), NOT_PROVEN),
    (lambda b: entry(b, 1).update(proof=entry(b, 0)["proof"]), NOT_PROVEN),
    (lambda b: entry(b, 1)["proof"].append("00" * 32), NOT_PROVEN),
    (lambda b: b.update(claim="0198f0c2-0000-7000-8000-000000000009"), "is not event 1 of claim 0198f0c2"),
    (lambda b: b.update(origin="elsewhere"), "not to elsewhere"),
    (lambda b: b.update(checkpoint=b["checkpoint"].replace("\n", "0\n", 1)), "signature"),
    (lambda b: b["payload"].update(text=b["payload"]["text"].replace("18", "19")), "not what was committed to"),
    (lambda b: b["payload"].update(salt="00" * 32), "not what was committed to"),
    (lambda b: b.update(payload="nothing"), "not what was committed to"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("change", "words"), CHANGES)
def test_every_change_is_found_and_placed(
    bundle: dict[str, Any], sealed: VerifierKey, change: Change, words: str
) -> None:
    change(bundle)
    findings = checked(bundle, sealed).findings
    assert any(words in finding for finding in findings)


@pytest.mark.django_db
def test_a_key_of_the_same_name_proves_nothing(bundle: dict[str, Any]) -> None:
    report = checked(bundle, SigningKey(ORIGIN, bytes(32)).verifier)
    assert report.findings == ["the checkpoint has no signature by a known key"]


EMPTY: dict[str, Any] = {
    "format": "reviewqueue-claim-bundle/1", "origin": "o", "claim": "0198f0c2-0000-7000-8000-000000000009",
    "checkpoint": "n", "entries": [],
}  # fmt: skip
HOSTILE = [
    b"", b"\xff\xfe", b"[]", b"null", b'{"format":1}', b"[" * 100_000, b'{"a":1,"a":2}', b'{"a":NaN}', b"9" * 10_000,
    json.dumps(EMPTY).encode(),
    *(json.dumps({**EMPTY, "entries": [each]}).encode() for each in (
        7, {}, {"index": True, "leaf": "", "proof": []}, {"index": 0, "leaf": "", "proof": ["z" * 65]},
        {"index": 0, "leaf": "x" * 70_000, "proof": []}, {"index": 0, "leaf": "", "proof": [""] * 65},
    )),
    json.dumps({**EMPTY, "claim": "c" * 1_000_000, "entries": [{"index": 0, "leaf": "", "proof": []}]}).encode(),
    json.dumps({**EMPTY, "entries": [{"index": 0, "leaf": "", "proof": []}] * 5_001}).encode(),
    b" " * (8 * 1024 * 1024 + 1),
]  # fmt: skip


@pytest.mark.parametrize("raw", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_no_bundle_is_refused_in_words(raw: bytes) -> None:
    with pytest.raises(UnusableBundle):
        check_bundle(raw, [SigningKey(ORIGIN, bytes(32)).verifier])


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=5,
)


ME = SigningKey("o", bytes(32))
KINDS = st.sampled_from(["claim.decided", "lease.granted", "label.submitted", "outcome.final", "payload.erased", "x"])
BODIES = st.dictionaries(
    st.sampled_from(["claim", "claim_seq", "claim_prev", "actor", "mandatory", "route", "lease", "labels", "task"]),
    JSON,
    max_size=5,
)
LEAVES = st.builds(
    lambda body, kind, at: canonical({"body": {**body, "event": kind}, "id": "i", "recorded_us": at, "v": 1}).decode(),
    BODIES,
    KINDS | JSON,
    st.integers(0, 2**50) | JSON,
)
ENTRIES = st.fixed_dictionaries(
    {"index": st.integers(-5, 2**53 - 1), "leaf": LEAVES | st.text(), "proof": st.lists(st.text(max_size=64)) | JSON}
)


@given(st.lists(ENTRIES | JSON, min_size=1, max_size=3), JSON | st.fixed_dictionaries({"salt": JSON, "text": JSON}))
def test_whatever_stands_under_a_good_signature_is_refused_or_contradicted(entries: list[Any], payload: Any) -> None:
    note = sign_note(TreeHead("o", 1000, bytes(32)).text(), [ME])
    bundle = {**EMPTY, "checkpoint": note, "entries": entries, "payload": payload}
    try:
        report = check_bundle(json.dumps(bundle).encode(), [ME.verifier])
    except UnusableBundle:
        return
    assert report.findings
