"""What has been claimed and decided is never rewritten, whoever asks: the database refuses."""

from django.db import migrations

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: this column is never changed', TG_TABLE_NAME USING ERRCODE = '42501';
END $$;
"""

PROTECTIONS = """
CREATE TRIGGER claim_is_immutable BEFORE UPDATE OF
    id, source_id, pipeline_id, external_id, model, model_version, prompt_version, category, segments, confidence,
    elicitation, signals, fingerprint, content_hash, supersedes_id, callback_url, occurred_at, received_at, event_id
    ON claims_claim FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER decision_is_immutable BEFORE UPDATE OF
    id, claim_id, number, pipeline_id, policy_version_id, route, next_step, band, band_state, calibrated_confidence,
    calibrator, reasons, mandatory, audit_u, audit_rate, audit_sampled, inclusion_probability, facts, decided_at,
    event_id ON claims_decision FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER outcome_is_immutable BEFORE UPDATE OF
    id, claim_id, pipeline_id, number, correct, output, basis, label_id, told_by, observed_at, created_at, event_id
    ON claims_outcome FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

UNPROTECT = """
DROP TRIGGER claim_is_immutable ON claims_claim;
DROP TRIGGER decision_is_immutable ON claims_decision;
DROP TRIGGER outcome_is_immutable ON claims_outcome;
"""


class Migration(migrations.Migration):
    dependencies = [("claims", "0001_initial"), ("policy", "0001_initial")]

    operations = [
        migrations.RunSQL(REFUSE_CHANGE, "DROP FUNCTION refuse_change();"),
        migrations.RunSQL(PROTECTIONS, UNPROTECT),
        migrations.RunSQL(
            """
            CREATE TRIGGER policy_document_is_immutable BEFORE UPDATE OF
                pipeline_id, number, document, document_hash, evidence, proposed_by_id, proposed_at, event_id
                ON policy_policyversion FOR EACH ROW EXECUTE FUNCTION refuse_change();
            """,
            "DROP TRIGGER policy_document_is_immutable ON policy_policyversion;",
        ),
    ]
