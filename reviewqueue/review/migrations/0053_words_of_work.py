"""Drafts, and what was said when a task was skipped, handed over or returned, are encrypted with the key of the claim."""

from typing import Any, Final

from django.db import migrations, models

from reviewqueue.payloads.words import Table, decrypt_columns, encrypt_columns

_OF_TASK: Final = {"claim": "task.claim_id", "joins": "JOIN review_reviewtask AS task ON task.id = row.task_id"}
_OF_LEASE: Final = (
    "JOIN review_lease AS lease ON lease.id = row.lease_id JOIN review_reviewtask AS task ON task.id = lease.task_id"
)
_OF_LABEL: Final = {"claim": "label.claim_id", "joins": "JOIN review_label AS label ON label.id = row.label_id"}
TABLES: Final = (
    (Table("review_lease", "draft", **_OF_TASK), {"draft": "{}"}),
    (Table("review_skip", "skip", "bigint", "row.task_id", **_OF_TASK), {"note": '""'}),
    (Table("review_handover", "hand-over", "bigint", "row.lease_id", "task.claim_id", _OF_LEASE), {"note": '""'}),
    (Table("review_labelreturn", "return", "bigint", "row.label_id", **_OF_LABEL), {"comment": '""'}),
)


def encrypt(_apps: Any, _schema_editor: Any) -> None:
    for table, empty in TABLES:
        encrypt_columns(table, empty)


def decrypt(_apps: Any, _schema_editor: Any) -> None:
    for table, empty in TABLES:
        decrypt_columns(table, empty)


class Migration(migrations.Migration):
    dependencies = [("review", "0052_words_of_gold_items")]

    operations = [
        *(
            migrations.AddField(model, "words", models.BinaryField(null=True))
            for model in ("Lease", "Skip", "HandOver", "LabelReturn")
        ),
        migrations.RunPython(encrypt, decrypt),
        migrations.AlterField("LabelReturn", "comment", models.TextField(default="")),  # for the way back
        migrations.RemoveField("Lease", "draft"),
        migrations.RemoveField("Skip", "note"),
        migrations.RemoveField("HandOver", "note"),
        migrations.RemoveField("LabelReturn", "comment"),
    ]
