"""What the OpenAPI document says beside the facts: the introduction, headers, and what fields and addresses mean."""

from __future__ import annotations

from typing import Any, Final

DESCRIPTION: Final = """\
Upstream systems post claims and get a decision at once; reviewer tools take tasks and give labels; figures, policies
and outcomes are read back. `docs/api.md` shows each with a command to copy.

**Access.** `Authorization: Bearer <key>`, written exactly so. A key belongs to one source or one person and has scopes.
What belongs to somebody else is 404. A key in an address is refused and revoked: addresses end up in logs.

**Bodies** are read strictly: UTF-8, no duplicate keys, finite numbers of at most 40 characters, integers within
±(2⁵³ − 1), at most 32 levels and 1 MiB (a batch 32 MiB), no unknown fields, no compression.

**Refusals** are `application/problem+json` (RFC 9457). Rely on `code`. `instance` is the request's id, which is also in
`X-Request-ID`; one of the caller's own, up to 64 characters of `A–Z a–z 0–9 . _ : -`, is kept.

**Doing it once.** Every POST and PATCH may carry an `Idempotency-Key`. Refusals are not stored, nor is a `take` that
found nothing; a secret that is shown once is not repeated.

**Limits.** Every answer to a key has `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10).
Beyond them the answer is 429 with `Retry-After`. Claims posted and previewed count as `intake`, everything else as
`other`. Requests without a good key count against their address, as `failed`.

**Answers** may gain fields; what is here keeps its name and meaning. Times are UTC with milliseconds."""

HEADERS: Final[dict[str, dict[str, Any]]] = {
    "X-Request-ID": {
        "description": "The id of this request, also in problems and logs.",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": 64},
    },
    "RateLimit-Policy": {
        "description": "The quota this request counts in: `q` requests in `w` seconds.",
        "schema": {"type": "string"},
        "example": '"intake";q=6000;w=60',
    },
    "RateLimit": {
        "description": "What is left of it (`r`), and the seconds until it is whole again (`t`).",
        "schema": {"type": "string"},
        "example": '"intake";r=5999;t=1',
    },
    "Retry-After": {
        "description": "Seconds after which the request may be sent again.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {"description": "How to authenticate.", "required": True, "schema": {"type": "string"}},
    "Idempotent-Replayed": {
        "description": "`true` when this is the stored answer to an earlier request with the same `Idempotency-Key`.",
        "schema": {"type": "string", "enum": ["true"]},
    },
}

PATH_PARAMETERS: Final = {
    "claim_id": "The `id` of a claim.",
    "attachment_id": "The `id` of an uploaded file.",
    "lease_id": "The `id` of a lease, known to its holder alone.",
    "label_id": "The `id` of a label, any revision.",
    "slug": "The `slug` of a pipeline.",
    "name": "The `name` of a golden set.",
    "report_id": "The id of the report.",
    "run_id": "The `id` of a golden run.",
    "number": "The number of a policy version.",
    "change_id": "The `id` of a change of tasks.",
    "breaker_id": "The `id` of a breaker.",
    "endpoint_id": "The `id` of an endpoint.",
    "index": "The place of an entry in the ledger, from 0.",
    "level": "The level of a tile, from 0.",
    "tile": "The place of a tile in its level, in groups of three digits: `x001/x234/067`; `.p/3` for its first three.",
}

SUBMITTED_FIELDS: Final = {
    "Submission": {
        "pipeline": "The slug of a pipeline that the source may post to.",
        "external_id": "The caller's own name for the claim, unique within the source; printable.",
        "model": "Which model made the output.",
        "model_version": "Figures and calibrators are kept per version.",
        "prompt_version": "And per version of the prompt.",
        "output": "What the model said: a string or any JSON value.",
        "input": "What it was asked: a string or any JSON value.",
        "confidence": "As the model stated it: a share, not a percentage.",
        "category": "One of the pipeline's categories.",
        "segments": "Slices that statistics are kept for: keys and values the pipeline knows.",
        "alternatives": "Other outputs that were considered.",
        "elicitation": "How the confidence was obtained.",
        "signals": "Further measures of certainty, at most 50.",
        "context": "What a reviewer should see beside the claim.",
        "supersedes": "The claim whose next step this one answers.",
        "occurred_at": "When the output was made; with an offset.",
        "callback_url": "Where to send the outcome: an https address of a public host.",
        "metadata": "Anything to keep with the claim, at most 50 keys. Never shown to a blind reviewer.",
    },
    "Alternative": {"output": "A string or any JSON value.", "confidence": "As the model stated it."},
    "ContextItem": {
        "kind": "What it is, in a word: `document`, `message`, `source`.",
        "title": "Shown above the text.",
        "text": "The passage itself.",
        "url": "Where it comes from: an http or https address.",
        "role": "Who said it, in a conversation.",
        "id": "The caller's own name for the passage.",
        "attachment": "The `id` of an uploaded file, in the place of an address.",
    },
}
"""For the types of `reviewqueue.claims.submission`, which know nothing of documents."""
