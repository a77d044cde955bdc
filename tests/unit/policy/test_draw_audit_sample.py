"""The audit number is a keyed hash that anybody holding the key can recompute."""

from __future__ import annotations

import hashlib
import hmac
from uuid import UUID

import pytest

from reviewqueue.policy.sampling import audit_number, commitment, epoch_key

CLAIM = UUID("0198f0c2-0000-7000-8000-000000000001")
MASTER = b"a secret of more than sixteen bytes"


def test_the_number_is_the_first_53_bits_of_the_hmac() -> None:
    bits = bin(int(hmac.new(b"key", CLAIM.bytes, hashlib.sha256).hexdigest(), 16))[2:].zfill(256)[:53]
    assert audit_number(b"key", CLAIM) == int(bits, 2) / 2**53


def test_key_number_and_commitment_are_those_openssl_gives() -> None:
    key = epoch_key(MASTER, "support-answers", "2026-1")
    assert key.hex() == "3b07a2f2eeff51e93232c3dff3bf204a8f506569a042c9aa5198188a7fdb67c2"
    assert commitment(key) == "bf8383c065483fe322ffeced5aadcb956d416260b59514bd6ac3cdb900f13394"
    assert audit_number(key, CLAIM) == 0x460DFCDF008B25 // 8 / 2**53  # the first 53 bits of 460dfcdf008b25f7…


def test_numbers_spread_evenly() -> None:
    numbers = sorted(audit_number(MASTER, UUID(int=value)) for value in range(10_000))
    assert numbers[0] >= 0
    assert numbers[-1] < 1
    furthest = max(abs(number - (place + 0.5) / 10_000) for place, number in enumerate(numbers))
    assert furthest < 0.0195, "Kolmogorov-Smirnov at level 0.001"


def test_every_pipeline_and_epoch_has_its_own_key() -> None:
    names = [("a", "b"), ("ab", ""), ("", "ab"), ("a", "c"), ("b", "a")]
    assert len({epoch_key(MASTER, pipeline, epoch) for pipeline, epoch in names}) == len(names)


def test_another_secret_gives_another_key() -> None:
    assert epoch_key(MASTER, "a", "b") != epoch_key(MASTER[::-1], "a", "b")


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        epoch_key(b"x" * 15, "a", "b")
    assert epoch_key(b"x" * 16, "a", "b")


def test_a_commitment_tells_keys_apart() -> None:
    assert commitment(b"a" * 32) != commitment(b"b" * 32)
