from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("pipelines", "0040_watched_segments"),
    ]

    operations = [
        migrations.AddField(
            model_name="pipeline",
            name="redaction",
            field=models.JSONField(default=list, help_text="What is masked before it is stored: see redaction/."),
        ),
    ]
