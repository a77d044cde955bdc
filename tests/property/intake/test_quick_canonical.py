"""The quick way to canonical JSON and the reference give the same bytes, and refuse the same values."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from reviewqueue.claims.submission import Submission, parse_submission
from reviewqueue.ledger.canonical import MAX_BODY_BYTES, NotCanonical, canonical_body
from reviewqueue.ledger.quick_canonical import quick_canonical, quick_canonical_body

NOW = datetime(2026, 11, 22, tzinfo=UTC)

texts = st.text(max_size=8) | st.sampled_from(
    ["\x00", "\\u0000", "\ud800", "\uff00", "\U0001f600", '"\\\b\f\n\r\t\x7f']
)
numbers = st.integers() | st.floats() | st.sampled_from([2**53, 2**53 - 1, -(2**53), 1e15, 1e-4, 1e21, -0.0, 1.0])
scalars = st.none() | st.booleans() | numbers | texts


def nested(scalars: st.SearchStrategy[Any], keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
    )


json_values = nested(scalars, texts)
values = nested(scalars | st.binary(max_size=2), texts | st.integers())
shares = st.floats(0, 1) | st.sampled_from([0, 1, 0.5])
submissions = st.fixed_dictionaries(
    {
        "pipeline": st.just("support-answers"),
        "external_id": st.sampled_from(["ticket-1", "ticket-\u00e9"]),
        "model": st.just("acme-lm"),
        "model_version": st.just("1"),
        "output": json_values,
        "confidence": shares,
    },
    optional={
        "input": json_values,
        "metadata": st.dictionaries(texts, json_values, max_size=3),
        "signals": st.dictionaries(texts, shares, max_size=3),
        "alternatives": st.lists(st.fixed_dictionaries({"output": json_values, "confidence": shares}), max_size=2),
        "context": st.lists(st.fixed_dictionaries({"kind": st.just("document"), "text": texts}), max_size=2),
        "occurred_at": st.just("2026-11-21T06:00:00+02:00"),
    },
)


@given(values)
@example([0.1, {"b": 1, "a": 2.5}])
@example({"\U0001f600": 1, "\uff00": 2})
def test_the_quick_form_is_the_reference_form(value: Any) -> None:
    assert written(quick_canonical, value) == written(rfc8785.dumps, value)


@given(st.dictionaries(texts, values, max_size=5))
@example({"text": "\\u0000"})
@example({"text": "x" * (MAX_BODY_BYTES - len('{"text":""}'))})
@example({"text": "x" * MAX_BODY_BYTES})
def test_the_quick_form_of_a_ledger_body_is_the_ledgers(body: dict[str, Any]) -> None:
    assert written(quick_canonical_body, body) == written(canonical_body, body)


@pytest.mark.parametrize("levels", [31, 32, 33])
def test_both_forms_of_a_ledger_body_end_at_the_same_depth(levels: int) -> None:
    body: dict[str, Any] = {}
    for _ in range(levels - 1):
        body = {"in": body}
    assert written(quick_canonical_body, body) == written(canonical_body, body)
    assert (written(quick_canonical_body, body) is NotCanonical) == (levels > 32)


@given(submissions)
def test_what_a_submission_puts_together_is_the_reference_form_of_the_whole(body: dict[str, Any]) -> None:
    submission = msgspec.convert(body, Submission)
    if written(rfc8785.dumps, msgspec.to_builtins(submission)) is ValueError:
        assert written(lambda each: each.written, submission) is ValueError
        return
    assert submission.content_hash == sha256(msgspec.to_builtins(submission))
    assert submission.written_content == rfc8785.dumps(submission.content)
    named = submission.external_id if submission.input is None else submission.input
    assert submission.fingerprint == sha256([submission.pipeline, named])
    sized = [submission.input, submission.output, submission.content["context"]]
    assert submission.content_bytes == len(rfc8785.dumps(sized))


def test_a_whole_confidence_is_the_same_claim_as_a_number_and_as_a_fraction() -> None:
    body = {"pipeline": "p", "external_id": "e", "model": "m", "model_version": "1", "output": [1], "confidence": 1}
    fraction = {**body, "output": [1.0], "confidence": 1.0}
    hashes = {parse_submission(each, now=NOW).content_hash for each in (body, fraction)}
    assert len(hashes) == 1


def written(write: Any, value: Any) -> Any:
    """What `write` gives, or the kind of its refusal."""
    try:
        return write(value)
    except NotCanonical:
        return NotCanonical
    except ValueError:
        return ValueError


def sha256(value: Any) -> bytes:
    return hashlib.sha256(rfc8785.dumps(value)).digest()
