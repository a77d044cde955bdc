from django.db import migrations, models
from django.db.models import Q

# Every keyed request writes here: no log to wait for, and room in each page so that a row is updated where it lies.
CREATE_BUCKET = """
CREATE UNLOGGED TABLE accounts_bucket (
    subject varchar(80) PRIMARY KEY,
    full_at timestamptz NOT NULL
) WITH (fillfactor = 50);
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="requests_per_minute",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.CheckConstraint(name="api_key_limit_is_positive", condition=~Q(requests_per_minute=0)),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(CREATE_BUCKET, "DROP TABLE accounts_bucket;")],
            state_operations=[
                migrations.CreateModel(
                    name="Bucket",
                    fields=[
                        ("subject", models.CharField(max_length=80, primary_key=True, serialize=False)),
                        ("full_at", models.DateTimeField()),
                    ],
                ),
            ],
        ),
    ]
