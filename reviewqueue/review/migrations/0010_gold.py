"""Tasks with a known answer, who was given one, and who is paused because of them."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import reviewqueue.claims.models


class Migration(migrations.Migration):
    dependencies = [
        ("claims", "0005_attachments"),
        ("ledger", "0002_one_parse"),
        ("pipelines", "0030_content_views"),
        ("review", "0007_form_of_the_task"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="GoldDraw",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("shown_claim_id", models.UUIDField()),
                ("answered_at", models.DateTimeField(null=True)),
                ("right", models.BooleanField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="GoldItem",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=reviewqueue.claims.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("correct", models.BooleanField()),
                ("output", models.JSONField(null=True)),
                ("origin", models.CharField(choices=[("settled", "Settled"), ("imported", "Imported")], max_length=8)),
                ("onboarding", models.BooleanField(default=False)),
                ("added_at", models.DateTimeField()),
                ("retired_at", models.DateTimeField(null=True)),
                ("void", models.BooleanField(default=False)),
            ],
        ),
        migrations.CreateModel(
            name="GoldTerms",
            fields=[
                (
                    "pipeline",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="gold_terms",
                        serialize=False,
                        to="pipelines.pipeline",
                    ),
                ),
                ("rate", models.FloatField(default=0.03)),
                ("bar", models.FloatField(default=0.8)),
                ("fewest", models.PositiveSmallIntegerField(default=20)),
            ],
        ),
        migrations.CreateModel(
            name="ReviewerPause",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("began_at", models.DateTimeField()),
                ("judged", models.PositiveIntegerField()),
                ("right", models.PositiveIntegerField()),
                ("upper", models.FloatField()),
                ("bar", models.FloatField()),
                ("appeal", models.TextField(blank=True)),
                ("appealed_at", models.DateTimeField(null=True)),
                ("decided_at", models.DateTimeField(null=True)),
                ("note", models.TextField(blank=True)),
                ("ended_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="reviewtask",
            name="task_one_open_per_purpose",
        ),
        migrations.AddConstraint(
            model_name="reviewtask",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at__isnull", True), models.Q(("purpose", "gold"), _negated=True)),
                fields=("claim", "purpose"),
                name="task_one_open_per_purpose",
            ),
        ),
        migrations.AddField(
            model_name="golddraw",
            name="pipeline",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="pipelines.pipeline"
            ),
        ),
        migrations.AddField(
            model_name="golddraw",
            name="reviewer",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="golddraw",
            name="task",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE, related_name="gold_draw", to="review.reviewtask"
            ),
        ),
        migrations.AddField(
            model_name="golditem",
            name="added_by",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="golditem",
            name="claim",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="gold", to="claims.claim"
            ),
        ),
        migrations.AddField(
            model_name="golditem",
            name="event",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.event"
            ),
        ),
        migrations.AddField(
            model_name="golditem",
            name="pipeline",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="gold",
                to="pipelines.pipeline",
            ),
        ),
        migrations.AddField(
            model_name="golddraw",
            name="item",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="draws", to="review.golditem"
            ),
        ),
        migrations.AddField(
            model_name="goldterms",
            name="event",
            field=models.OneToOneField(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.event"
            ),
        ),
        migrations.AddField(
            model_name="reviewerpause",
            name="decided_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="reviewerpause",
            name="event",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.event"
            ),
        ),
        migrations.AddField(
            model_name="reviewerpause",
            name="pipeline",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="pauses", to="pipelines.pipeline"
            ),
        ),
        migrations.AddField(
            model_name="reviewerpause",
            name="reviewer",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="pauses", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddIndex(
            model_name="golditem",
            index=models.Index(fields=["pipeline", "retired_at", "-id"], name="gold_of_pipeline"),
        ),
        migrations.AddConstraint(
            model_name="golditem",
            constraint=models.UniqueConstraint(
                condition=models.Q(("retired_at__isnull", True)), fields=("claim",), name="gold_once_per_claim"
            ),
        ),
        migrations.AddConstraint(
            model_name="golditem",
            constraint=models.CheckConstraint(
                condition=models.Q(("void", False), ("retired_at__isnull", False), _connector="OR"),
                name="gold_void_is_retired",
            ),
        ),
        migrations.AddIndex(
            model_name="golddraw",
            index=models.Index(fields=["pipeline", "reviewer"], name="gold_answers"),
        ),
        migrations.AddConstraint(
            model_name="golddraw",
            constraint=models.UniqueConstraint(fields=("item", "reviewer"), name="gold_drawn_once_per_reviewer"),
        ),
        migrations.AddConstraint(
            model_name="goldterms",
            constraint=models.CheckConstraint(
                condition=models.Q(("rate__gte", 0), ("rate__lte", 0.5)), name="gold_rate_in_range"
            ),
        ),
        migrations.AddConstraint(
            model_name="goldterms",
            constraint=models.CheckConstraint(
                condition=models.Q(("bar__gte", 0), ("bar__lt", 1)), name="gold_bar_is_a_share"
            ),
        ),
        migrations.AddConstraint(
            model_name="goldterms",
            constraint=models.CheckConstraint(condition=models.Q(("fewest__gte", 5)), name="gold_pause_needs_evidence"),
        ),
        migrations.AddConstraint(
            model_name="reviewerpause",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)),
                fields=("reviewer", "pipeline"),
                name="pause_one_at_a_time",
            ),
        ),
    ]
