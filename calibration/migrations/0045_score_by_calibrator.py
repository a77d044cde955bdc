import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("calibration", "0044_slices")]

    operations = [
        migrations.AlterField(
            model_name="score",
            name="calibrator",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="scores",
                to="calibration.calibrator",
            ),
        ),
        migrations.AddIndex(
            model_name="score",
            index=models.Index(fields=["calibrator", "-claim"], name="score_last"),
        ),
    ]
