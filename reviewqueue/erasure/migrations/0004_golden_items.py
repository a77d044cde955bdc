"""Golden items can be erased too, and go with their entry alone; what is of a draft goes as its owner likes."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# A key or a text of a published item; then an answer, which is nothing without its item's text.
GUARD = """
CREATE FUNCTION golden_erased_with_its_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    gone jsonb := to_jsonb(OLD);
    of_payload uuid := coalesce(gone ->> 'payload_id', gone ->> 'id')::uuid;
BEGIN
    IF EXISTS (
        SELECT FROM golden_goldenitempayload payload
          JOIN golden_goldenitem item ON item.id = payload.item_id
          JOIN golden_goldenversion version ON version.id = item.version_id
         WHERE payload.id = of_payload AND version.published_at IS NOT NULL
           AND NOT EXISTS (
               SELECT FROM erasure_erasure erasure
                 JOIN golden_goldenitem named ON named.id = erasure.golden_item_id
                 JOIN golden_goldenversion among ON among.id = named.version_id
                WHERE erasure.state = 'erased' AND named.key = item.key
                  AND among.golden_set_id = version.golden_set_id
                  AND erasure.decided_at >= version.published_at)) THEN
        RAISE EXCEPTION 'the golden payload % has no erasure with a ledger entry', of_payload
            USING ERRCODE = '42501';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER golden_payload_erased_with_its_entry BEFORE DELETE ON golden_goldenitempayload
    FOR EACH ROW EXECUTE FUNCTION golden_erased_with_its_entry();
CREATE TRIGGER golden_key_erased_with_its_entry BEFORE DELETE ON payloads_goldenkey
    FOR EACH ROW EXECUTE FUNCTION golden_erased_with_its_entry();
CREATE FUNCTION golden_answer_erased_with_its_item() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM golden_goldenanswer answer JOIN golden_goldenitempayload payload USING (item_id)
                WHERE answer.id = OLD.answer_id) THEN
        RAISE EXCEPTION 'the golden answer % goes with its item', OLD.answer_id USING ERRCODE = '42501';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER golden_answer_erased_with_its_item BEFORE DELETE ON golden_goldenanswerpayload
    FOR EACH ROW EXECUTE FUNCTION golden_answer_erased_with_its_item();
"""
BACK = """
DROP TRIGGER golden_payload_erased_with_its_entry ON golden_goldenitempayload;
DROP TRIGGER golden_key_erased_with_its_entry ON payloads_goldenkey;
DROP TRIGGER golden_answer_erased_with_its_item ON golden_goldenanswerpayload;
DROP FUNCTION golden_erased_with_its_entry();
DROP FUNCTION golden_answer_erased_with_its_item();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("claims", "0014_outputs_of_outcomes"),
        ("erasure", "0003_keys_of_no_claim"),
        ("golden", "0005_nothing_readable"),
        ("ledger", "0021_anchor_index"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="erasure",
            name="erasure_is_about_one_thing",
        ),
        migrations.AddField(
            model_name="erasure",
            name="golden_item",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="erasures", to="golden.goldenitem"
            ),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("claim__isnull", False), ("golden_item__isnull", True), ("person__isnull", True)),
                    models.Q(("claim__isnull", True), ("golden_item__isnull", True), ("person__isnull", False)),
                    models.Q(("claim__isnull", True), ("golden_item__isnull", False), ("person__isnull", True)),
                    _connector="OR",
                ),
                name="erasure_is_about_one_thing",
            ),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["pending", "erased"])),
                fields=("golden_item",),
                name="erasure_of_golden_item_once",
            ),
        ),
        migrations.RunSQL(GUARD, BACK),
    ]
