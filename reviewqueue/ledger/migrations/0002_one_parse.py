"""The ledger reads each entry once when it is written, and fills the work list once a statement.

There is no way back, as there is none from the first migration.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from django.db import migrations

from reviewqueue.ledger.roles import OWNER, acting_as

SQL = Path(__file__).parent / "sql"


def parse_once(_apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor, acting_as(cursor, OWNER):
        cursor.execute("SET LOCAL ledger.maintenance = 'on'")
        cursor.execute((SQL / "0002_one_parse.sql").read_text())
        cursor.execute("SET LOCAL ledger.maintenance = 'off'")


class Migration(migrations.Migration):
    dependencies: ClassVar = [("ledger", "0001_initial")]
    operations: ClassVar = [migrations.RunPython(parse_once)]
