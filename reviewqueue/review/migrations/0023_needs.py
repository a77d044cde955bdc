"""The skills that a slot asks for."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("review", "0031_second_looks_by_others"),
    ]

    operations = [
        migrations.AddField(
            model_name="reviewslot",
            name="needs",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=40), default=list, size=None
            ),
        ),
    ]
