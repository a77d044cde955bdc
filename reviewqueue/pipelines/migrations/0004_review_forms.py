"""What reviewers are asked gets versions; the form every pipeline had is its first."""

import hashlib
import json
import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from reviewqueue.ledger.canonical import canonical


def carry_over(apps, _):
    pipelines, forms = (apps.get_model("pipelines", name).objects for name in ("Pipeline", "ReviewForm"))
    for pipeline in pipelines.all():
        document = pipeline.review_form or {"kind": "judgement"}
        form = forms.create(
            pipeline=pipeline,
            number=1,
            document_text=json.dumps(document, ensure_ascii=False),
            document_hash="sha256:" + hashlib.sha256(canonical(document)).hexdigest(),
            made_at=pipeline.created_at,
            event_id=pipeline.event_id,
        )
        pipelines.filter(pk=pipeline.pk).update(form=form)


def carry_back(apps, _):
    for pipeline in apps.get_model("pipelines", "Pipeline").objects.select_related("form"):
        pipeline.review_form = json.loads(pipeline.form.document_text)
        pipeline.save(update_fields=["review_form"])


class Migration(migrations.Migration):
    dependencies = [
        ("pipelines", "0020_queue_rules"),
        ("claims", "0003_nothing_is_deleted"),
        ("ledger", "0002_one_parse"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ReviewForm",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                ("document_text", models.TextField()),
                ("document_hash", models.CharField(max_length=71)),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "event",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.event"),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "pipeline",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="forms", to="pipelines.pipeline"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("pipeline", "number"), name="review_form_number_once")],
            },
        ),
        migrations.AddField(
            model_name="pipeline",
            name="form",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="pipelines.reviewform"
            ),
        ),
        migrations.RunPython(carry_over, carry_back),
        # What was written above is checked now: a table with checks to come cannot be altered.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE;", migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="pipeline",
            name="form",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="pipelines.reviewform"
            ),
        ),
        migrations.RemoveField(model_name="pipeline", name="review_form"),
        migrations.RunSQL(
            """
            SET CONSTRAINTS ALL DEFERRED;
            CREATE TRIGGER review_form_is_immutable BEFORE UPDATE ON pipelines_reviewform
                FOR EACH ROW EXECUTE FUNCTION refuse_change();
            CREATE TRIGGER review_form_stays BEFORE DELETE ON pipelines_reviewform
                FOR EACH ROW EXECUTE FUNCTION refuse_delete();
            """,
            """
            DROP TRIGGER review_form_stays ON pipelines_reviewform;
            DROP TRIGGER review_form_is_immutable ON pipelines_reviewform;
            """,
        ),
    ]
