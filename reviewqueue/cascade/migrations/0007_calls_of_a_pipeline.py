import django.db.models.deletion
from django.db import migrations, models

FILL = """
UPDATE cascade_handlercall AS call SET pipeline_id = step.pipeline_id
  FROM cascade_step AS step WHERE step.id = call.step_id;
"""


def _pipeline(**changes):
    return models.ForeignKey(
        db_index=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="pipelines.pipeline",
        **changes,
    )


class Migration(migrations.Migration):
    dependencies = [("cascade", "0006_handlers"), ("pipelines", "0001_initial")]

    operations = [
        migrations.AddField(model_name="handlercall", name="pipeline", field=_pipeline(null=True)),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.AlterField(model_name="handlercall", name="pipeline", field=_pipeline()),
        migrations.AddIndex(
            model_name="handlercall",
            index=models.Index(fields=["pipeline", "-id"], name="handler_call_of_pipeline"),
        ),
    ]
