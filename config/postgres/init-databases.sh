#!/bin/sh
# Makes the applications' databases. The PostgreSQL image runs this once, when its
# volume is empty; by hand it may run again at any time: what exists is left alone.
#
#   DATABASES               names, separated by spaces (default: agent_runtime auth_db)
#   POSTGRES_USER           who connects, and owns the databases (default: postgres)
#   POSTGRES_DB             where to connect first (default: POSTGRES_USER)
#   WATCHDOG_ROLE_PASSWORD  makes the role db_watchdog with this password, if set
#   WATCHDOG_ROLE_PASSWORD_FILE   or with that in this file, unless it is empty
set -eu

: "${POSTGRES_USER:=postgres}"
: "${POSTGRES_DB:=$POSTGRES_USER}"
: "${DATABASES:=agent_runtime auth_db}"
role_script=${WATCHDOG_ROLE_SCRIPT:-/etc/db-watchdog/monitoring-role.sql}

# -X: no psqlrc; the first error ends it, and with it the image's start.
ask() {
    psql -X -q --no-password -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" "$@"
}

set -f # names are not patterns
for database in $DATABASES; do
    # psql quotes the name as a literal, format() as an identifier.
    ask --dbname "$POSTGRES_DB" -v "name=$database" <<'SQL'
SELECT format('CREATE DATABASE %I OWNER %I', :'name', current_user)
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name')
\gexec
SQL
    echo "database $database is there"
done

if [ -z "${WATCHDOG_ROLE_PASSWORD:-}" ] && [ -n "${WATCHDOG_ROLE_PASSWORD_FILE:-}" ]; then
    WATCHDOG_ROLE_PASSWORD=$(cat "$WATCHDOG_ROLE_PASSWORD_FILE")
    export WATCHDOG_ROLE_PASSWORD
fi
if [ -n "${WATCHDOG_ROLE_PASSWORD:-}" ]; then
    # psql takes the password from the environment, so it is on no command line.
    for database in "$POSTGRES_DB" $DATABASES; do
        ask --dbname "$database" -f "$role_script"
    done
    echo "role db_watchdog is there"
fi
