"""Claims that superseded others before there were cases get their places: in the order in which they came in."""

from django.db import migrations

FILL = """
WITH RECURSIVE chain (claim_id, case_id) AS (
    SELECT first.id, first.id FROM claims_claim AS first
     WHERE first.supersedes_id IS NULL AND EXISTS (SELECT FROM claims_claim WHERE supersedes_id = first.id)
    UNION ALL
    SELECT next.id, chain.case_id FROM chain JOIN claims_claim AS next ON next.supersedes_id = chain.claim_id)
INSERT INTO cascade_attempt (claim_id, case_id, number, standing)
SELECT claim_id, case_id, row_number() OVER (PARTITION BY case_id ORDER BY claim_id),
       claim_id = last_value(claim_id) OVER (PARTITION BY case_id ORDER BY claim_id
                                             ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
  FROM chain;
"""
ANSWER = """
UPDATE cascade_step AS step SET closed_at = now(), closed_how = 'answered'
  FROM cascade_attempt AS attempt
 WHERE attempt.claim_id = step.claim_id AND NOT attempt.standing AND step.closed_at IS NULL;
UPDATE claims_claim AS claim SET status = 'decided'
  FROM cascade_attempt AS attempt
 WHERE attempt.claim_id = claim.id AND NOT attempt.standing AND claim.status = 'awaiting_step';
"""


class Migration(migrations.Migration):
    dependencies = [("cascade", "0003_attempts")]

    operations = [
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunSQL(ANSWER, migrations.RunSQL.noop),
    ]
