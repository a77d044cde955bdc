"""Claims as they are kept: without what the rules of their pipeline take away. Pure.

Everything that comes after works on the masked claim: verifiers, fingerprint, storage, handlers, reviewers. One thing
comes from what was submitted, a hash under a key that is not in the database: it recognises the same submission again,
whatever the rules are by then, and tells nobody without the key anything.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import UNSET

from reviewqueue.claims.submission import Alternative, ContextItem, Submission
from reviewqueue.redaction.masking import Redaction
from reviewqueue.redaction.rules import Rules


class MaskedSubmission(Submission, frozen=True, kw_only=True, dict=True):
    """`redacted`: how many places each rule took, by its id; `plain_hash` is never stored."""

    redacted: Mapping[str, int]
    keyed_hash: bytes
    plain_hash: bytes

    @property
    def content_hash(self) -> bytes:
        return self.keyed_hash


def masked(submission: Submission, rules: Rules, *, key: bytes) -> Submission:
    """The submission itself where nothing is asked to be masked."""
    if not rules:
        return submission
    redaction = Redaction(rules)
    content = redaction.content(msgspec.to_builtins(submission.content))
    return MaskedSubmission(
        **{name: getattr(submission, name) for name in Submission.__struct_fields__ if name not in content},
        input=content["input"],
        output=content["output"],
        metadata=content["metadata"],
        alternatives=[Alternative(**each) for each in content["alternatives"]],
        context=[
            _context_item(left, whole) for left, whole in zip(content["context"], submission.context, strict=True)
        ],
        redacted=dict(sorted(redaction.places.items())),
        keyed_hash=keyed(submission.content_hash, key),
        plain_hash=submission.content_hash,
    )


def _context_item(left: Mapping[str, Any], whole: ContextItem) -> ContextItem:
    """An address with something masked leads nowhere: there is none then. Files are not looked into."""
    kept = {name: value for name, value in left.items() if name != "attachment"}
    if kept.get("url") != whole.url:
        kept["url"] = None
    return ContextItem(**kept, attachment=whole.attachment if whole.attachment is not UNSET else UNSET)


def redacted_of(submission: Submission) -> Mapping[str, int]:
    return submission.redacted if isinstance(submission, MaskedSubmission) else {}


def is_same(stored_hash: bytes, submission: Submission, *, key: bytes) -> bool:
    """Whether this very content was submitted before, also when there were no rules then, or there are none now."""
    plain = submission.plain_hash if isinstance(submission, MaskedSubmission) else submission.content_hash
    return stored_hash == plain or hmac.compare_digest(stored_hash, keyed(plain, key))


def keyed(plain_hash: bytes, key: bytes) -> bytes:
    """A hash that nobody without the key can try texts against."""
    return hmac.new(key, plain_hash, sha256).digest()
