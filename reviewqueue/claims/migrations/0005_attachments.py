import django.db.models.deletion
from django.db import migrations, models

import reviewqueue.claims.models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_webhook_scope"),
        ("claims", "0003_nothing_is_deleted"),
        ("ledger", "0002_one_parse"),
    ]

    operations = [
        migrations.CreateModel(
            name="Attachment",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=reviewqueue.claims.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("media_type", models.CharField(max_length=40)),
                ("size", models.PositiveIntegerField()),
                ("digest", models.BinaryField(max_length=32)),
                ("salt", models.BinaryField(max_length=32)),
                ("stored_as", models.CharField(max_length=100, unique=True)),
                ("uploaded_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                (
                    "event",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.event"
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.source"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("used_at", None)), fields=["uploaded_at"], name="attachment_unused"
                    ),
                    models.Index(
                        condition=models.Q(("used_at", None)), fields=["source"], name="attachment_unused_of_source"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("source", "digest"), name="attachment_content_once"),
                ],
            },
        ),
    ]
