"""The database's clock: the only one that decides about leases and undo windows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import connection

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def database_now() -> datetime:
    """This very moment, also late in a long transaction or after waiting for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def microseconds(moment: datetime) -> int:
    """Since 1970, as the ledger writes times."""
    return (moment - _EPOCH) // timedelta(microseconds=1)
