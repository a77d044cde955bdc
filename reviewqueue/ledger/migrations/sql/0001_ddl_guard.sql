-- Only a superuser may create an event trigger, so this is skipped where the migrating login is none.
-- It stops accidents, not a superuser: a change of the schema "ledger" must be announced with
--   SET LOCAL ledger.maintenance = 'on';
-- The function lives outside the schema, so that it is still there when the schema is dropped.

CREATE FUNCTION public.ledger_refuse_ddl() RETURNS event_trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE touched text;
BEGIN
  IF current_setting('ledger.maintenance', true) = 'on' THEN
    RETURN;
  END IF;
  IF TG_EVENT = 'sql_drop' THEN
    SELECT object_identity INTO touched FROM pg_event_trigger_dropped_objects()
     WHERE original AND (schema_name = 'ledger' OR object_identity = 'ledger' OR object_identity ~ ' on ledger\.');
  ELSE
    SELECT object_identity INTO touched FROM pg_event_trigger_ddl_commands()
     WHERE schema_name = 'ledger' OR object_identity = 'ledger' OR object_identity ~ ' on ledger\.';
  END IF;
  IF touched IS NOT NULL THEN
    RAISE LOG 'refused % of % by %', TG_TAG, touched, session_user;
    RAISE EXCEPTION '% of % outside a declared maintenance of the ledger', TG_TAG, touched
      USING ERRCODE = '42501', HINT = 'Announce it in the same transaction: SET LOCAL ledger.maintenance = ''on''';
  END IF;
END $$;

CREATE EVENT TRIGGER ledger_refuse_alter ON ddl_command_end
  WHEN TAG IN ('ALTER TABLE', 'ALTER FUNCTION', 'ALTER SCHEMA', 'ALTER TRIGGER', 'CREATE FUNCTION', 'CREATE TRIGGER')
  EXECUTE FUNCTION public.ledger_refuse_ddl();
CREATE EVENT TRIGGER ledger_refuse_drop ON sql_drop EXECUTE FUNCTION public.ledger_refuse_ddl();
