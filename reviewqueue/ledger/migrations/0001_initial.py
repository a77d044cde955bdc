"""The schema "ledger", its roles and its protections.

There is no way back: a migration that drops the ledger would be the tool for destroying the evidence.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from django.db import migrations, models

from reviewqueue.ledger.roles import OWNER, acting_as, ensure_roles

SQL = Path(__file__).parent / "sql"


def create_ledger(_apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        ensure_roles(cursor)
        cursor.execute(f"CREATE SCHEMA ledger AUTHORIZATION {OWNER}")
        with acting_as(cursor, OWNER):
            cursor.execute((SQL / "0001_schema.sql").read_text())
            # Other tables point at events, and the login that creates them may not inherit the owner's rights.
            cursor.execute("GRANT USAGE ON SCHEMA ledger TO SESSION_USER")
            cursor.execute("GRANT SELECT, REFERENCES ON ledger.event TO SESSION_USER")


def guard_against_accidents(_apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if cursor.fetchone() == (True,):
            cursor.execute((SQL / "0001_ddl_guard.sql").read_text())


class Migration(migrations.Migration):
    initial = True
    operations: ClassVar = [
        migrations.RunPython(create_ledger),
        migrations.RunPython(guard_against_accidents),
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("leaf", models.TextField()),
                ("leaf_hash", models.BinaryField()),
                ("event_uuid", models.UUIDField(unique=True)),
                ("kind", models.TextField()),
                ("subject", models.UUIDField(null=True)),
                ("claim_seq", models.IntegerField(null=True)),
                ("actor", models.TextField()),
                ("recorded_us", models.BigIntegerField()),
            ],
            options={"db_table": 'ledger"."event', "managed": False},
        ),
        migrations.CreateModel(
            name="Anchor",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("tree_size", models.BigIntegerField()),
                ("sink", models.TextField()),
                ("receipt", models.BinaryField(null=True)),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": 'ledger"."anchor',
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                ("tree_size", models.BigIntegerField(primary_key=True, serialize=False)),
                ("root", models.BinaryField()),
                ("sealed_at", models.DateTimeField()),
                ("note", models.TextField()),
            ],
            options={
                "db_table": 'ledger"."checkpoint',
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Leaf",
            fields=[
                ("leaf_index", models.BigIntegerField(primary_key=True, serialize=False)),
                ("leaf_hash", models.BinaryField()),
            ],
            options={
                "db_table": 'ledger"."leaf',
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Pending",
            fields=[
                ("event_id", models.BigIntegerField(primary_key=True, serialize=False)),
            ],
            options={
                "db_table": 'ledger"."pending',
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Tile",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "level", "idx", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("level", models.SmallIntegerField()),
                ("idx", models.BigIntegerField()),
                ("hashes", models.BinaryField()),
                ("root", models.BinaryField()),
            ],
            options={
                "db_table": 'ledger"."tile',
                "managed": False,
            },
        ),
    ]
