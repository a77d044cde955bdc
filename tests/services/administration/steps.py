from __future__ import annotations

import json
from typing import Any

from reviewqueue.ledger.models import Event


def entries(kind: str) -> list[dict[str, Any]]:
    """What the ledger says, in the order in which it happened."""
    leaves = Event.objects.filter(kind=kind).order_by("id").values_list("leaf", flat=True)
    return [json.loads(leaf)["body"] for leaf in leaves]
