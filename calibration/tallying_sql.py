"""The statements behind `tallying`: each about one pipeline, most about one part, which is a range of claim ids."""

from __future__ import annotations

from typing import Final

# Whether a label may count is the draw of the first decision: whatever later made the claim go elsewhere was no chance.
# A claim that was handed back with a next step was not drawn at all: whether people saw it depends on whether its
# caller came back.

# Joined rows are in the same range of claim ids. Said for every table, or each part would read the tables whole.
GONE: Final = """
    DELETE FROM calibration_labelledinput l
     WHERE l.pipeline_id = %(pipeline)s AND l.claim_id >= %(first)s AND l.claim_id < %(end)s
       AND NOT EXISTS (SELECT FROM claims_outcome o
                        WHERE o.claim_id = l.claim_id AND o.measures AND o.correct IS NOT NULL)
    RETURNING l.claim_id, l.input"""

NEW_LABELS: Final = """
    SELECT c.id, c.model, c.model_version, c.prompt_version, c.fingerprint
      FROM claims_claim c
      JOIN claims_decision d ON d.claim_id = c.id AND d.number = 1 AND d.claim_id >= %(first)s AND d.claim_id < %(end)s
       AND (d.audit_sampled OR d.inclusion_probability = 1 AND d.route <> 'uncertain')
      JOIN claims_outcome o ON o.claim_id = c.id AND o.measures AND o.correct IS NOT NULL
       AND o.claim_id >= %(first)s AND o.claim_id < %(end)s
     WHERE c.pipeline_id = %(pipeline)s AND c.id >= %(first)s AND c.id < %(end)s
       AND NOT EXISTS (SELECT FROM calibration_labelledinput l WHERE l.claim_id = c.id)"""

INPUTS: Final = """
    INSERT INTO calibration_labelledinput (pipeline_id, claim_id, input, fit_half)
    SELECT %(pipeline)s, * FROM unnest(%(claims)s::uuid[], %(inputs)s::bytea[], %(halves)s::boolean[])
    ON CONFLICT (claim_id) DO NOTHING"""

# One look into the index for each changed input: a plain join would be planned for a table of any size.
LATER_PARTS: Final = """
    INSERT INTO calibration_cellmark (pipeline_id, part)
    SELECT DISTINCT %(pipeline)s::bigint, claim_part(later.claim_id)
      FROM unnest(%(claims)s::uuid[], %(inputs)s::bytea[]) AS changed (claim, input),
           LATERAL (SELECT l.claim_id FROM calibration_labelledinput l
                     WHERE l.input = changed.input AND l.claim_id > changed.claim OFFSET 0) later
     WHERE claim_part(later.claim_id) > %(part)s"""

RATES: Final = """
    SELECT DISTINCT audit_rate FROM claims_decision WHERE pipeline_id = %(pipeline)s AND number = 1 ORDER BY 1"""

# From each part straight to the first claim of the next one.
PARTS: Final = """
    WITH RECURSIVE parts AS (
        (SELECT claim_part(id) AS part FROM claims_claim WHERE pipeline_id = %(pipeline)s ORDER BY id LIMIT 1)
        UNION ALL
        SELECT (SELECT claim_part(c.id) FROM claims_claim c
                 WHERE c.pipeline_id = %(pipeline)s
                   AND c.id >= rpad(lpad(to_hex((parts.part + 1 - DATE '1970-01-01')::bigint * 86400000), 12, '0'),
                                    32, '0')::uuid
                 ORDER BY c.id LIMIT 1)
          FROM parts WHERE parts.part IS NOT NULL)
    SELECT part FROM parts WHERE part IS NOT NULL"""

ERAS: Final = """
    SELECT activated_at FROM policy_policyversion WHERE pipeline_id = %(pipeline)s AND activated_at IS NOT NULL
    UNION
    SELECT fitted_at FROM calibration_calibrator WHERE pipeline_id = %(pipeline)s AND kind <> 'identity'
    UNION
    SELECT to_timestamp(recorded_us / 1000000.0) FROM ledger.event,
           LATERAL (SELECT leaf::jsonb -> 'body' AS body) entry
     WHERE kind = 'band.state_changed' AND body ->> 'pipeline' = %(slug)s
       AND 'validated' IN (body ->> 'state_from', body ->> 'state_to')
     ORDER BY 1"""

# Claims that people looked at and could not judge are not counted. A label counts from when its input is known.
CELLS: Final = """
    WITH claimed AS (
        SELECT c.id, c.model, c.model_version, c.prompt_version, c.elicitation, c.category, c.segments,
               c.received_at, c.confidence, o.correct, o.created_at, l.input, l.fit_half,
               d.audit_u, d.audit_rate,
               (d.audit_sampled OR d.inclusion_probability = 1 AND d.route <> 'uncertain') AS drawn,
               d.reasons && ARRAY['signal_rule', 'verifier_failed', 'mandatory_case']::varchar[] AS held,
               CASE WHEN d.facts ? 'checks' THEN ARRAY(
                    SELECT digest FROM jsonb_each(d.facts -> 'checks') AS made (digest, finding)
                     WHERE finding ->> 0 = 'pass' ORDER BY digest) ELSE '{}' END AS passed,
               l.input IS NOT NULL AND o.correct IS NOT NULL AS labelled
          FROM claims_claim c
          JOIN claims_decision d ON d.claim_id = c.id AND d.number = 1
           AND d.claim_id >= %(first)s AND d.claim_id < %(end)s
          LEFT JOIN claims_outcome o ON o.claim_id = c.id AND o.measures
           AND o.claim_id >= %(first)s AND o.claim_id < %(end)s
          LEFT JOIN calibration_labelledinput l ON l.claim_id = c.id
           AND l.claim_id >= %(first)s AND l.claim_id < %(end)s
         WHERE c.pipeline_id = %(pipeline)s AND c.id >= %(first)s AND c.id < %(end)s
           AND (o.id IS NULL OR o.correct IS NOT NULL)
    ), scored AS (
        SELECT claimed.*, '' AS scored_by, round(confidence * 1e8)::bigint AS score FROM claimed
        UNION ALL
        SELECT claimed.*, k.name, round(s.p * 1e8)::bigint
          FROM claimed
          JOIN calibration_score s ON s.claim_id = claimed.id
          JOIN calibration_calibrator k ON k.id = s.calibrator_id
    )
    INSERT INTO calibration_cell (
        pipeline_id, part, day, era, model, model_version, prompt_version, elicitation, scored_by, category, segments,
        passed, held, confidence, audit_rate, fit_half, level, fresh,
        claims, sampled, labelled, "right", sum_confidence, first_at, last_at, newest_at)
    SELECT %(pipeline)s, %(part)s, (received_at AT TIME ZONE 'UTC')::date,
           (%(eras)s::timestamptz[])[width_bucket(received_at, %(eras)s::timestamptz[])],
           model, model_version, prompt_version, elicitation, scored_by, category, segments, passed, held,
           score / 10000, audit_rate, CASE WHEN labelled THEN fit_half END,
           CASE WHEN labelled
                THEN (%(rates)s::float8[])[width_bucket(audit_u, %(rates)s::float8[]) + 1] END AS level,
           labelled AND NOT EXISTS (
               SELECT FROM calibration_labelledinput earlier
                WHERE earlier.input = scored.input AND earlier.claim_id < scored.id) AS fresh,
           count(*), count(*) FILTER (WHERE drawn), count(*) FILTER (WHERE labelled),
           count(*) FILTER (WHERE labelled AND correct), sum(score)::bigint,
           min(received_at), max(received_at), max(created_at) FILTER (WHERE labelled)
      FROM scored
     GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18"""

MONTH: Final = """
    INSERT INTO calibration_monthcell (
        pipeline_id, part, era, model, model_version, prompt_version, elicitation, scored_by, category, segments,
        passed, held, confidence, audit_rate, fit_half, level, fresh,
        claims, sampled, labelled, "right", sum_confidence, first_at, last_at, newest_at)
    SELECT pipeline_id, %(month)s, era, model, model_version, prompt_version, elicitation, scored_by,
           category, segments, passed, held, confidence, audit_rate, fit_half, level, fresh,
           sum(claims), sum(sampled), sum(labelled), sum("right"), sum(sum_confidence)::bigint,
           min(first_at), max(last_at), max(newest_at)
      FROM calibration_cell
     WHERE pipeline_id = %(pipeline)s AND part >= %(month)s AND part < %(following)s
     GROUP BY pipeline_id, era, model, model_version, prompt_version, elicitation, scored_by, category, segments,
              passed, held, confidence, audit_rate, fit_half, level, fresh"""
