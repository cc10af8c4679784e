#!/bin/sh
# Makes the passwords of the compose project, at random, as files in a folder of
# your own, and names that folder in .env: sh deploy/compose/make-secrets.sh
# Before the first `docker compose up -d`: PostgreSQL and Grafana read theirs when
# their volumes are first made. What is there is left alone, so it may run again.
# Exit status: 0 done, 1 failed, 2 usage.
set -eu

usage() {
    cat <<'END'
Usage: make-secrets.sh [FOLDER]

Writes into FOLDER (default: secrets, beside docker-compose.yml), where missing:

  postgres-password        of POSTGRES_USER, the databases' owner
  watchdog-role-password   of db_watchdog, which reads and backs up, and writes nothing
  grafana-admin-password   of admin in Grafana
  database-urls.env        what db-watchdog watches, by that role

and SECRETS_DIRECTORY=FOLDER into .env, which it makes of .env.example if there is none.
END
}

case "${1-}" in
    -h | --help) usage; exit 0 ;;
    -*) printf 'make-secrets.sh: %s: no such option\n' "$1" >&2; usage >&2; exit 2 ;;
esac
if [ $# -gt 1 ]; then
    usage >&2
    exit 2
fi

cd "$(dirname "$(readlink -f "$0")")/../.."
folder=${1:-./secrets}
case $folder in
    /* | ./* | ../*) ;;
    *) folder=./$folder ;;
esac

# The programs inside of the containers, each with a user of its own, must read the
# files; that nobody else on this machine can is up to the folder.
umask 077
mkdir -p "$folder"
chmod 0700 "$folder"

# keep NAME: standard input becomes the file, unless there is one.
keep() {
    if [ -e "$folder/$1" ]; then
        echo "$folder/$1 is left as it is"
        cat >/dev/null
        return
    fi
    cat >"$folder/.$1.new"
    chmod 0444 "$folder/.$1.new"
    mv "$folder/.$1.new" "$folder/$1"
    echo "$folder/$1 is written"
}

# Letters and digits alone, so that a URL takes it as it is; 40 of them are 238 bits.
random() {
    LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom | head -c 40
    echo
}

random | keep postgres-password
random | keep watchdog-role-password
random | keep grafana-admin-password
role=$(cat "$folder/watchdog-role-password")
keep database-urls.env <<END
# What db-watchdog watches. After a change: docker compose up -d --force-recreate db-watchdog
AGENT_RUNTIME__DB_URL=postgresql://db_watchdog:$role@postgres:5432/agent_runtime
AUTH_SERVICE__DB_URL=postgresql+asyncpg://db_watchdog:$role@postgres:5432/auth_db
END

if [ ! -e .env ]; then
    cp .env.example .env
    echo ".env is made of .env.example"
fi
if grep -q '^SECRETS_DIRECTORY=' .env; then
    named=$(sed -n 's/^SECRETS_DIRECTORY=//p' .env)
    [ "$named" = "$folder" ] || echo ".env names another folder: SECRETS_DIRECTORY=$named"
else
    printf '\nSECRETS_DIRECTORY=%s\n' "$folder" >>.env
    echo "SECRETS_DIRECTORY=$folder is added to .env"
fi
# These would win over the files.
if grep -E '^(POSTGRES_PASSWORD|WATCHDOG_ROLE_PASSWORD|GRAFANA_ADMIN_PASSWORD|[A-Z_]+__DB_URL)=.' .env >/dev/null; then
    echo "take the passwords and URLs out of .env: while they are there, they are used, not the files" >&2
    exit 1
fi
