"""Writes about keys."""

from __future__ import annotations

from typing import Final

from django.db import connection
from django.db.models import Model

from reviewqueue.payloads import vault
from reviewqueue.payloads.models import FileKey, GoldenKey, PayloadKey
from reviewqueue.transactions import service

REWRAPPED_AT_ONCE = 500

_PUT = """
    UPDATE {table} AS key SET wrapped = given.wrapped, master = %s
      FROM unnest(%s::uuid[], %s::bytea[]) AS given (id, wrapped) WHERE key.{column} = given.id"""
_TABLES: Final = (
    (PayloadKey, "payload_id", "claim_id"),
    (FileKey, "file_id", "file_id"),
    (GoldenKey, "payload_id", "payload_id"),
)


@service
def rewrap_some() -> int:
    """Wraps keys that lie under an older master key under the first one; how many. Zero: nothing is left to do.

    Raises PayloadUnreadable when the master key of one of them is not configured any more.
    """
    return sum(_rewrap(model, attribute, column) for model, attribute, column in _TABLES)


def _rewrap(model: type[Model], attribute: str, column: str) -> int:
    current = vault.current_master()
    old = model._default_manager.exclude(master=current).select_for_update(skip_locked=True)
    rows = old.values_list(attribute, "wrapped", "master")[:REWRAPPED_AT_ONCE]
    anew = {key_id: vault.rewrapped(key_id, bytes(wrapped), master)[0] for key_id, wrapped, master in rows}
    if anew:
        with connection.cursor() as cursor:
            put = _PUT.format(table=model._meta.db_table, column=column)
            cursor.execute(put, [current, list(anew), list(anew.values())])
    return len(anew)
