"""What the verifiers of a policy find of a claim: looked up where the very check was made before, made where not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from reviewqueue.claims.models import Decision
from reviewqueue.claims.submission import Submission
from reviewqueue.policy.document import Policy
from reviewqueue.policy.facts import Facts, checks_from_json
from reviewqueue.policy.selectors import policy_of
from reviewqueue.verifiers.finding import Claim, Finding
from reviewqueue.verifiers.running import findings


def checks_of(submission: Submission, policy: Policy) -> dict[str, Finding]:
    """Every check of the policy, of a claim that comes in."""
    if not policy.checks:
        return {}
    claim = Claim(
        output=submission.output,
        input=submission.input,
        context=msgspec.to_builtins(submission.context),
        metadata=submission.metadata,
        category=submission.category,
        segments=submission.segments,
        size=submission.content_bytes,
    )
    return findings(policy.checks, claim)


def checked_for(facts: Facts, policy: Policy, content: Mapping[str, Any] | None) -> Facts:
    """The stored facts of a claim as another policy would have them.

    `content` is that of the claim's payload; without it, what was not checked before stays unknown.
    """
    known = {digest: facts.checks[digest] for digest, _ in policy.checks if digest in facts.checks}
    missing = [each for each in policy.checks if each[0] not in known]
    if missing and content is not None:
        claim = Claim(
            output=content["output"],
            input=content["input"],
            context=content["context"],
            metadata=content["metadata"],
            category=facts.category,
            segments=facts.segments,
            size=len(msgspec.json.encode([content["output"], content["input"], content["context"]])),
        )
        known |= findings(missing, claim)
    return replace(facts, checks=known)


NOT_CHECKED = Finding("unknown", note="not_checked")


@dataclass(frozen=True, slots=True)
class Named:
    """What one verifier of a policy found. `fails`: the policy counts it as a failure."""

    name: str
    finding: Finding
    fails: bool


def named_findings(policy: Policy, checks: Mapping[str, Finding]) -> list[Named]:
    """In the order of the policy."""
    return [Named(each.name, checks.get(each.digest, NOT_CHECKED), each.fails(checks)) for each in policy.verifiers]


def findings_behind(decision: Decision) -> list[Named]:
    """What the verifiers of the version that decided had found. Expects a decision with its policy version."""
    version = decision.policy_version
    if version is None or "checks" not in decision.facts:
        return []
    return named_findings(policy_of(version.pk, version.document_hash), checks_from_json(decision.facts["checks"]))


def checks_answer(found: list[Named]) -> dict[str, Any]:
    """What is added to the REST form of a decision: nothing where the policy has no verifiers."""
    rows = [
        {
            "name": each.name,
            "outcome": each.finding.outcome,
            "score": each.finding.score,
            "note": each.finding.note or None,
        }
        for each in found
    ]
    return {"checks": rows} if rows else {}
