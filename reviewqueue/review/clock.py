"""The database's clock: the only one that decides about leases and undo windows."""

from __future__ import annotations

from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """This very moment, also late in a long transaction or after waiting for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment
