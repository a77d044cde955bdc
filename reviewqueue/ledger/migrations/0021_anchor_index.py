"""How far each place is, is asked every few seconds, and there is a receipt for nearly every checkpoint."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations

from reviewqueue.ledger.roles import OWNER, acting_as

INDEXES = (
    "CREATE INDEX anchor_by_sink ON ledger.anchor (sink, tree_size)",
    "CREATE INDEX anchor_by_size ON ledger.anchor (tree_size)",
)


def run(schema_editor: Any, *statements: str) -> None:
    with schema_editor.connection.cursor() as cursor, acting_as(cursor, OWNER):
        cursor.execute("SET LOCAL ledger.maintenance = 'on'")
        cursor.execute("SET LOCAL statement_timeout = 0")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("SET LOCAL ledger.maintenance = 'off'")


def create(_apps: Any, schema_editor: Any) -> None:
    run(schema_editor, *INDEXES)


def drop(_apps: Any, schema_editor: Any) -> None:
    run(schema_editor, "DROP INDEX ledger.anchor_by_sink", "DROP INDEX ledger.anchor_by_size")


class Migration(migrations.Migration):
    dependencies: ClassVar = [("ledger", "0030_search_columns")]
    operations: ClassVar = [migrations.RunPython(create, drop)]
