"""Drafts: proposed by an owner or a sweep, withdrawn by the sweep that made them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Max

from reviewqueue.accounts.models import User
from reviewqueue.errors import FieldProblem, Invalid
from reviewqueue.ledger import services as ledger
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.pipelines.signals import known_signals
from reviewqueue.policy.difference import loosens_mandatory
from reviewqueue.policy.document import Policy, policy_hash, to_document
from reviewqueue.policy.models import LONGEST_NOTE, PolicyStatus, PolicyVersion
from reviewqueue.policy.parsing import names_problems, parse_policy
from reviewqueue.policy.services.held import SWEEP, PolicyOutdated, active_version, actor_of, hold, hold_pipeline, named
from reviewqueue.policy.services.shadow import end_run_of
from reviewqueue.transactions import joins_transaction, service


@service
def propose(
    *,
    pipeline: Pipeline,
    document: Mapping[str, Any],
    proposer: User | None,
    note: str = "",
    evidence: Mapping[str, Any] | None = None,
    on_top_of: int | None = None,
) -> PolicyVersion:
    """Stores a draft. `proposer` is None when a sweep proposes.

    `on_top_of` is the number of the version that was active when its author looked, 0 when there was none; None when
    nobody looked.

    Raises:
        Invalid: every problem of the document, with JSON Pointers.
        PolicyOutdated: another version became active meanwhile.
    """
    return _propose(
        pipeline=pipeline, document=document, proposer=proposer, note=note, evidence=evidence, on_top_of=on_top_of
    )


def propose_within(**proposal: Any) -> PolicyVersion:
    """`propose` for a caller that stores something together with the draft. Joins the caller's transaction."""
    joins_transaction()
    return _propose(**proposal)


def _propose(
    *,
    pipeline: Pipeline,
    document: Mapping[str, Any],
    proposer: User | None,
    note: str = "",
    evidence: Mapping[str, Any] | None = None,
    on_top_of: int | None = None,
) -> PolicyVersion:
    held = hold_pipeline(pipeline.pk)  # numbers are handed out one at a time, and no name is taken away meanwhile
    policy = checked(held, document, note)
    number = (pipeline.policies.aggregate(last=Max("number"))["last"] or 0) + 1
    stored = to_document(policy)
    digest = policy_hash(stored)
    active = active_version(pipeline.pk)
    _refuse_stale(active, on_top_of)
    loosens = active is not None and loosens_mandatory(parse_policy(active.document), policy)
    entry = ledger.append(
        event="policy.proposed",
        actor=actor_of(pipeline, proposer),
        pipeline=pipeline.slug,
        policy_version=number,
        policy_hash=digest,
        loosens_mandatory=loosens,
    )
    return PolicyVersion.objects.create(
        pipeline=pipeline,
        number=number,
        document=stored,
        document_hash=digest,
        note=note,
        evidence=dict(evidence or {}),
        based_on=active,
        loosens_mandatory=loosens,
        proposed_by=proposer,
        event_id=entry.id,
    )


def _refuse_stale(active: PolicyVersion | None, on_top_of: int | None) -> None:
    if on_top_of is not None and on_top_of != (active.number if active else 0):
        raise PolicyOutdated("Another version became active since you began. Look at it, and propose again.")


def checked(pipeline: Pipeline, document: Mapping[str, Any], note: str = "") -> Policy:
    """The policy of a document that could be proposed here. Raises Invalid."""
    if len(note) > LONGEST_NOTE or "\0" in note:
        raise Invalid([FieldProblem("/note", "text", f"At most {LONGEST_NOTE:,} characters, none of them NUL.")])
    policy = parse_policy(document)
    unknown = names_problems(
        policy,
        categories=pipeline.categories,
        segments=pipeline.segment_values,
        signals=known_signals(pipeline.signals),
    )
    if unknown:
        raise Invalid(unknown)
    return policy


def withdraw(*, version: PolicyVersion) -> None:
    """A sweep takes back its own draft because it has a better one. Joins the caller's transaction."""
    joins_transaction()
    locked = hold(version, PolicyStatus.DRAFT, seen=None)
    ledger.append(event="policy.rejected", actor=SWEEP, reason="superseded", **named(locked))
    locked.status = PolicyStatus.REJECTED
    locked.save(update_fields=["status"])
    end_run_of(locked, by=None)
