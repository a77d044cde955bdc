"""A lease can be kept until a time that its holder names."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("review", "0005_flagged_order")]

    operations = [migrations.AddField("lease", "held_until", models.DateTimeField(null=True))]
