-- Run as ledger_owner, in a declared maintenance.
-- Why sealing is refused at this moment, so that every process can tell. At most one row; no evidence value.

CREATE TABLE ledger.refusal (
  one    boolean PRIMARY KEY DEFAULT true CONSTRAINT refusal_is_one_row CHECK (one),
  code   text NOT NULL,
  reason text NOT NULL,
  since  timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT SELECT ON ledger.refusal TO app_web, app_sealer, app_auditor;
GRANT INSERT, UPDATE, DELETE ON ledger.refusal TO app_sealer;
