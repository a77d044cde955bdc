from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("pipelines", "0004_review_forms"),
    ]

    operations = [
        migrations.AddField(
            model_name="pipeline",
            name="watched",
            field=models.JSONField(default=list, help_text="Which segments statistics are kept for: see watched.py."),
        ),
    ]
