"""The right answer of an outcome is often what the claim had said: it is encrypted with the claim's key."""

from typing import Any

from django.db import migrations, models

from reviewqueue.payloads.words import Table, decrypt_columns, encrypt_columns

COLUMNS = (
    "id, claim_id, pipeline_id, number, correct, {words}, basis, label_id, told_by, observed_at, created_at, event_id"
)
OPEN = "DROP TRIGGER outcome_is_immutable ON claims_outcome;"
CLOSED = f"""
CREATE TRIGGER outcome_is_immutable BEFORE UPDATE OF {COLUMNS.format(words="words")} ON claims_outcome
    FOR EACH ROW EXECUTE FUNCTION refuse_change_unless_erased('claim_id', 'words', 'told_by');
"""
CLOSED_BEFORE = f"""
CREATE TRIGGER outcome_is_immutable BEFORE UPDATE OF {COLUMNS.format(words="output")} ON claims_outcome
    FOR EACH ROW EXECUTE FUNCTION refuse_change_unless_erased('claim_id', 'output', 'told_by');
"""


EMPTY = {"output": "null"}


def encrypt(_apps: Any, _schema_editor: Any) -> None:
    encrypt_columns(Table("claims_outcome", "outcome"), EMPTY)


def decrypt(_apps: Any, _schema_editor: Any) -> None:
    decrypt_columns(Table("claims_outcome", "outcome"), EMPTY)


class Migration(migrations.Migration):
    dependencies = [("claims", "0013_uses_of_attachments")]

    operations = [
        migrations.RunSQL(OPEN, CLOSED_BEFORE),
        migrations.AddField("Outcome", "words", models.BinaryField(null=True)),
        migrations.RunPython(encrypt, decrypt),
        migrations.RemoveField("Outcome", "output"),
        migrations.RunSQL(CLOSED, OPEN),
    ]
