from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("pipelines", "0002_signals_and_costs"),
    ]

    operations = [
        migrations.AddField(
            model_name="pipeline",
            name="content_views",
            field=models.JSONField(default=dict, help_text="How texts are shown: see pipelines/content_views.py."),
        ),
    ]
