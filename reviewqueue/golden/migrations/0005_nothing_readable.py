"""The tables that held texts of golden items and answers go. Of what is erased, two hashes may become random ones."""

from django.db import migrations

PROTECT = """
DROP TRIGGER golden_item_stays ON golden_goldenitem;
CREATE TRIGGER golden_item_stays BEFORE INSERT OR DELETE OR UPDATE OF
    id, version_id, key, place, comparison, tolerance, category, segments, commitment ON golden_goldenitem FOR EACH ROW
    EXECUTE FUNCTION golden_items_are_of_a_draft();
CREATE FUNCTION golden_hash_of_what_is_erased() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_item bigint := (to_jsonb(OLD) ->> TG_ARGV[0])::bigint;
BEGIN
    IF EXISTS (SELECT FROM golden_goldenitempayload WHERE item_id = of_item) THEN
        RAISE EXCEPTION '% is append-only: this column is never changed', TG_TABLE_NAME USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER golden_item_fingerprint_stays BEFORE UPDATE OF fingerprint ON golden_goldenitem FOR EACH ROW
    EXECUTE FUNCTION golden_hash_of_what_is_erased('id');
DROP TRIGGER golden_answer_is_immutable ON golden_goldenanswer;
CREATE TRIGGER golden_answer_is_immutable BEFORE UPDATE OF
    id, run_id, item_id, confidence, signals, "right", commitment, answered_at ON golden_goldenanswer FOR EACH ROW
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER golden_answer_hash_stays BEFORE UPDATE OF content_hash ON golden_goldenanswer FOR EACH ROW
    EXECUTE FUNCTION golden_hash_of_what_is_erased('item_id');
"""
UNPROTECT = """
DROP TRIGGER golden_item_fingerprint_stays ON golden_goldenitem;
DROP TRIGGER golden_answer_hash_stays ON golden_goldenanswer;
DROP FUNCTION golden_hash_of_what_is_erased();
DROP TRIGGER golden_item_stays ON golden_goldenitem;
CREATE TRIGGER golden_item_stays BEFORE INSERT OR UPDATE OR DELETE ON golden_goldenitem FOR EACH ROW
    EXECUTE FUNCTION golden_items_are_of_a_draft();
DROP TRIGGER golden_answer_is_immutable ON golden_goldenanswer;
CREATE TRIGGER golden_answer_is_immutable BEFORE UPDATE ON golden_goldenanswer FOR EACH ROW
    EXECUTE FUNCTION refuse_change();
"""

AS_BEFORE = """
CREATE TRIGGER golden_item_content_is_immutable BEFORE UPDATE ON golden_goldenitemcontent FOR EACH ROW
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER golden_answer_content_is_immutable BEFORE UPDATE ON golden_goldenanswercontent FOR EACH ROW
    EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("golden", "0004_encrypt")]

    operations = [
        migrations.RunSQL(migrations.RunSQL.noop, AS_BEFORE),  # on the way back these come after their tables
        migrations.DeleteModel("GoldenAnswerContent"),
        migrations.DeleteModel("GoldenItemContent"),
        migrations.RunSQL(PROTECT, UNPROTECT),
    ]
