"""What models were measured by, and what they answered, is never rewritten or deleted. The database refuses.

Texts can be erased, and nothing else: contents may be deleted and never changed.
"""

from django.db import migrations

PROTECT = """
CREATE FUNCTION golden_published_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a published version of a golden set is never changed'
        USING ERRCODE = '42501', CONSTRAINT = 'golden_published_stays';
END $$;
CREATE TRIGGER golden_version_stays BEFORE UPDATE OR DELETE ON golden_goldenversion FOR EACH ROW
    WHEN (OLD.published_at IS NOT NULL) EXECUTE FUNCTION golden_published_stays();

CREATE FUNCTION golden_items_are_of_a_draft() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    touched uuid := CASE TG_OP WHEN 'INSERT' THEN NEW.version_id ELSE OLD.version_id END;
BEGIN
    IF EXISTS (SELECT FROM golden_goldenversion v WHERE v.id = touched AND v.published_at IS NOT NULL) THEN
        RAISE EXCEPTION 'a published version of a golden set is never changed'
            USING ERRCODE = '42501', CONSTRAINT = 'golden_published_stays';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER golden_item_stays BEFORE INSERT OR UPDATE OR DELETE ON golden_goldenitem FOR EACH ROW
    EXECUTE FUNCTION golden_items_are_of_a_draft();
CREATE TRIGGER golden_item_content_is_immutable BEFORE UPDATE ON golden_goldenitemcontent FOR EACH ROW
    EXECUTE FUNCTION refuse_change();

CREATE TRIGGER golden_run_is_immutable BEFORE UPDATE OF
    id, pipeline_id, golden_set_id, version_id, source_id, model, model_version, prompt_version, elicitation, size,
    started_at, event_id ON golden_goldenrun FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE FUNCTION golden_finished_run_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a finished golden run is never changed'
        USING ERRCODE = '42501', CONSTRAINT = 'golden_finished_run_stays';
END $$;
CREATE TRIGGER golden_finished_run_stays BEFORE UPDATE OF state, answered, "right", finished_at, finished_event_id
    ON golden_goldenrun FOR EACH ROW WHEN (OLD.state <> 'open') EXECUTE FUNCTION golden_finished_run_stays();
CREATE TRIGGER golden_run_stays BEFORE DELETE ON golden_goldenrun FOR EACH ROW EXECUTE FUNCTION refuse_delete();

CREATE FUNCTION golden_answers_are_of_an_open_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM golden_goldenrun r WHERE r.id = NEW.run_id AND r.state = 'open') THEN
        RAISE EXCEPTION 'a finished golden run takes no more answers'
            USING ERRCODE = '23514', CONSTRAINT = 'golden_answers_are_of_an_open_run';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER golden_answers_are_of_an_open_run BEFORE INSERT ON golden_goldenanswer FOR EACH ROW
    EXECUTE FUNCTION golden_answers_are_of_an_open_run();
CREATE TRIGGER golden_answer_is_immutable BEFORE UPDATE ON golden_goldenanswer FOR EACH ROW
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER golden_answer_stays BEFORE DELETE ON golden_goldenanswer FOR EACH ROW EXECUTE FUNCTION refuse_delete();
CREATE TRIGGER golden_answer_content_is_immutable BEFORE UPDATE ON golden_goldenanswercontent FOR EACH ROW
    EXECUTE FUNCTION refuse_change();
"""

UNPROTECT = """
DROP TRIGGER golden_version_stays ON golden_goldenversion;
DROP TRIGGER golden_item_stays ON golden_goldenitem;
DROP TRIGGER golden_item_content_is_immutable ON golden_goldenitemcontent;
DROP TRIGGER golden_run_is_immutable ON golden_goldenrun;
DROP TRIGGER golden_finished_run_stays ON golden_goldenrun;
DROP TRIGGER golden_run_stays ON golden_goldenrun;
DROP TRIGGER golden_answers_are_of_an_open_run ON golden_goldenanswer;
DROP TRIGGER golden_answer_is_immutable ON golden_goldenanswer;
DROP TRIGGER golden_answer_stays ON golden_goldenanswer;
DROP TRIGGER golden_answer_content_is_immutable ON golden_goldenanswercontent;
DROP FUNCTION golden_published_stays();
DROP FUNCTION golden_items_are_of_a_draft();
DROP FUNCTION golden_finished_run_stays();
DROP FUNCTION golden_answers_are_of_an_open_run();
"""


class Migration(migrations.Migration):
    dependencies = [("golden", "0001_golden_sets"), ("claims", "0003_nothing_is_deleted")]

    operations = [migrations.RunSQL(PROTECT, UNPROTECT)]
