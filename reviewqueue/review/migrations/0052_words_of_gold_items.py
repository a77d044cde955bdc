"""The known answer of a gold task is encrypted with the key of its claim."""

from typing import Any

from django.db import migrations, models

from reviewqueue.payloads.words import Table, decrypt_columns, encrypt_columns

EMPTY = {"output": "null"}


def encrypt(_apps: Any, _schema_editor: Any) -> None:
    encrypt_columns(Table("review_golditem", "gold"), EMPTY)


def decrypt(_apps: Any, _schema_editor: Any) -> None:
    decrypt_columns(Table("review_golditem", "gold"), EMPTY)


class Migration(migrations.Migration):
    dependencies = [("review", "0051_words_of_labels")]

    operations = [
        migrations.AddField("GoldItem", "words", models.BinaryField(null=True)),
        migrations.RunPython(encrypt, decrypt),
        migrations.RemoveField("GoldItem", "output"),
    ]
