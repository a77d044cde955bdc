from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("pipelines", "0050_redaction"),
    ]

    operations = [
        migrations.AddField(
            model_name="pipeline",
            name="views_recorded",
            field=models.CharField(
                choices=[("off", "Off"), ("auditors", "Auditors"), ("everybody", "Everybody")],
                default="off",
                max_length=9,
            ),
        ),
    ]
