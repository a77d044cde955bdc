from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calibration", "0045_score_by_calibrator"),
    ]

    operations = [
        migrations.AddField(
            model_name="slicesearch",
            name="outcomes",
            field=models.PositiveIntegerField(default=0),
        ),
    ]
