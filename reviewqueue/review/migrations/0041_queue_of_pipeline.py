"""What waits in one pipeline is counted by an index of what is open, in place of one of everything there ever was."""

import django.db.models.deletion
from django.db import migrations, models


def of_pipeline(model: str) -> migrations.AlterField:
    field = models.ForeignKey(
        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="pipelines.pipeline"
    )
    return migrations.AlterField(model, "pipeline", field)


class Migration(migrations.Migration):
    dependencies = [("pipelines", "0002_signals_and_costs"), ("review", "0040_hold")]

    operations = [
        of_pipeline("reviewslot"),
        of_pipeline("reviewtask"),
        migrations.AddIndex(
            "reviewslot",
            models.Index(
                models.F("pipeline"),
                models.F("seniors_only"),
                models.F("due_at"),
                models.OrderBy(models.F("priority"), descending=True),
                models.F("id"),
                condition=models.Q(("done", False)),
                name="slot_queue_of_pipeline",
            ),
        ),
        migrations.AddIndex(
            "reviewtask",
            models.Index(
                fields=["pipeline", "id"], condition=models.Q(("closed_at__isnull", True)), name="task_open_of_pipeline"
            ),
        ),
    ]
