"""What is closed under a claim's key opens to the same bytes, in its own place, unchanged, and in no other case."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.payloads.vault import ClaimKey, PayloadUnreadable, known_key, new_key, rewrapped

ids = st.uuids(version=4)
texts = st.binary(max_size=2_000)


def stored(key: ClaimKey, **changes: object) -> ClaimKey:
    kept: dict[str, object] = {name: getattr(key, name) for name in ("claim_id", "wrapped", "salt", "master")}
    return known_key(**(kept | changes))  # type: ignore[arg-type]


@given(claim_id=ids, row=ids, text=texts)
def test_what_was_closed_opens_to_the_same_text(claim_id: UUID, row: UUID, text: bytes) -> None:
    key = new_key(claim_id)
    closed = key.close(text, kind="content", row=row)
    assert stored(key).open(closed, kind="content", row=row) == text
    assert len(key.salt) == 32


@given(claim_id=ids, text=texts)
def test_the_same_text_is_never_closed_to_the_same_bytes(claim_id: UUID, text: bytes) -> None:
    first, second = new_key(claim_id), new_key(claim_id)
    closed = [key.close(text, kind="content", row=claim_id) for key in (first, first, second)]
    assert len(set(closed)) == 3
    assert first.salt != second.salt


@given(claim_id=ids, row=ids, other=ids, text=texts)
def test_in_another_place_it_does_not_open(claim_id: UUID, row: UUID, other: UUID, text: bytes) -> None:
    key = new_key(claim_id)
    closed = key.close(text, kind="content", row=row)
    with pytest.raises(PayloadUnreadable):
        key.open(closed, kind="label", row=row)
    if other != row:
        with pytest.raises(PayloadUnreadable):
            key.open(closed, kind="content", row=other)
    if other != claim_id:
        with pytest.raises(PayloadUnreadable):
            stored(key, claim_id=other)
    with pytest.raises(PayloadUnreadable):
        new_key(claim_id).open(closed, kind="content", row=row)


@given(claim_id=ids, text=texts, data=st.data())
def test_a_single_flipped_bit_is_refused(claim_id: UUID, text: bytes, data: st.DataObject) -> None:
    key = new_key(claim_id)
    closed = key.close(text, kind="content", row=claim_id)
    with pytest.raises(PayloadUnreadable):
        key.open(flipped(closed, data), kind="content", row=claim_id)
    with pytest.raises(PayloadUnreadable):
        stored(key, wrapped=flipped(key.wrapped, data))


def flipped(given_: bytes, data: st.DataObject) -> bytes:
    bit = data.draw(st.integers(0, 8 * len(given_) - 1))
    changed = bytearray(given_)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@given(claim_id=ids, text=texts, length=st.integers(0, 27))
def test_what_was_cut_short_is_refused(claim_id: UUID, text: bytes, length: int) -> None:
    key = new_key(claim_id)
    closed = key.close(text, kind="content", row=claim_id)
    with pytest.raises(PayloadUnreadable):
        key.open(closed[:length], kind="content", row=claim_id)


@given(claim_id=ids)
def test_a_key_wrapped_anew_is_the_same_key(claim_id: UUID) -> None:
    key = new_key(claim_id)
    closed = key.close(b"text", kind="content", row=claim_id)
    wrapped, master = rewrapped(claim_id, key.wrapped, key.master)
    assert wrapped != key.wrapped
    assert stored(key, wrapped=wrapped, master=master).open(closed, kind="content", row=claim_id) == b"text"
