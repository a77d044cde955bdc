"""Pipeline, source, policy version and request of an entry get columns and indexes of their own.

There is no way back, as there is none from the first migration.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from django.db import migrations

from reviewqueue.ledger.roles import OWNER, acting_as

SQL = Path(__file__).parent / "sql"


def add_search_columns(_apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor, acting_as(cursor, OWNER):
        cursor.execute("SET LOCAL ledger.maintenance = 'on'")
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute((SQL / "0030_search_columns.sql").read_text())
        cursor.execute("SET LOCAL ledger.maintenance = 'off'")


class Migration(migrations.Migration):
    dependencies: ClassVar = [("ledger", "0020_refusal")]
    operations: ClassVar = [migrations.RunPython(add_search_columns)]
