"""Payloads belong to an app of their own from here on; their table stays where it is."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("claims", "0006_when_measuring_ended")]

    operations = [
        migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel(name="ClaimPayload")]),
    ]
