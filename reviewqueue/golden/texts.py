"""How texts of golden items and of answers to them are encrypted: under one key for each item. No database here.

An answer carries the salt of its commitment within its ciphertext, so that what models said is not shown to be equal
by equal commitments.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from reviewqueue.payloads.vault import SALT_BYTES, ClaimKey, written

ITEM: Final = "golden item"
ANSWER: Final = "golden answer"


@dataclass(frozen=True, slots=True)
class SaltedAnswer:
    """The commitment of an answer is SHA-256(0x02, salt, canonical {"output": output})."""

    salt: bytes
    output: Any


def new_answer(output: Any) -> SaltedAnswer:
    return SaltedAnswer(secrets.token_bytes(SALT_BYTES), output)


def close_item(key: ClaimKey, content: Mapping[str, Any]) -> bytes:
    return key.close(written(content), kind=ITEM, row=key.claim_id)


def item_within(key: ClaimKey, ciphertext: bytes) -> dict[str, Any]:
    """Raises PayloadUnreadable."""
    content: dict[str, Any] = json.loads(key.open(ciphertext, kind=ITEM, row=key.claim_id))
    return content


def close_answer(key: ClaimKey, answer: SaltedAnswer, *, answer_id: int) -> bytes:
    return key.close(answer.salt + written(answer.output), kind=ANSWER, row=UUID(int=answer_id))


def answer_within(key: ClaimKey, ciphertext: bytes, *, answer_id: int) -> SaltedAnswer:
    """Raises PayloadUnreadable."""
    text = key.open(ciphertext, kind=ANSWER, row=UUID(int=answer_id))
    return SaltedAnswer(text[:SALT_BYTES], json.loads(text[SALT_BYTES:]))
