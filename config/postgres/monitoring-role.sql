-- The least role that db-watchdog needs, as a superuser runs it with psql, once in
-- each database that is watched and once in postgres; it may run again:
--
--   psql -X -d postgres -f monitoring-role.sql
--   psql -X -d agent_runtime -f monitoring-role.sql
--   psql -X -d agent_runtime -c '\password db_watchdog'
--
-- or, without a question: with the password in the environment variable
-- WATCHDOG_ROLE_PASSWORD (never on the command line, which everybody can list).

\set ON_ERROR_STOP on
-- By the shell, for psql 14 has no \getenv.
\set password `printf %s "$WATCHDOG_ROLE_PASSWORD"`
-- What is granted already is not worth a notice.
SET client_min_messages = warning;

SELECT 'CREATE ROLE db_watchdog LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION'
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'db_watchdog')
\gexec

-- Two connections probe; a running backup adds its session and pg_dump's.
ALTER ROLE db_watchdog CONNECTION LIMIT 6;

-- It never writes; whoever gets hold of its password should find that tedious, too.
ALTER ROLE db_watchdog SET default_transaction_read_only = on;

-- The server's log may keep statements: one that holds a password is kept out of it.
BEGIN;
SET LOCAL log_statement = 'none';
SET LOCAL log_min_duration_statement = -1;
SET LOCAL log_min_error_statement = panic;
SELECT format('ALTER ROLE db_watchdog PASSWORD %L', :'password')
 WHERE :'password' <> ''
\gexec
COMMIT;

-- Sessions, locks, replication, WAL and sizes of everybody. Without it these
-- read as nothing at all, which looks like health.
GRANT pg_monitor TO db_watchdog;

-- Backups, and how full sequences are: reads every table (PostgreSQL 14 and later).
-- Row security still holds for it: a table that has it needs BYPASSRLS to be dumped.
-- Without backups, this in each database is enough instead:
--   GRANT USAGE ON SCHEMA public TO db_watchdog;
--   GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO db_watchdog;
SELECT 'GRANT pg_read_all_data TO db_watchdog'
 WHERE current_setting('server_version_num')::int >= 140000
\gexec

-- How many members of multixacts are kept: names and number of files inside the data
-- directory, nothing of what is in them. Only asked in postgres.
GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text) TO db_watchdog;

-- Needed where CONNECT was taken from PUBLIC.
GRANT CONNECT ON DATABASE :"DBNAME" TO db_watchdog;
