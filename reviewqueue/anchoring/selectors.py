"""How far each place outside is behind, and what is known against signing on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from reviewqueue.anchoring.models import Handover, Trouble
from reviewqueue.anchoring.places import patience_of, places
from reviewqueue.ledger.anchors import local_anchors
from reviewqueue.ledger.models import Anchor, Checkpoint


@dataclass(frozen=True, slots=True)
class PlaceState:
    """`behind` is for how many seconds there has been a checkpoint that the place did not take."""

    name: str
    size: int
    at: datetime | None
    behind: float
    patience: float
    error: str = ""
    contradiction: str = ""

    @property
    def is_late(self) -> bool:
        return self.behind > self.patience


def place_states(now: datetime) -> list[PlaceState]:
    """Of every place that the settings name. The number of queries does not grow with the ledger."""
    troubles = {trouble.sink: trouble for trouble in Trouble.objects.all()}
    states = []
    for name, patience, size, at in _progress():
        trouble = troubles.get(name)
        states.append(
            PlaceState(
                name,
                size,
                at,
                _behind(size, now),
                patience,
                trouble.error if trouble else "",
                trouble.contradiction if trouble else "",
            )
        )
    return states


def _progress() -> list[tuple[str, float, int, datetime | None]]:
    found = []
    for anchor in local_anchors():
        receipt = Anchor.objects.filter(sink=anchor.name).order_by("-tree_size").first()
        found.append((anchor.name, anchor.patience, *_size_and_time(receipt)))
    for place in places():
        taken = Handover.objects.filter(sink=place.name, origin=settings.LEDGER_ORIGIN).order_by("-tree_size").first()
        found.append((place.name, patience_of(place), *_size_and_time(taken)))
    return found


def _size_and_time(last: Anchor | Handover | None) -> tuple[int, datetime | None]:
    return (last.tree_size, last.at) if last else (0, None)


def _behind(size: int, now: datetime) -> float:
    first = Checkpoint.objects.filter(tree_size__gt=size).order_by("tree_size").first()
    return max(0.0, (now - first.sealed_at).total_seconds()) if first else 0.0


def contradictions() -> list[str]:
    """What places that the settings still name hold against this ledger, under its present name."""
    standing = Trouble.objects.filter(origin=settings.LEDGER_ORIGIN).exclude(contradiction="")
    if not standing:
        return []
    named = {place.name for place in places()}
    return [trouble.contradiction for trouble in standing if trouble.sink in named]


def health() -> str:
    from django.utils import timezone

    try:
        late = any(state.is_late for state in place_states(timezone.now()))
    except (ImproperlyConfigured, OSError, ValueError):
        return "misconfigured"
    return "lagging" if late else "ok"


def cosigned_note(size: int) -> str | None:
    """The checkpoint of this size with every cosignature that witnesses gave for it."""
    note: str | None = Checkpoint.objects.filter(tree_size=size).values_list("note", flat=True).first()
    if note is None:
        return None
    receipts = Handover.objects.filter(sink__startswith="witness:", origin=settings.LEDGER_ORIGIN, tree_size=size)
    return note + "".join(bytes(row.receipt).decode() for row in receipts.order_by("sink") if row.receipt)
