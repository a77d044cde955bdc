"""A label's words may be emptied once its claim's payload is erased. Its verdict stays as it was."""

from django.db import migrations

TRIGGER = """
DROP TRIGGER label_is_immutable ON review_label;
CREATE TRIGGER label_is_immutable BEFORE UPDATE ON review_label FOR EACH ROW
    EXECUTE FUNCTION refuse_change_unless_erased('claim_id', 'output', 'note', 'answers', 'request_hash');
"""
BACK = """
DROP TRIGGER label_is_immutable ON review_label;
CREATE TRIGGER label_is_immutable BEFORE UPDATE ON review_label FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("review", "0010_gold"), ("claims", "0012_what_erasure_may_change")]

    operations = [migrations.RunSQL(TRIGGER, BACK)]
