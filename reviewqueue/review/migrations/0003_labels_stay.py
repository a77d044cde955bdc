"""A label is superseded, never deleted."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("review", "0002_promises"), ("claims", "0003_nothing_is_deleted")]

    operations = [
        migrations.RunSQL(
            "CREATE TRIGGER label_stays BEFORE DELETE ON review_label FOR EACH ROW EXECUTE FUNCTION refuse_delete();",
            "DROP TRIGGER label_stays ON review_label;",
        )
    ]
