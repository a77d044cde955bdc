"""A task keeps the form it was opened with; those that are there were opened with the only one there was."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("pipelines", "0004_review_forms"), ("review", "0024_saved_filters")]

    operations = [
        migrations.AddField(
            model_name="reviewtask",
            name="form",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="pipelines.reviewform",
            ),
        ),
        migrations.RunSQL(
            """
            UPDATE review_reviewtask AS task SET form_id = pipeline.form_id
              FROM pipelines_pipeline AS pipeline WHERE pipeline.id = task.pipeline_id;
            SET CONSTRAINTS ALL IMMEDIATE;
            """,
            migrations.RunSQL.noop,
        ),
        migrations.AlterField(
            model_name="reviewtask",
            name="form",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="pipelines.reviewform"
            ),
        ),
        migrations.RunSQL("SET CONSTRAINTS ALL DEFERRED;", migrations.RunSQL.noop),
    ]
