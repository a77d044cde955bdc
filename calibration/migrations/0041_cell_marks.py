"""Whoever changes what cells are made from says so in the same transaction: nothing is missed and nothing searched for."""

from django.db import migrations

MARKS = """
CREATE FUNCTION claim_part(claim uuid) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT DATE '1970-01-01' + (('x' || translate(left(claim::text, 13), '-', ''))::bit(48)::bigint / 86400000)::integer
$$;

CREATE FUNCTION mark_claimed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO calibration_cellmark (pipeline_id, part) SELECT DISTINCT pipeline_id, claim_part(id) FROM made;
    RETURN NULL;
END $$;
CREATE TRIGGER claim_marks_cells AFTER INSERT ON claims_claim
    REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION mark_claimed();

CREATE FUNCTION mark_settled() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO calibration_cellmark (pipeline_id, part) VALUES (NEW.pipeline_id, claim_part(NEW.claim_id));
    RETURN NULL;
END $$;
CREATE TRIGGER outcome_marks_cells AFTER INSERT ON claims_outcome
    FOR EACH ROW WHEN (NEW.measures) EXECUTE FUNCTION mark_settled();
CREATE TRIGGER measuring_marks_cells AFTER UPDATE OF measures ON claims_outcome
    FOR EACH ROW WHEN (OLD.measures IS DISTINCT FROM NEW.measures) EXECUTE FUNCTION mark_settled();

CREATE FUNCTION mark_scored() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO calibration_cellmark (pipeline_id, part)
        SELECT DISTINCT k.pipeline_id, claim_part(changed.claim_id)
          FROM changed JOIN calibration_calibrator k ON k.id = changed.calibrator_id;
    RETURN NULL;
END $$;
CREATE TRIGGER score_marks_cells AFTER INSERT ON calibration_score
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_scored();
CREATE TRIGGER new_score_marks_cells AFTER UPDATE ON calibration_score
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_scored();
CREATE TRIGGER lost_score_marks_cells AFTER DELETE ON calibration_score
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_scored();
"""

NO_MARKS = """
DROP TRIGGER claim_marks_cells ON claims_claim;
DROP TRIGGER outcome_marks_cells ON claims_outcome;
DROP TRIGGER measuring_marks_cells ON claims_outcome;
DROP TRIGGER score_marks_cells ON calibration_score;
DROP TRIGGER new_score_marks_cells ON calibration_score;
DROP TRIGGER lost_score_marks_cells ON calibration_score;
DROP FUNCTION mark_claimed();
DROP FUNCTION mark_settled();
DROP FUNCTION mark_scored();
DROP FUNCTION claim_part(uuid);
"""


class Migration(migrations.Migration):
    dependencies = [("calibration", "0040_cells"), ("claims", "0006_when_measuring_ended")]

    operations = [migrations.RunSQL(MARKS, NO_MARKS)]
