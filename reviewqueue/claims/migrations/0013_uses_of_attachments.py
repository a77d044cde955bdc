"""Which claims name which files: once what they say is encrypted, nothing else tells."""

from typing import Any, Final

import django.db.models.deletion
from django.db import migrations, models

from reviewqueue.payloads.models import content_within
from reviewqueue.payloads.vault import known_key

AT_ONCE: Final = 200


def fill(apps: Any, _schema_editor: Any) -> None:
    """Looks into every payload, but only where there are files at all."""
    named = {str(each) for each in apps.get_model("claims", "Attachment").objects.values_list("pk", flat=True)}
    use, payloads = apps.get_model("claims", "AttachmentUse"), apps.get_model("payloads", "ClaimPayload")
    rows = payloads.objects.values_list("pk", "ciphertext", "key__wrapped", "key__salt", "key__master")
    for claim_id, ciphertext, wrapped, salt, master in rows.iterator(AT_ONCE) if named else ():
        content = content_within(claim_id, bytes(ciphertext), known_key(claim_id, bytes(wrapped), bytes(salt), master))
        found = {item.get("attachment") for item in content["context"]} & named
        use.objects.bulk_create(use(claim_id=claim_id, attachment_id=each) for each in sorted(found))


class Migration(migrations.Migration):
    dependencies = [("claims", "0012_what_erasure_may_change"), ("payloads", "0004_file_keys")]

    operations = [
        migrations.AlterField("Attachment", "salt", models.BinaryField(max_length=32, null=True)),
        migrations.CreateModel(
            name="AttachmentUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "attachment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="uses", to="claims.attachment"
                    ),
                ),
                (
                    "claim",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attachment_uses",
                        to="claims.claim",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("claim", "attachment"), name="attachment_use_once"),
                ],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
