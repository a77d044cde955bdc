"""A claim whose payload was erased before anybody had come to an end with it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("claims", "0010_payloads_move")]

    operations = [
        migrations.AlterField(
            "Claim",
            "status",
            models.CharField(
                choices=[
                    ("decided", "Decided"),
                    ("awaiting_step", "Awaiting Step"),
                    ("in_review", "In Review"),
                    ("settled", "Settled"),
                    ("erased", "Erased"),
                ],
                max_length=13,
            ),
        )
    ]
