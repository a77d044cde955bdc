"""The order of the queue in one column: due time, an hour earlier for each step of priority."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("review", "0042_hand_over")]

    operations = [
        migrations.RemoveIndex(
            model_name="reviewslot",
            name="slot_queue_order",
        ),
        migrations.RemoveIndex(
            model_name="reviewslot",
            name="slot_flagged_order",
        ),
        migrations.RemoveIndex(
            model_name="reviewslot",
            name="slot_queue_of_pipeline",
        ),
        migrations.AddField(
            model_name="reviewslot",
            name="turn",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Func(
                    "due_at",
                    "priority",
                    arg_joiner=") - ",
                    template="timezone('UTC', timezone('UTC', %(expressions)s * interval '1 hour')",
                ),
                output_field=models.DateTimeField(),
            ),
        ),
        migrations.AddIndex(
            model_name="reviewslot",
            index=models.Index(condition=models.Q(("done", False)), fields=["turn", "id"], name="slot_turn"),
        ),
        migrations.AddIndex(
            model_name="reviewslot",
            index=models.Index(
                condition=models.Q(("done", False)),
                fields=["pipeline", "seniors_only", "turn", "id"],
                name="slot_turn_in_pipeline",
            ),
        ),
        migrations.AddIndex(
            model_name="reviewslot",
            index=models.Index(
                condition=models.Q(("done", False), ("purpose", "flagged")),
                fields=["pipeline", "turn", "id"],
                name="slot_turn_when_flagged",
            ),
        ),
        migrations.AddConstraint(
            model_name="reviewslot",
            constraint=models.CheckConstraint(
                condition=models.Q(("priority__gte", -168), ("priority__lte", 168)), name="slot_priority_within_a_week"
            ),
        ),
    ]
