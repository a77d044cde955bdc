"""What changes between the rules over signals, and between the verifiers, of two policies. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from reviewqueue.policy.document import STRICTNESS, Policy, SignalRule, Verifier, verifier_document

Direction = Literal["stricter", "looser", "neutral"]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `pointer` leads into the later document, or into the earlier one for what was taken out."""

    pointer: str
    meaning: str
    before: object
    after: object
    direction: Direction


# --- rules over signals ----------------------------------------------------------------------------------------


def rule_changes(before: Policy, after: Policy) -> Iterator[Change]:
    old, new = _rules_by_name(before), _rules_by_name(after)
    for name, (pointer, rule) in old.items():
        if name not in new:
            yield Change(pointer, f"The rule {name} is taken out: {_in_words(rule)}", _in_words(rule), None, "looser")
    for name, (pointer, rule) in new.items():
        if name not in old:
            yield Change(pointer, f"The rule {name} is new: {_in_words(rule)}", None, _in_words(rule), "stricter")
        elif old[name][1] != rule:
            yield _rule_change(pointer, name, old[name][1], rule)


def _rules_by_name(policy: Policy) -> dict[str, tuple[str, SignalRule]]:
    return {rule.name: (f"/rules/{place}", rule) for place, rule in enumerate(policy.rules)}


def _rule_change(pointer: str, name: str, old: SignalRule, new: SignalRule) -> Change:
    before, after = _in_words(old), _in_words(new)
    direction: Direction = "stricter" if _is_as_strict(old, new) else "looser"
    if replace(new, demand=old.demand) == old and new.demand.route == old.demand.route:
        direction = "neutral"  # another next step, as in a band
    return Change(pointer, f"The rule {name}: {before} becomes {after}", before, after, direction)


def _is_as_strict(old: SignalRule, new: SignalRule) -> bool:
    """Whether the new rule matches whatever the old one did, and sends it to people at least as surely."""
    (old_low, old_high), (new_low, new_high) = _span(old), _span(new)
    return (
        new.signal == old.signal
        and new_low <= old_low
        and new_high >= old_high
        and (new.if_missing == "apply" or old.if_missing == "skip")
        and STRICTNESS[new.demand.route] >= STRICTNESS[old.demand.route]
    )


def _span(rule: SignalRule) -> tuple[float, float]:
    """The values that match; every signal is at most 1, so one that is open above reaches beyond it."""
    return (0.0, rule.below) if rule.below is not None else (rule.at_least or 0.0, 2.0)


def _in_words(rule: SignalRule) -> str:
    value = f"below {rule.below:g}" if rule.below is not None else f"{rule.at_least:g} or more"
    missing = " or missing" if rule.if_missing == "apply" else ""
    step = f" ({rule.demand.next_step})" if rule.demand.next_step else ""
    return f"{rule.signal} {value}{missing} asks for {rule.demand.route}{step}"


# --- verifiers -------------------------------------------------------------------------------------------------


def verifier_changes(before: Policy, after: Policy) -> Iterator[Change]:
    old, new = _verifiers_by_name(before), _verifiers_by_name(after)
    for name, (pointer, verifier) in old.items():
        if name not in new:
            meaning = f"The verifier “{name}” is taken out: {_verifier_in_words(verifier)}"
            yield Change(pointer, meaning, verifier_document(verifier), None, "looser")
    for name, (pointer, verifier) in new.items():
        if name not in old:
            meaning = f"The verifier “{name}” is new: {_verifier_in_words(verifier)}"
            yield Change(pointer, meaning, None, verifier_document(verifier), "stricter")
        elif old[name][1] != verifier:
            yield _verifier_change(pointer, old[name][1], verifier)


def _verifiers_by_name(policy: Policy) -> dict[str, tuple[str, Verifier]]:
    return {each.name: (f"/verifiers/{place}", each) for place, each in enumerate(policy.verifiers)}


def _verifier_change(pointer: str, old: Verifier, new: Verifier) -> Change:
    """What another check finds could go either way; under the same check, what matters is what a failure leads to."""
    is_as_strict = (
        new.digest == old.digest
        and STRICTNESS[new.demand.route] >= STRICTNESS[old.demand.route]
        and (new.if_unknown == "fail" or old.if_unknown == "skip")
    )
    direction: Direction = "stricter" if is_as_strict else "looser"
    if new.digest == old.digest and new.if_unknown == old.if_unknown and new.demand.route == old.demand.route:
        direction = "neutral"  # another next step, as in a band
    checks = "" if new.digest == old.digest else "checks something else: "
    meaning = f"The verifier “{new.name}”: {checks}{_verifier_in_words(old)} becomes {_verifier_in_words(new)}"
    return Change(pointer, meaning, verifier_document(old), verifier_document(new), direction)


def _verifier_in_words(verifier: Verifier) -> str:
    unknown = " or cannot be checked" if verifier.if_unknown == "fail" else ""
    step = f" ({verifier.demand.next_step})" if verifier.demand.next_step else ""
    what = verifier.check.kind.replace("_", " ")
    return f"what fails the {what} check{unknown} asks for {verifier.demand.route}{step}"
