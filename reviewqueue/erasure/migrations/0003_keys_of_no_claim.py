"""A key whose claim this database does not have, as a dump of the keys that is newer than the rest brings, may go.

Claims are never deleted, so that every other key still goes with its erasure alone.
"""

from django.db import migrations

GUARD = """
CREATE OR REPLACE FUNCTION erased_with_its_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM erasure_erasure WHERE claim_id = OLD.claim_id AND state = 'erased')
       AND EXISTS (SELECT FROM claims_claim WHERE id = OLD.claim_id) THEN
        RAISE EXCEPTION 'the payload of claim % has no erasure with a ledger entry', OLD.claim_id
            USING ERRCODE = '42501';
    END IF;
    RETURN OLD;
END $$;
"""
BACK = """
CREATE OR REPLACE FUNCTION erased_with_its_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM erasure_erasure WHERE claim_id = OLD.claim_id AND state = 'erased') THEN
        RAISE EXCEPTION 'the payload of claim % has no erasure with a ledger entry', OLD.claim_id
            USING ERRCODE = '42501';
    END IF;
    RETURN OLD;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("erasure", "0002_nothing_goes_without_its_entry"), ("claims", "0012_what_erasure_may_change")]

    operations = [migrations.RunSQL(GUARD, BACK)]
