"""A payload or its key goes only with an erasure that has its ledger entry. The database asks for it."""

from django.db import migrations

GUARD = """
CREATE FUNCTION erased_with_its_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM erasure_erasure WHERE claim_id = OLD.claim_id AND state = 'erased') THEN
        RAISE EXCEPTION 'the payload of claim % has no erasure with a ledger entry', OLD.claim_id
            USING ERRCODE = '42501';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER payload_erased_with_its_entry BEFORE DELETE ON claims_claimpayload
    FOR EACH ROW EXECUTE FUNCTION erased_with_its_entry();
CREATE TRIGGER payload_key_erased_with_its_entry BEFORE DELETE ON payloads_payloadkey
    FOR EACH ROW EXECUTE FUNCTION erased_with_its_entry();
"""
BACK = """
DROP TRIGGER payload_erased_with_its_entry ON claims_claimpayload;
DROP TRIGGER payload_key_erased_with_its_entry ON payloads_payloadkey;
DROP FUNCTION erased_with_its_entry();
"""


class Migration(migrations.Migration):
    dependencies = [("erasure", "0001_erasures"), ("payloads", "0003_nothing_readable")]

    operations = [migrations.RunSQL(GUARD, BACK)]
