"""Room for encrypted texts of items and answers. What is there already is encrypted by a later migration."""

import django.db.models.deletion
from django.db import migrations, models

import reviewqueue.claims.models

PROTECT = """
CREATE TRIGGER golden_item_payload_is_immutable BEFORE UPDATE ON golden_goldenitempayload FOR EACH ROW
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER golden_answer_payload_is_immutable BEFORE UPDATE ON golden_goldenanswerpayload FOR EACH ROW
    EXECUTE FUNCTION refuse_change();
"""
UNPROTECT = """
DROP TRIGGER golden_item_payload_is_immutable ON golden_goldenitempayload;
DROP TRIGGER golden_answer_payload_is_immutable ON golden_goldenanswerpayload;
"""


class Migration(migrations.Migration):
    dependencies = [("golden", "0002_promises")]

    operations = [
        migrations.CreateModel(
            name="GoldenItemPayload",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=reviewqueue.claims.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("ciphertext", models.BinaryField()),
                (
                    "item",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="payload", to="golden.goldenitem"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="GoldenAnswerPayload",
            fields=[
                (
                    "answer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="payload",
                        serialize=False,
                        to="golden.goldenanswer",
                    ),
                ),
                ("ciphertext", models.BinaryField()),
            ],
        ),
        migrations.RunSQL(PROTECT, UNPROTECT),
    ]
