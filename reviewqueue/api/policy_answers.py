"""The answers about policy versions and breakers as types, like those of `answers`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from reviewqueue.api.answers import Count, Digest, Instant

PolicyStatus = Literal["draft", "approved", "active", "retired", "rejected"]


class Approval(Struct, frozen=True, kw_only=True):
    by: str
    at: Instant


class Policy(Struct, frozen=True, kw_only=True):
    number: int
    status: PolicyStatus
    revision: Annotated[str, Meta(description="What it is at the moment. In quotes, the `If-Match` of the next step.")]
    note: str
    document_hash: Digest
    based_on: int | None
    loosens_mandatory: Annotated[
        bool, Meta(description="A rule of mandatory review is gone or weaker: two administrators have to approve it.")
    ]
    one_person: Annotated[bool, Meta(description="Approved by one person: its proposer.")]
    in_shadow: Annotated[bool, Meta(description="It decides beside the active version and changes nothing.")]
    proposed_at: Instant
    proposed_by: Annotated[str | None, Meta(description="Null: the calibration sweep.")]
    approvals: list[Approval]
    approvals_missing: Annotated[Count, Meta(description="How many more people have to agree.")]
    approved_at: Instant | None
    approved_by: str | None
    activated_at: Instant | None
    retired_at: Instant | None


class PolicyList(Struct, frozen=True, kw_only=True):
    results: list[Policy]


class PolicyDetail(Policy, frozen=True, kw_only=True):
    document: Annotated[dict[str, Any], Meta(description="The complete rules; docs/policy.md explains the format.")]
    evidence: Annotated[dict[str, Any], Meta(description="The figures it was proposed with.")]


class Breaker(Struct, frozen=True, kw_only=True):
    """While it is open, no claim of its model, model version and prompt version is decided without a person."""

    id: int
    model: Annotated[str, Meta(description="Empty, like the two after it: every model of the pipeline.")]
    model_version: str
    prompt_version: str
    cause: Annotated[
        Literal["drift", "outcome", "manual"],
        Meta(description="Confidences moved; a band broke its promise; a person."),
    ]
    reason: Annotated[str | None, Meta(description="Why a person tripped it.")]
    figures: Annotated[dict[str, Any], Meta(description="What the sweep saw.")]
    open: bool
    tripped_at: Instant
    tripped_by: Annotated[str | None, Meta(description="Null: a sweep that watches.")]
    reset_at: Instant | None
    reset_by: str | None
    reset_reason: str | None


class BreakerList(Struct, frozen=True, kw_only=True):
    results: Annotated[list[Breaker], Meta(description="Open ones first, then newest first.")]
