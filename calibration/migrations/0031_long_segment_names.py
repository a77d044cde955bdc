from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calibration", "0030_suspect_search"),
        ("pipelines", "0040_watched_segments"),
    ]

    operations = [
        migrations.AlterField(
            model_name="bandstat",
            name="segment",
            field=models.CharField(blank=True, max_length=500),
        ),
    ]
