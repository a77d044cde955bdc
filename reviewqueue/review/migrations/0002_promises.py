"""Labels are never edited, and a mandatory claim has no outcome without a person's label."""

from django.db import migrations

LABELS = """
CREATE TRIGGER label_is_immutable BEFORE UPDATE ON review_label FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

# Checked at commit, because the label and the outcome are written in one transaction.
MANDATORY = """
CREATE FUNCTION mandatory_needs_a_label() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM claims_decision d WHERE d.claim_id = NEW.claim_id AND d.standing AND d.mandatory)
       AND NOT EXISTS (SELECT 1 FROM review_label l WHERE l.claim_id = NEW.claim_id) THEN
        RAISE EXCEPTION 'claim % is in mandatory review and has no label', NEW.claim_id
            USING ERRCODE = '23514', CONSTRAINT = 'outcome_mandatory_needs_a_label';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER outcome_mandatory_needs_a_label AFTER INSERT ON claims_outcome
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION mandatory_needs_a_label();
"""


class Migration(migrations.Migration):
    dependencies = [("review", "0001_initial"), ("claims", "0002_immutable")]

    operations = [
        migrations.RunSQL(LABELS, "DROP TRIGGER label_is_immutable ON review_label;"),
        migrations.RunSQL(
            MANDATORY,
            "DROP TRIGGER outcome_mandatory_needs_a_label ON claims_outcome; DROP FUNCTION mandatory_needs_a_label();",
        ),
    ]
