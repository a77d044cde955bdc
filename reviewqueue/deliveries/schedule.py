"""When a delivery that failed is tried again: the schedule published with the Standard Webhooks specification. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

DELAYS: Final = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""How long each attempt waits for the one before it: ten attempts in some three days."""

JITTER: Final = 0.2
LONGEST_REST: Final = timedelta(hours=24)


def delay_after(failed: int, *, spread: float) -> timedelta | None:
    """The pause after so many failed attempts, None after the last one.

    `spread` in [-1, 1] places the pause within 20 % of the published one, so that what failed together does not come
    back together.
    """
    if failed < 0 or not -1 <= spread <= 1:
        raise ValueError(f"no pause for {failed} failed attempts with spread {spread}")
    return DELAYS[failed] * (1 + JITTER * spread) if failed < len(DELAYS) else None


def asked_pause(retry_after: str | None, *, now: datetime) -> timedelta | None:
    """What a receiver asks for in `Retry-After` (seconds or an HTTP date), at most a day; None when it is unusable."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        seconds = int(text) if len(text) <= 10 else LONGEST_REST.total_seconds()
        return min(timedelta(seconds=seconds), LONGEST_REST)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(moment - now, timedelta(0)), LONGEST_REST)
