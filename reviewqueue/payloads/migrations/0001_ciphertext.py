"""Room for ciphertexts and for keys. What is there already is encrypted by the next migration."""

import django.db.models.deletion
from django.db import migrations, models

# The salt of a claim is in its commitments for ever. Only the wrapping may change, with the master key.
KEY_STAYS = """
CREATE TRIGGER payload_key_is_immutable BEFORE UPDATE OF claim_id, salt
    ON payloads_payloadkey FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [("claims", "0010_payloads_move")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="ClaimPayload",
                    fields=[
                        (
                            "claim",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="payload",
                                serialize=False,
                                to="claims.claim",
                            ),
                        ),
                        ("salt", models.BinaryField(max_length=32, null=True)),
                        ("content", models.JSONField(null=True)),
                    ],
                    options={"db_table": "claims_claimpayload"},
                )
            ],
            database_operations=[
                migrations.RunSQL(
                    "ALTER TABLE claims_claimpayload ALTER salt DROP NOT NULL, ALTER content DROP NOT NULL;",
                    "ALTER TABLE claims_claimpayload ALTER salt SET NOT NULL, ALTER content SET NOT NULL;",
                )
            ],
        ),
        migrations.AddField("ClaimPayload", "ciphertext", models.BinaryField(null=True)),
        migrations.CreateModel(
            name="PayloadKey",
            fields=[
                (
                    "payload",
                    models.OneToOneField(
                        db_column="claim_id",
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="key",
                        serialize=False,
                        to="payloads.claimpayload",
                    ),
                ),
                ("wrapped", models.BinaryField()),
                ("salt", models.BinaryField(max_length=32)),
                ("master", models.CharField(max_length=16)),
            ],
            options={
                "indexes": [models.Index(fields=["master", "payload"], name="payload_key_by_master")],
            },
        ),
        migrations.RunSQL(KEY_STAYS, "DROP TRIGGER payload_key_is_immutable ON payloads_payloadkey;"),
    ]
