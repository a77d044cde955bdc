"""A slot can be kept for one person until some time."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL), ("review", "0041_queue_of_pipeline")]

    operations = [
        migrations.AddField(
            "reviewslot",
            "for_reviewer",
            models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField("reviewslot", "for_until", models.DateTimeField(null=True)),
        migrations.AddConstraint(
            "reviewslot",
            models.CheckConstraint(
                name="slot_for_somebody_until_some_time",
                condition=models.Q(for_reviewer__isnull=True, for_until__isnull=True)
                | models.Q(for_reviewer__isnull=False, for_until__isnull=False),
            ),
        ),
        migrations.AddIndex(
            "reviewslot",
            models.Index(
                name="slot_for_one_person",
                fields=["for_reviewer"],
                condition=models.Q(for_reviewer__isnull=False, done=False),
            ),
        ),
    ]
