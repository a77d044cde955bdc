"""A claim that waits for a next step has exactly one open step, which has a due time. The database says so.

Claims that were handed back before there were steps get theirs, with the time limit of the policy that decided them.
"""

from django.db import migrations

FILL = """
INSERT INTO cascade_step (claim_id, pipeline_id, kind, attempt, opened_at, due_at, closed_how, event_id)
SELECT claim.id, claim.pipeline_id, decision.next_step, 1, claim.received_at,
       claim.received_at + (policy.document->>'step_minutes')::integer * interval '1 minute', '', decision.event_id
  FROM claims_claim AS claim
  JOIN claims_decision AS decision ON decision.claim_id = claim.id AND decision.standing
  JOIN policy_policyversion AS policy ON policy.id = decision.policy_version_id
 WHERE claim.status = 'awaiting_step';
"""

# Checked at commit: the claim and its step are written one after the other.
PROMISE = """
CREATE FUNCTION waiting_claim_has_a_step(waiting uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM claims_claim WHERE id = waiting AND status = 'awaiting_step')
       AND NOT EXISTS (SELECT FROM cascade_step WHERE claim_id = waiting AND closed_at IS NULL) THEN
        RAISE EXCEPTION 'claim % waits for a next step and has no open one', waiting
            USING ERRCODE = '23514', CONSTRAINT = 'claim_waiting_has_a_step';
    END IF;
END $$;
CREATE FUNCTION claim_waits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM waiting_claim_has_a_step(NEW.id);
    RETURN NULL;
END $$;
CREATE FUNCTION step_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM waiting_claim_has_a_step(OLD.claim_id);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER claim_waiting_has_a_step AFTER INSERT OR UPDATE OF status ON claims_claim
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.status = 'awaiting_step') EXECUTE FUNCTION claim_waits();
CREATE CONSTRAINT TRIGGER step_ends_with_its_waiting AFTER UPDATE OF closed_at OR DELETE ON cascade_step
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION step_ends();
"""

UNPROMISE = """
DROP TRIGGER step_ends_with_its_waiting ON cascade_step;
DROP TRIGGER claim_waiting_has_a_step ON claims_claim;
DROP FUNCTION step_ends();
DROP FUNCTION claim_waits();
DROP FUNCTION waiting_claim_has_a_step(uuid);
"""


class Migration(migrations.Migration):
    dependencies = [("cascade", "0001_steps"), ("claims", "0003_nothing_is_deleted"), ("policy", "0001_initial")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop), migrations.RunSQL(PROMISE, UNPROMISE)]
