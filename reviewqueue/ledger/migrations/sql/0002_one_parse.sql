-- Run as ledger_owner, in a declared maintenance.
-- The columns were generated, and each of them parsed the leaf again. The trigger parses it once and sets them. Nobody
-- else can: app_web may insert into "leaf" alone, what the owner writes into them is overwritten, updates are refused,
-- and verification compares them with the leaf.

ALTER TABLE ledger.event
  ALTER COLUMN event_uuid DROP EXPRESSION,
  ALTER COLUMN event_uuid SET NOT NULL,
  ALTER COLUMN kind DROP EXPRESSION,
  ALTER COLUMN subject DROP EXPRESSION,
  ALTER COLUMN claim_seq DROP EXPRESSION,
  ALTER COLUMN actor DROP EXPRESSION,
  ALTER COLUMN recorded_us DROP EXPRESSION;

CREATE OR REPLACE FUNCTION ledger.stamp() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- The cast also stops a body that would close the wrapper early; a line break would split the leaf in an export.
  body jsonb := NEW.leaf::jsonb;
  recorded bigint := trunc(extract(epoch FROM clock_timestamp()) * 1000000);
  milliseconds text := lpad(to_hex(recorded / 1000), 12, '0');
BEGIN
  IF jsonb_typeof(body) <> 'object' OR strpos(NEW.leaf, E'\n') > 0 OR strpos(NEW.leaf, E'\r') > 0 THEN
    RAISE EXCEPTION 'a ledger body is one JSON object on one line' USING ERRCODE = '22023';
  END IF;
  -- RFC 9562 version 7: 48 bits of milliseconds, then the random bits of a version 4 id.
  NEW.event_uuid := milliseconds || '7' || substr(gen_random_uuid()::text, 16);
  NEW.recorded_us := recorded;
  NEW.kind := body ->> 'event';
  NEW.subject := body ->> 'claim';
  NEW.claim_seq := body ->> 'claim_seq';
  NEW.actor := (body -> 'actor' ->> 'kind') || ':' || (body -> 'actor' ->> 'id');
  NEW.leaf := '{"body":' || NEW.leaf || ',"id":"' || NEW.event_uuid || '","recorded_us":' || recorded || ',"v":1}';
  NEW.leaf_hash := sha256('\x00'::bytea || convert_to(NEW.leaf, 'UTF8'));
  RETURN NEW;
END $$;

-- Once a statement, and no longer once a row.
CREATE OR REPLACE FUNCTION ledger.enqueue() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO ledger.pending (event_id) SELECT id FROM added;
  RETURN NULL;
END $$;
DROP TRIGGER enqueue ON ledger.event;
CREATE TRIGGER enqueue AFTER INSERT ON ledger.event REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION ledger.enqueue();
