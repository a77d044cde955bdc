"""What was claimed, decided and settled is never deleted, and a payload is never rewritten. The database refuses."""

from django.db import migrations

PROTECT = """
CREATE FUNCTION refuse_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: no row is ever deleted', TG_TABLE_NAME USING ERRCODE = '42501';
END $$;
CREATE TRIGGER claim_stays BEFORE DELETE ON claims_claim FOR EACH ROW EXECUTE FUNCTION refuse_delete();
CREATE TRIGGER decision_stays BEFORE DELETE ON claims_decision FOR EACH ROW EXECUTE FUNCTION refuse_delete();
CREATE TRIGGER outcome_stays BEFORE DELETE ON claims_outcome FOR EACH ROW EXECUTE FUNCTION refuse_delete();
CREATE TRIGGER policy_stays BEFORE DELETE ON policy_policyversion FOR EACH ROW EXECUTE FUNCTION refuse_delete();
CREATE TRIGGER payload_is_immutable BEFORE UPDATE ON claims_claimpayload FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

UNPROTECT = """
DROP TRIGGER claim_stays ON claims_claim;
DROP TRIGGER decision_stays ON claims_decision;
DROP TRIGGER outcome_stays ON claims_outcome;
DROP TRIGGER policy_stays ON policy_policyversion;
DROP TRIGGER payload_is_immutable ON claims_claimpayload;
DROP FUNCTION refuse_delete();
"""


class Migration(migrations.Migration):
    dependencies = [("claims", "0002_immutable"), ("policy", "0001_initial")]

    operations = [migrations.RunSQL(PROTECT, UNPROTECT)]
