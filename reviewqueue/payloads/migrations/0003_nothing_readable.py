"""The columns that held what was said, and its salt, go."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payloads", "0002_encrypt")]

    operations = [
        migrations.RemoveField("ClaimPayload", "content"),
        migrations.RemoveField("ClaimPayload", "salt"),
        migrations.AlterField("ClaimPayload", "ciphertext", models.BinaryField()),
    ]
