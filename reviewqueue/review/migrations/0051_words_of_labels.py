"""What reviewers write quotes what they judge: it is encrypted with the claim's key."""

from typing import Any

from django.db import migrations, models

from reviewqueue.payloads.words import Table, decrypt_columns, encrypt_columns

OPEN = "DROP TRIGGER label_is_immutable ON review_label;"
CLOSED = """
CREATE TRIGGER label_is_immutable BEFORE UPDATE ON review_label FOR EACH ROW
    EXECUTE FUNCTION refuse_change_unless_erased('claim_id', 'words', 'request_hash');
"""
CLOSED_BEFORE = """
CREATE TRIGGER label_is_immutable BEFORE UPDATE ON review_label FOR EACH ROW
    EXECUTE FUNCTION refuse_change_unless_erased('claim_id', 'output', 'note', 'answers', 'request_hash');
"""


EMPTY = {"output": "null", "note": '""', "answers": "{}"}


def encrypt(_apps: Any, _schema_editor: Any) -> None:
    encrypt_columns(Table("review_label", "label"), EMPTY)


def decrypt(_apps: Any, _schema_editor: Any) -> None:
    decrypt_columns(Table("review_label", "label"), EMPTY)


class Migration(migrations.Migration):
    dependencies = [("review", "0050_labels_may_be_emptied"), ("claims", "0014_outputs_of_outcomes")]

    operations = [
        migrations.RunSQL(OPEN, CLOSED_BEFORE),
        migrations.AddField("Label", "words", models.BinaryField(null=True)),
        migrations.RunPython(encrypt, decrypt),
        migrations.RemoveField("Label", "answers"),
        migrations.RemoveField("Label", "note"),
        migrations.RemoveField("Label", "output"),
        migrations.RunSQL(CLOSED, OPEN),
    ]
