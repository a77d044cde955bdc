"""Nobody takes a second look at a claim that they have labelled."""

from django.db import migrations

BY_OTHERS = """
CREATE FUNCTION second_look_by_another() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM review_reviewtask t WHERE t.id = NEW.task_id AND t.purpose = 'relabel')
       AND EXISTS (SELECT 1 FROM review_label l
                    WHERE l.claim_id = NEW.claim_id AND l.reviewer_id = NEW.reviewer_id AND l.task_id <> NEW.task_id) THEN
        RAISE EXCEPTION 'claim % was labelled by the same person before', NEW.claim_id
            USING ERRCODE = '23514', CONSTRAINT = 'label_second_look_by_another';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER label_second_look_by_another BEFORE INSERT ON review_label
    FOR EACH ROW EXECUTE FUNCTION second_look_by_another();
"""


class Migration(migrations.Migration):
    dependencies = [("review", "0030_second_looks")]

    operations = [
        migrations.RunSQL(
            BY_OTHERS,
            "DROP TRIGGER label_second_look_by_another ON review_label; DROP FUNCTION second_look_by_another();",
        )
    ]
