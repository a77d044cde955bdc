"""Times as the ledger writes them: whole microseconds since 1970. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """Exact: a float of seconds would be off by one now and then."""
    return (moment - EPOCH) // timedelta(microseconds=1)
