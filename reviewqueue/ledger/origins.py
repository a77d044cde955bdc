"""The names this ledger was signed under before it had to be restarted under another one.

Whoever can write events can write `ledger.restarted`. So the entry carries a countersignature: the key of the new name
signs the last checkpoint of the old one as it stands here. Where keys are known, a name without it is no former name,
and nothing larger than that checkpoint counts as signed under it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from reviewqueue.ledger.models import Event
from reviewqueue.ledger.note import TreeHead, VerifierKey

RESTARTED = "ledger.restarted"


@dataclass(frozen=True, slots=True)
class Restart:
    """`kept` entries of those signed under the old name are still here; `last` is its last checkpoint here."""

    origin_to: str
    kept: int
    last: TreeHead
    countersignature: bytes
    index: int | None

    @property
    def origin_from(self) -> str:
        return self.last.origin

    def is_countersigned(self, keys: Sequence[VerifierKey]) -> bool:
        text = self.last.text()
        return any(key.name == self.origin_to and key.verifies(text, self.countersignature) for key in keys)


def restarts() -> list[Restart]:
    found = Event.objects.filter(kind=RESTARTED).select_related("leaf_row").order_by("id")
    return [restart for event in found if (restart := _restart(event))]


def former_origins() -> dict[str, int]:
    """Every name that restarts lead from to the present one, and how many of its entries are still here."""
    return {restart.origin_from: restart.kept for restart in _leading_here(restarts())}


def former_names(keys: Sequence[VerifierKey]) -> dict[str, TreeHead]:
    """The last checkpoint of each former name, as far as `keys` vouch for it; without keys, of all.

    The key of the present name vouches for the last restart, and through the tree for the entries of those before.
    """
    accepted: dict[str, TreeHead] = {}
    for restart in _leading_here(restarts()):
        covered = max((head.size for head in accepted.values()), default=0)
        vouched = restart.is_countersigned(keys) or (restart.index is not None and restart.index < covered)
        if not keys or vouched:
            accepted[restart.origin_from] = restart.last
    return accepted


def _leading_here(steps: Sequence[Restart]) -> list[Restart]:
    """Newest first, each name once."""
    names, found = {settings.LEDGER_ORIGIN}, []
    for step in reversed(steps):
        if step.origin_to in names and step.origin_from not in names:
            names.add(step.origin_from)
            found.append(step)
    return found


def _restart(event: Event) -> Restart | None:
    """None where the entry is not as the command writes it."""
    body = json.loads(event.leaf)["body"]
    leaf = getattr(event, "leaf_row", None)
    try:
        last = TreeHead(str(body["origin_from"]), int(body["last_size"]), bytes.fromhex(body["last_root"]))
        return Restart(
            origin_to=str(body["origin_to"]),
            kept=int(body["tree_size"]) - int(body["lost"]),
            last=last,
            countersignature=bytes.fromhex(body["countersignature"]),
            index=leaf.leaf_index if leaf else None,
        )
    except (KeyError, TypeError, ValueError):
        return None
