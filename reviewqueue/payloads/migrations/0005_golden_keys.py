"""Keys of golden items."""

import django.db.models.deletion
from django.db import migrations, models

KEY_STAYS = """
CREATE TRIGGER golden_key_is_immutable BEFORE UPDATE OF payload_id, salt
    ON payloads_goldenkey FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("payloads", "0004_file_keys"), ("golden", "0003_room_for_ciphertexts")]

    operations = [
        migrations.CreateModel(
            name="GoldenKey",
            fields=[
                (
                    "payload",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="key",
                        serialize=False,
                        to="golden.goldenitempayload",
                    ),
                ),
                ("wrapped", models.BinaryField()),
                ("salt", models.BinaryField(max_length=32)),
                ("master", models.CharField(max_length=16)),
            ],
            options={"indexes": [models.Index(fields=["master", "payload"], name="golden_key_by_master")]},
        ),
        migrations.RunSQL(KEY_STAYS, "DROP TRIGGER golden_key_is_immutable ON payloads_goldenkey;"),
    ]
