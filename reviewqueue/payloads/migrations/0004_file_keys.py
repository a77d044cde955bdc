"""Keys and salts of attached files."""

from django.db import migrations, models

KEY_STAYS = """
CREATE TRIGGER file_key_is_immutable BEFORE UPDATE OF file_id, salt
    ON payloads_filekey FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("payloads", "0003_nothing_readable")]

    operations = [
        migrations.CreateModel(
            name="FileKey",
            fields=[
                ("file_id", models.UUIDField(primary_key=True, serialize=False)),
                ("wrapped", models.BinaryField()),
                ("salt", models.BinaryField(max_length=32)),
                ("master", models.CharField(max_length=16)),
            ],
            options={"indexes": [models.Index(fields=["master", "file_id"], name="file_key_by_master")]},
        ),
        migrations.RunSQL(KEY_STAYS, "DROP TRIGGER file_key_is_immutable ON payloads_filekey;"),
    ]
