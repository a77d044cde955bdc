-- Run as ledger_owner, in a declared maintenance.
-- What auditors search by, beside its leaf. Filled for the entries that are there as generated columns (no update: those
-- are refused), and from now on by the trigger, which has parsed the body anyway. Verification compares them with the
-- leaf, or an entry could be hidden from a search unseen.
ALTER TABLE ledger.event
  ADD COLUMN pipeline       text GENERATED ALWAYS AS ((leaf::jsonb) -> 'body' ->> 'pipeline') STORED,
  ADD COLUMN source         text GENERATED ALWAYS AS ((leaf::jsonb) -> 'body' ->> 'source') STORED,
  ADD COLUMN policy_version text GENERATED ALWAYS AS ((leaf::jsonb) -> 'body' ->> 'policy_version') STORED,
  ADD COLUMN request        text GENERATED ALWAYS AS ((leaf::jsonb) -> 'body' ->> 'request') STORED;
ALTER TABLE ledger.event
  ALTER COLUMN pipeline DROP EXPRESSION,
  ALTER COLUMN source DROP EXPRESSION,
  ALTER COLUMN policy_version DROP EXPRESSION,
  ALTER COLUMN request DROP EXPRESSION;

CREATE INDEX event_by_pipeline ON ledger.event (pipeline, id) WHERE pipeline IS NOT NULL;
CREATE INDEX event_by_policy ON ledger.event (pipeline, policy_version, id) WHERE policy_version IS NOT NULL;
CREATE INDEX event_by_source ON ledger.event (source, id) WHERE source IS NOT NULL;
CREATE INDEX event_by_request ON ledger.event (request, id) WHERE request IS NOT NULL;

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
  NEW.pipeline := body ->> 'pipeline';
  NEW.source := body ->> 'source';
  NEW.policy_version := body ->> 'policy_version';
  NEW.request := body ->> 'request';
  NEW.leaf := '{"body":' || NEW.leaf || ',"id":"' || NEW.event_uuid || '","recorded_us":' || recorded || ',"v":1}';
  NEW.leaf_hash := sha256('\x00'::bytea || convert_to(NEW.leaf, 'UTF8'));
  RETURN NEW;
END $$;
