#!/bin/sh
# Runs once, when the postgres service makes its database: the logins of our services and the group roles they act as.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  --set owner_password="$OWNER_PASSWORD" --set web_password="$WEB_PASSWORD" --set worker_password="$WORKER_PASSWORD" <<'SQL'
CREATE ROLE app_web NOLOGIN;
CREATE ROLE app_sealer NOLOGIN;
CREATE ROLE app_auditor NOLOGIN;
CREATE ROLE ledger_owner NOLOGIN;
CREATE ROLE reviewqueue_owner LOGIN CREATEROLE PASSWORD :'owner_password';
CREATE ROLE reviewqueue_web LOGIN PASSWORD :'web_password';
CREATE ROLE reviewqueue_worker LOGIN PASSWORD :'worker_password';
GRANT app_web, app_sealer, app_auditor, ledger_owner TO reviewqueue_owner WITH ADMIN OPTION;
GRANT app_web TO reviewqueue_web;
GRANT app_web, app_sealer TO reviewqueue_worker;
ALTER DATABASE reviewqueue OWNER TO reviewqueue_owner;
SQL
