-- Run as ledger_owner.

CREATE TABLE ledger.event (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- may have gaps; proves nothing
  -- The exact input of the leaf hash: one line of canonical JSON (RFC 8785).
  leaf        text COLLATE "C" NOT NULL CONSTRAINT event_leaf_fits CHECK (octet_length(leaf) <= 65536),
  leaf_hash   bytea NOT NULL CONSTRAINT event_leaf_hash_is_sha256 CHECK (octet_length(leaf_hash) = 32),
  event_uuid  uuid   GENERATED ALWAYS AS (((leaf::jsonb) ->> 'id')::uuid) STORED CONSTRAINT event_uuid_unique UNIQUE,
  kind        text   GENERATED ALWAYS AS ((leaf::jsonb) -> 'body' ->> 'event') STORED NOT NULL,
  subject     uuid   GENERATED ALWAYS AS (((leaf::jsonb) -> 'body' ->> 'claim')::uuid) STORED,
  claim_seq   integer GENERATED ALWAYS AS (((leaf::jsonb) -> 'body' ->> 'claim_seq')::integer) STORED,
  actor       text   GENERATED ALWAYS AS (((leaf::jsonb) -> 'body' -> 'actor' ->> 'kind') || ':'
                                       || ((leaf::jsonb) -> 'body' -> 'actor' ->> 'id')) STORED NOT NULL,
  recorded_us bigint GENERATED ALWAYS AS (((leaf::jsonb) ->> 'recorded_us')::bigint) STORED NOT NULL,
  -- The events of one claim are numbered 1, 2, 3 …, so that a partial export can show that none was left out.
  CONSTRAINT event_claim_is_numbered CHECK ((subject IS NULL) = (claim_seq IS NULL) AND claim_seq >= 1),
  CONSTRAINT event_claim_seq_unique UNIQUE (subject, claim_seq)
);
CREATE INDEX event_by_kind ON ledger.event (kind, id);
CREATE INDEX event_by_actor ON ledger.event (actor, id);
CREATE INDEX event_by_time ON ledger.event USING brin (recorded_us);

-- A work list: which events have no leaf yet. No evidence value.
CREATE TABLE ledger.pending (event_id bigint PRIMARY KEY);

CREATE TABLE ledger.leaf (
  leaf_index bigint PRIMARY KEY CONSTRAINT leaf_index_counts_from_zero CHECK (leaf_index >= 0),
  event_id   bigint NOT NULL CONSTRAINT leaf_event_once UNIQUE REFERENCES ledger.event (id),
  leaf_hash  bytea NOT NULL CONSTRAINT leaf_hash_is_sha256 CHECK (octet_length(leaf_hash) = 32)
);

-- Full tiles only; the last, partial one is read from the leaves.
CREATE TABLE ledger.tile (
  level  smallint NOT NULL,
  idx    bigint NOT NULL,
  hashes bytea NOT NULL CONSTRAINT tile_is_full CHECK (octet_length(hashes) = 8192),
  root   bytea NOT NULL CONSTRAINT tile_root_is_sha256 CHECK (octet_length(root) = 32),
  PRIMARY KEY (level, idx)
);

CREATE TABLE ledger.checkpoint (
  tree_size bigint PRIMARY KEY CONSTRAINT checkpoint_size_counts CHECK (tree_size >= 0),
  root      bytea NOT NULL CONSTRAINT checkpoint_root_is_sha256 CHECK (octet_length(root) = 32),
  sealed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  note      text NOT NULL
);

CREATE TABLE ledger.anchor (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tree_size bigint NOT NULL,
  sink      text NOT NULL,
  receipt   bytea,
  at        timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The caller brings the canonical body; id, time and hash are the database's.
CREATE FUNCTION ledger.stamp() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  recorded numeric := extract(epoch FROM clock_timestamp()) * 1000;
  uuid7 bytea;
BEGIN
  -- The cast also stops a body that would close the wrapper early; a line break would split the leaf in an export.
  IF jsonb_typeof(NEW.leaf::jsonb) <> 'object' OR NEW.leaf ~ '[\n\r]' THEN
    RAISE EXCEPTION 'a ledger body is one JSON object on one line' USING ERRCODE = '22023';
  END IF;
  -- RFC 9562 version 7: 48 bits of milliseconds, then the random bits of a version 4 id.
  uuid7 := overlay(uuid_send(gen_random_uuid()) PLACING substring(int8send(trunc(recorded)::bigint) FROM 3) FROM 1 FOR 6);
  uuid7 := set_byte(uuid7, 6, (get_byte(uuid7, 6) & 15) | 112);
  NEW.leaf := '{"body":' || NEW.leaf
    || ',"id":"' || encode(uuid7, 'hex')::uuid
    || '","recorded_us":' || trunc(recorded * 1000)::bigint
    || ',"v":1}';
  NEW.leaf_hash := sha256('\x00'::bytea || convert_to(NEW.leaf, 'UTF8'));
  RETURN NEW;
END $$;

CREATE FUNCTION ledger.enqueue() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO ledger.pending (event_id) VALUES (NEW.id);
  RETURN NULL;
END $$;

CREATE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'ledger.% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = '42501';
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC;

CREATE TRIGGER stamp BEFORE INSERT ON ledger.event FOR EACH ROW EXECUTE FUNCTION ledger.stamp();
CREATE TRIGGER enqueue AFTER INSERT ON ledger.event FOR EACH ROW EXECUTE FUNCTION ledger.enqueue();

-- ENABLE ALWAYS: otherwise session_replication_role = replica walks past them.
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['event', 'leaf', 'tile', 'checkpoint', 'anchor'] LOOP
    EXECUTE format('CREATE TRIGGER protect_rows BEFORE UPDATE OR DELETE ON ledger.%I
                    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change()', name);
    EXECUTE format('CREATE TRIGGER protect_table BEFORE TRUNCATE ON ledger.%I
                    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()', name);
    EXECUTE format('ALTER TABLE ledger.%I ENABLE ALWAYS TRIGGER protect_rows', name);
    EXECUTE format('ALTER TABLE ledger.%I ENABLE ALWAYS TRIGGER protect_table', name);
  END LOOP;
END $$;

GRANT USAGE ON SCHEMA ledger TO app_web, app_sealer, app_auditor;
GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO app_web, app_sealer, app_auditor;
GRANT INSERT (leaf) ON ledger.event TO app_web;
GRANT INSERT ON ledger.leaf, ledger.tile, ledger.checkpoint, ledger.anchor TO app_sealer;
GRANT DELETE ON ledger.pending TO app_sealer;
