"""What seniors did to several tasks at once, so that it can be undone."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import reviewqueue.claims.models


class Migration(migrations.Migration):
    dependencies = [
        ("pipelines", "0002_signals_and_costs"),
        ("review", "0043_label_return"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="lease",
            name="end_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("labelled", "Labelled"),
                    ("released", "Released"),
                    ("skipped", "Skipped"),
                    ("expired", "Expired"),
                    ("handed", "Handed"),
                    ("forced", "Forced"),
                ],
                max_length=8,
            ),
        ),
        migrations.CreateModel(
            name="TaskChange",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=reviewqueue.claims.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("prioritise", "Prioritise"), ("release", "Release"), ("reassign", "Reassign")],
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("undo_until", models.DateTimeField()),
                ("undone_at", models.DateTimeField(null=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "pipeline",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="pipelines.pipeline"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SlotChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("lease_until", models.DateTimeField(null=True)),
                ("lease_no", models.PositiveIntegerField()),
                ("before", models.JSONField()),
                ("after", models.JSONField()),
                ("kept_because", models.CharField(blank=True, max_length=20)),
                (
                    "lease",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="review.lease"
                    ),
                ),
                (
                    "slot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="review.reviewslot"
                    ),
                ),
                (
                    "change",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="slots", to="review.taskchange"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("change", "slot"), name="change_slot_once")],
            },
        ),
    ]
