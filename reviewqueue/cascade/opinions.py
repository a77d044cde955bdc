"""What a secondary handler is asked and what it may answer. Pure.

The answer is read as strictly as everything that comes in. It becomes a claim like any other: whatever the handler
says, the policy decides.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from reviewqueue.claims.submission import Name, Share
from reviewqueue.strict_json import MalformedJSON, parse_strict

STEP: Final = "step.secondary"
CHALLENGE: Final = "handler.challenge"
MOST_BYTES: Final = 1024 * 1024
LONGEST_EXTERNAL_ID: Final = 200
_TRACE: Final = 24


class AnswerRefused(Exception):
    """An answer that cannot be taken; `code` is kept with the call."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Opinion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A second opinion on the input of a claim."""

    output: Any
    confidence: Share
    model: Name
    model_version: Name
    prompt_version: Annotated[str, Meta(max_length=120)] | None = None
    signals: dict[str, Share] = {}


def opinion_in(body: bytes, *, model: str) -> Opinion:
    """Raises AnswerRefused for anything but an opinion of that very model."""
    if len(body) > MOST_BYTES:
        raise AnswerRefused("too_large")
    try:
        opinion = msgspec.convert(parse_strict(body), Opinion)
    except (MalformedJSON, msgspec.ValidationError, OverflowError, ValueError):
        raise AnswerRefused("bad_answer") from None
    if opinion.model != model:
        raise AnswerRefused("wrong_model")
    return opinion


def step_body(step: Mapping[str, Any], now: datetime) -> bytes:
    return _written(STEP, now, step)


def challenge_body(pipeline: str, challenge: str, now: datetime) -> bytes:
    return _written(CHALLENGE, now, {"pipeline": pipeline, "challenge": challenge})


def _written(event: str, now: datetime, data: Mapping[str, Any]) -> bytes:
    """In ASCII, so that no receiver can read it in two ways."""
    return json.dumps({"type": event, "timestamp": now.isoformat(), "data": data}, separators=(",", ":")).encode()


def external_id_of(original: str, attempt: int) -> str:
    """The name of the answer to an attempt: always the same, so that asking twice is one claim."""
    suffix = f"/secondary-{attempt}"
    if len(original) + len(suffix) <= LONGEST_EXTERNAL_ID:
        return original + suffix
    trace = "~" + hashlib.sha256(original.encode()).hexdigest()[:_TRACE]
    return original[: LONGEST_EXTERNAL_ID - len(trace) - len(suffix)] + trace + suffix
