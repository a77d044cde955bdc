"""What was stopped, allowed and approved is not rewritten, and mandatory review is loosened by administrators alone."""

from django.db import migrations

KEPT = """
DROP TRIGGER policy_document_is_immutable ON policy_policyversion;
CREATE TRIGGER policy_document_is_immutable BEFORE UPDATE OF
    pipeline_id, number, document, document_hash, evidence, based_on_id, proposed_by_id, proposed_at, event_id,
    loosens_mandatory
    ON policy_policyversion FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER breaker_is_immutable BEFORE UPDATE OF
    id, pipeline_id, model, model_version, prompt_version, cause, reason, figures, tripped_at, tripped_by_id, event_id
    ON policy_breaker FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER breaker_is_reset_once BEFORE UPDATE ON policy_breaker
    FOR EACH ROW WHEN (OLD.reset_at IS NOT NULL) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER breaker_stays BEFORE DELETE ON policy_breaker FOR EACH ROW EXECUTE FUNCTION refuse_delete();
CREATE TRIGGER one_person_approval_is_immutable BEFORE UPDATE OF
    id, pipeline_id, note, salt, allowed_at, allowed_by_id, event_id
    ON policy_onepersonapproval FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER one_person_approval_stays BEFORE DELETE ON policy_onepersonapproval
    FOR EACH ROW EXECUTE FUNCTION refuse_delete();
"""

NOT_KEPT = """
DROP TRIGGER policy_document_is_immutable ON policy_policyversion;
CREATE TRIGGER policy_document_is_immutable BEFORE UPDATE OF
    pipeline_id, number, document, document_hash, evidence, proposed_by_id, proposed_at, event_id
    ON policy_policyversion FOR EACH ROW EXECUTE FUNCTION refuse_change();
DROP TRIGGER breaker_is_immutable ON policy_breaker;
DROP TRIGGER breaker_is_reset_once ON policy_breaker;
DROP TRIGGER breaker_stays ON policy_breaker;
DROP TRIGGER one_person_approval_is_immutable ON policy_onepersonapproval;
DROP TRIGGER one_person_approval_stays ON policy_onepersonapproval;
"""

# A check sees one row; who administers stands in another table. Asked once, when the second approval makes it count.
ADMINISTRATORS = """
CREATE FUNCTION policy_loosening_needs_administrators() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(DISTINCT user_id) FROM pipelines_grant
         WHERE role = 'admin' AND user_id IN (NEW.approved_by_id, NEW.second_approved_by_id)) < 2 THEN
        RAISE EXCEPTION 'policy version % loosens mandatory review and has not been approved by two administrators',
            NEW.number USING ERRCODE = '23514', CONSTRAINT = 'policy_loosening_needs_administrators';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER policy_loosening_needs_administrators BEFORE UPDATE OF status ON policy_policyversion
    FOR EACH ROW WHEN (NEW.loosens_mandatory AND OLD.status = 'draft' AND NEW.status IN ('approved', 'active'))
    EXECUTE FUNCTION policy_loosening_needs_administrators();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("policy", "0002_policy_life"),
        ("claims", "0003_nothing_is_deleted"),  # refuse_change and refuse_delete
        ("pipelines", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(KEPT, NOT_KEPT),
        migrations.RunSQL(
            ADMINISTRATORS,
            "DROP TRIGGER policy_loosening_needs_administrators ON policy_policyversion;"
            "DROP FUNCTION policy_loosening_needs_administrators();",
        ),
    ]
