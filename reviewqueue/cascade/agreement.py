"""Whether two attempts of a case say the same. Pure.

Outputs are compared as normalised: texts without regard to case, width and white space, JSON values by their RFC 8785
form. What is kept of an output is a hash under the salt of the case's first payload: when that payload is erased, the
hashes say nothing any more.
"""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import Sequence

from reviewqueue.ledger.quick_canonical import quick_canonical

SIGNAL = "attempt_agreement"
"""The name of the derived signal; `pipelines.signals.DERIVED` keeps it from being used for anything else."""


def normalised(output: object) -> object:
    if isinstance(output, str):
        return " ".join(unicodedata.normalize("NFKC", output).casefold().split())
    if isinstance(output, dict):
        return {key: normalised(value) for key, value in output.items()}
    if isinstance(output, list):
        return [normalised(value) for value in output]
    return output


def answer_hash(salt: bytes, output: object) -> bytes:
    """Equal for outputs that are equal once normalised, and for no others."""
    return hmac.digest(salt, b"\x03" + quick_canonical(normalised(output)), "sha256")


def agreement(own: bytes, earlier: Sequence[bytes | None]) -> float | None:
    """The share of the earlier answers that equal this one; None when none of them is known."""
    known = [answer for answer in earlier if answer is not None]
    return sum(answer == own for answer in known) / len(known) if known else None
