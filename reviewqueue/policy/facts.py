"""What routing knows of a claim, and how that is stored so that the decision can be replayed for ever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from reviewqueue.verifiers.finding import Finding


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything `route` may look at.

    `band_states` holds, by band key, the state of each band for this model, model version and prompt version under
    the policy that routes: unmeasured, provisional, validated, failed, stale, breach or unvalidated; a band that is
    not named is unmeasured. `audit_u` is `sampling.audit_number` of the claim. `attempt` counts from 1 within a case,
    and `case_mandatory` says whether an earlier attempt had to go to a person. `signals` are those that came with the
    claim and those worked out at intake. `checks` holds what the policy's verifiers found, by the digest of the check:
    routing reads findings and makes no check itself.
    `audit_rates` holds, by band key, the audit rate that was worked out for claims of this subject and its segments.
    `epoch` names the key that `audit_u` was drawn with; routing does not look at it.
    """

    model: str
    model_version: str
    prompt_version: str
    category: str | None
    confidence: float | None
    audit_u: float
    segments: Mapping[str, str] = field(default_factory=dict)
    band_states: Mapping[str, str] = field(default_factory=dict)
    breaker: bool = False
    attempt: int = 1
    step_expired: bool = False
    signals: Mapping[str, float] = field(default_factory=dict)
    case_mandatory: bool = False
    checks: Mapping[str, Finding] = field(default_factory=dict)
    audit_rates: Mapping[str, float] = field(default_factory=dict)
    epoch: str = ""


_NAMES: Final = tuple(each.name for each in fields(Facts))
_LATER: Final = frozenset({"signals", "case_mandatory", "checks", "audit_rates", "epoch"})
"""Fields that facts stored by earlier versions lack. They are written only where they say something."""


def facts_to_json(facts: Facts) -> dict[str, object]:
    """Plain JSON values by the names of the fields."""
    stored = {name: getattr(facts, name) for name in _NAMES if name not in _LATER or getattr(facts, name)}
    named: dict[str, object] = {"segments": dict(facts.segments), "band_states": dict(facts.band_states)}
    if facts.audit_rates:
        named["audit_rates"] = dict(facts.audit_rates)
    if facts.signals:
        named["signals"] = dict(facts.signals)
    if facts.checks:
        named["checks"] = {digest: list(finding) for digest, finding in facts.checks.items()}
    return {**stored, **named}


def facts_from_json(stored: Mapping[str, Any]) -> Facts:
    """The exact inverse. Raises ValueError when a field is missing or unknown: a guess would not be a replay."""
    if stored.keys() | _LATER != set(_NAMES):
        raise ValueError(f"stored facts need exactly the fields {', '.join(_NAMES)}")
    return Facts(**{**stored, "checks": checks_from_json(stored.get("checks", {}))})


def checks_from_json(stored: Mapping[str, Any]) -> dict[str, Finding]:
    return {digest: Finding(*each) for digest, each in stored.items()}
