"""Routing a claim once more: what was decided only ever becomes stricter. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

from reviewqueue.policy.document import STRICTNESS, Route
from reviewqueue.policy.routing import Routing

_NAMED: Final[Mapping[str, Route]] = {route: route for route in STRICTNESS}


class Decided(Protocol):
    """What stands until now, and how the claim was drawn when it came in."""

    @property
    def route(self) -> str: ...
    @property
    def reasons(self) -> Sequence[str]: ...
    @property
    def mandatory(self) -> bool: ...
    @property
    def audit_rate(self) -> float: ...
    @property
    def audit_sampled(self) -> bool: ...
    @property
    def inclusion_probability(self) -> float: ...


def rerouted(standing: Decided, again: Routing, *, labels_needed: int | None = None) -> Routing | None:
    """The stricter of what stands and of `again`; None when that changes nothing.

    `labels_needed` is what the open task asks for now, None where there is no task. The draw stays as it was: the
    chance of being labelled was fixed before anybody knew what would become of the claim, or it is no chance at all.
    """
    is_stricter = STRICTNESS[again.route] > STRICTNESS[_NAMED[standing.route]]
    is_newly_mandatory = again.mandatory and not standing.mandatory
    needs_more = labels_needed is not None and again.labels_needed > labels_needed
    if not (is_stricter or is_newly_mandatory or needs_more):
        return None
    taken = again.route if is_stricter else _NAMED[standing.route]
    return replace(
        again,
        route=taken,
        next_step=again.next_step if taken == "uncertain" else None,
        reasons=_reasons(standing, again, taken),
        mandatory=standing.mandatory or again.mandatory,
        audit_rate=standing.audit_rate,
        audit_sampled=standing.audit_sampled,
        inclusion_probability=standing.inclusion_probability,
        labels_needed=max(again.labels_needed, labels_needed or 0),
    )


def _reasons(standing: Decided, again: Routing, taken: str) -> tuple[str, ...]:
    """Why the claim is where it is now; what once made it mandatory does so for good."""
    speaks, other = (again, standing) if again.route == taken else (standing, again)
    kept = [reason for reason in other.reasons if reason.startswith("mandatory_")]
    return tuple(dict.fromkeys([*kept, *speaks.reasons]))
