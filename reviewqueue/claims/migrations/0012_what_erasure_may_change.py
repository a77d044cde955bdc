"""What is never rewritten may still be emptied, once the key of the claim's payload is gone. Nothing else changes."""

from django.db import migrations

# Arguments: the column that names the claim, then the columns that may be emptied. A hash becomes another one.
FUNCTION = """
CREATE FUNCTION refuse_change_unless_erased() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before jsonb := to_jsonb(OLD);
    after jsonb := to_jsonb(NEW);
    emptied text[] := TG_ARGV[1:];
    word text;
BEGIN
    IF before - emptied <> after - emptied
       OR EXISTS (SELECT FROM payloads_payloadkey WHERE claim_id = (before ->> TG_ARGV[0])::uuid) THEN
        RAISE EXCEPTION '% is append-only: this column is never changed', TG_TABLE_NAME USING ERRCODE = '42501';
    END IF;
    FOREACH word IN ARRAY emptied LOOP
        IF word NOT LIKE '%\\_hash' AND word <> 'status' AND after -> word NOT IN ('null', '""', '{}') THEN
            RAISE EXCEPTION '% is append-only: % can only be emptied', TG_TABLE_NAME, word USING ERRCODE = '42501';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;
"""
CLAIM_COLUMNS = """
    id, source_id, pipeline_id, external_id, model, model_version, prompt_version, category, segments, confidence,
    elicitation, signals, fingerprint, content_hash, supersedes_id, callback_url, occurred_at, received_at, event_id"""
OUTCOME_COLUMNS = """
    id, claim_id, pipeline_id, number, correct, output, basis, label_id, told_by, observed_at, created_at, event_id"""
TRIGGERS = f"""
DROP TRIGGER claim_is_immutable ON claims_claim;
CREATE TRIGGER claim_is_immutable BEFORE UPDATE OF {CLAIM_COLUMNS} ON claims_claim
    FOR EACH ROW EXECUTE FUNCTION refuse_change_unless_erased('id', 'content_hash', 'status');
DROP TRIGGER outcome_is_immutable ON claims_outcome;
CREATE TRIGGER outcome_is_immutable BEFORE UPDATE OF {OUTCOME_COLUMNS} ON claims_outcome
    FOR EACH ROW EXECUTE FUNCTION refuse_change_unless_erased('claim_id', 'output', 'told_by');
"""
BACK = f"""
DROP TRIGGER claim_is_immutable ON claims_claim;
CREATE TRIGGER claim_is_immutable BEFORE UPDATE OF {CLAIM_COLUMNS} ON claims_claim
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
DROP TRIGGER outcome_is_immutable ON claims_outcome;
CREATE TRIGGER outcome_is_immutable BEFORE UPDATE OF {OUTCOME_COLUMNS} ON claims_outcome
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
DROP FUNCTION refuse_change_unless_erased();
"""


class Migration(migrations.Migration):
    dependencies = [("claims", "0011_erased_claims"), ("payloads", "0003_nothing_readable")]

    operations = [migrations.RunSQL(FUNCTION + TRIGGERS, BACK)]
