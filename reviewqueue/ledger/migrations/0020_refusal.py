"""Why sealing is refused can be read by every process."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from django.db import migrations, models

from reviewqueue.ledger.roles import OWNER, acting_as

SQL = Path(__file__).parent / "sql"


def run(schema_editor: Any, sql: str) -> None:
    with schema_editor.connection.cursor() as cursor, acting_as(cursor, OWNER):
        cursor.execute("SET LOCAL ledger.maintenance = 'on'")
        cursor.execute(sql)
        cursor.execute("SET LOCAL ledger.maintenance = 'off'")


def create(_apps: Any, schema_editor: Any) -> None:
    run(schema_editor, (SQL / "0020_refusal.sql").read_text())


def drop(_apps: Any, schema_editor: Any) -> None:
    run(schema_editor, "DROP TABLE ledger.refusal")


class Migration(migrations.Migration):
    dependencies: ClassVar = [("ledger", "0002_one_parse")]
    operations: ClassVar = [
        migrations.RunPython(create, drop),
        migrations.CreateModel(
            name="Refusal",
            fields=[
                ("one", models.BooleanField(primary_key=True, serialize=False)),
                ("code", models.TextField()),
                ("reason", models.TextField()),
                ("since", models.DateTimeField()),
            ],
            options={"db_table": 'ledger"."refusal', "managed": False},
        ),
    ]
