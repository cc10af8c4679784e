#!/bin/sh
# /usr/local/bin/db-watchdog: the command as the service runs it. Root becomes the
# service's user, with its groups, configuration, .env, state folder and credentials:
# a backup made by hand is then the service's own, and can be pruned by it.
# Paths in arguments are absolute: the working directory is /etc/db-watchdog.
set -eu
unit=db-watchdog.service
program=/opt/db-watchdog/bin/db-watchdog

cd /etc/db-watchdog
export DB_WATCHDOG_CONFIG="${DB_WATCHDOG_CONFIG:-/etc/db-watchdog/watchdog.yaml}"
export DB_WATCHDOG_STATE_DIRECTORY=/var/lib/db-watchdog
export STATE_DIRECTORY=/var/lib/db-watchdog
export HOME=/var/lib/db-watchdog
if [ -d "/run/credentials/$unit" ]; then
    export CREDENTIALS_DIRECTORY="/run/credentials/$unit"
fi
if [ "$(id -u)" != 0 ]; then
    exec "$program" "$@"
fi
groups=db-watchdog
for group in $(systemctl show --property=SupplementaryGroups --value "$unit"); do
    groups="$groups,$group"
done
umask 077
exec setpriv --reuid=db-watchdog --regid=db-watchdog --groups="$groups" \
    --inh-caps=-all --bounding-set=-all --no-new-privs "$program" "$@"
