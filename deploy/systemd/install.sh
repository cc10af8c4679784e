#!/bin/sh
# Installs db-watchdog as a systemd service, or upgrades it. As root, in a
# checkout or an unpacked source distribution: sh deploy/systemd/install.sh
#
#   /opt/db-watchdog/releases/TIME   a venv for each install, with these files in its deploy/
#   /opt/db-watchdog/current         the one that runs; previous: the one before it
#   /usr/local/lib/systemd/system    the unit: /etc/systemd/system is yours, and wins
#   /usr/local/bin/db-watchdog       every other command, run as the service would
#   /etc/db-watchdog                 watchdog.yaml and .env: written only where missing
#   /var/lib/db-watchdog             what the service writes
#
# The release that runs is replaced only by one that takes the configuration and
# starts; otherwise the service goes on as it was. Exit status: 0 done, 1 failed,
# 2 usage, or a mistake in the configuration.
set -eu
umask 022

user=db-watchdog
unit=db-watchdog.service
prefix=/opt/db-watchdog
releases=$prefix/releases
etc=/etc/db-watchdog
state=/var/lib/db-watchdog
units=/usr/local/lib/systemd/system
wrapper=/usr/local/bin/db-watchdog
here=$(dirname "$(readlink -f "$0")")

files=$here
from='' wheelhouse='' python='' extras='' start=yes dry='' back='' release='' old='' summary=''

usage() {
    cat <<'END'
Usage: install.sh [OPTION...]

  --from WHAT         what to install: a folder or archive with the project, a wheel,
                      or a name for pip such as db-watchdog==1.2 (the project around
                      this file, if none is given)
  --wheelhouse DIR    take every package from this folder of wheels, none from a network
  --with-fast         install uvloop, too
  --python PROGRAM    Python 3.11 or later (the first found: /usr/bin/python3, python3, …)
  --no-start          neither enable nor start, nor restart what runs
  --rollback          make the previous release the current one again
  --dry-run           only say what would be done
  -h, --help          show this

pip is told more by its own variables: PIP_INDEX_URL=… sh install.sh
END
}

die() { printf 'install.sh: %s\n' "$1" >&2; exit "${2:-1}"; }
misuse() { die "$1
install.sh --help lists the options" 2; }
# What was done is told at the end, in the order in which it happened.
did() { summary="$summary  $1
"; }
act() {
    if [ -n "$dry" ]; then printf '  would run: %s\n' "$*"; else "$@"; fi
}
there() { [ -e "$1" ] || [ -L "$1" ]; }
booted() { [ -d /run/systemd/system ]; }

read_options() {
    while [ $# -gt 0 ]; do
        case $1 in
        --from | --wheelhouse | --python)
            [ $# -ge 2 ] || misuse "$1: what?"
            case $1 in
            --from) from=$2 ;;
            --wheelhouse) wheelhouse=$2 ;;
            --python) python=$2 ;;
            esac
            shift
            ;;
        --with-fast) extras='[fast]' ;;
        --no-start) start='' ;;
        --rollback) back=yes ;;
        --dry-run) dry=yes ;;
        -h | --help) usage; exit 0 ;;
        *) misuse "$1: no such option" ;;
        esac
        shift
    done
    [ -n "$dry" ] || [ "$(id -u)" = 0 ] || die 'this takes root: sudo sh install.sh'
}

# ---------------------------------------------------------------------- what must be there

require_place() {
    command -v systemctl >/dev/null || die 'no systemctl here: this installs a service of systemd'
    command -v setpriv >/dev/null ||
        die 'setpriv is missing: apt-get install util-linux (Debian, Ubuntu), then run this again'
    [ ! -e "$prefix/pyvenv.cfg" ] || die "$prefix is a venv that was made by hand. Put it aside and run this again:
  systemctl stop db-watchdog; mv $prefix $prefix.by-hand"
    if there "$wrapper" && ! grep -q "^unit=$unit" "$wrapper" 2>/dev/null; then
        die "$wrapper is not this script's (a pip install by hand?): remove it and run this again"
    fi
    [ "$(systemctl is-enabled "$unit" 2>/dev/null)" != masked ] ||
        die "$unit is masked: systemctl unmask db-watchdog, then run this again"
}

require_python() {
    if [ -n "$python" ]; then
        set -- "$python"
    else
        set -- /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11
    fi
    python=''
    for candidate in "$@"; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            python=$(command -v "$candidate")
            break
        fi
    done
    [ -n "$python" ] || die "no Python 3.11 or later (tried: $*): apt-get install python3 python3-venv (Debian 12,
Ubuntu 24.04 or later); elsewhere python3.11 or later. --python names one that is not on the PATH"
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        die "$python has no venv: apt-get install python$version-venv (Debian, Ubuntu), then run this again"
    case $(readlink -f "$("$python" -c 'import sys; print(sys.base_prefix)')")/ in
    /home/* | /root/* | /run/user/*)
        die "$python is below a home folder, which the service's sandbox does not show. --python names another"
        ;;
    esac
}

require_source() {
    if [ -z "$from" ]; then
        from=$(readlink -f "$here/../..")
        [ -e "$from/pyproject.toml" ] || misuse '--from: what to install? There is no project around this file'
    fi
    case $from in
    */* | *.whl | *.tar.gz) [ -e "$from" ] || misuse "--from $from: no such file or folder" ;;
    esac
    if [ -d "$from" ] && [ ! -e "$from/pyproject.toml" ]; then
        misuse "--from $from: holds no pyproject.toml"
    fi
    # The unit belongs to the program that it starts.
    [ ! -d "$from/deploy/systemd" ] || files=$(readlink -f "$from/deploy/systemd")
    if [ -e "$from" ]; then
        from=$(readlink -f "$from")$extras
    else
        from=$(printf '%s' "$from" | sed "s/^[A-Za-z0-9._-]*/&$extras/")
    fi
    if [ -n "$wheelhouse" ]; then
        [ -d "$wheelhouse" ] || misuse "--wheelhouse $wheelhouse: no such folder"
        wheelhouse=$(readlink -f "$wheelhouse")
    fi
}

# ---------------------------------------------------------------------- user, folders, configuration

make_user() {
    if getent passwd "$user" >/dev/null && getent group "$user" >/dev/null; then
        did "kept the user $user"
        return
    fi
    if command -v systemd-sysusers >/dev/null; then
        act env SYSTEMD_LOG_LEVEL=warning systemd-sysusers "$files/db-watchdog.sysusers.conf"
    else
        act useradd --system --user-group --home-dir "$state" --no-create-home --shell /usr/sbin/nologin "$user"
    fi
    did "made the user $user"
}

put_missing() {
    if there "$etc/$1"; then
        did "kept $etc/$1"
    else
        act install -m 0640 -o root -g "$user" "$2" "$etc/$1"
        did "wrote $etc/$1$3"
    fi
}

make_folders() {
    there "$etc" || act install -d -m 0755 "$etc"
    put_missing watchdog.yaml "$files/watchdog.yaml" ', an example: two SQLite databases below /var/lib/codelab'
    put_missing .env "$files/example.env" ', for the variables of watchdog.yaml'
    if ! there "$state"; then
        act install -d -m 0700 -o "$user" -g "$user" "$state"
        did "made $state"
    fi
}

# ---------------------------------------------------------------------- the program

drop_unfinished() {
    [ -z "$release" ] || rm -rf "$release"
}

build() {
    release=$releases/$(date -u +%Y%m%dT%H%M%SZ)
    ! there "$release" || die "$release is there already: run this again"
    # The environment's Python settings are for other Pythons; pip's about networks count.
    unset PYTHONPATH PYTHONHOME VIRTUAL_ENV PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT PIP_REQUIRE_VIRTUALENV
    set -- "$release/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir \
        --no-input "$from"
    if [ -n "$wheelhouse" ]; then
        unset PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_FIND_LINKS
        set -- env PIP_CONFIG_FILE=/dev/null "$@" --no-index --find-links "$wheelhouse"
    fi
    trap drop_unfinished EXIT
    trap 'exit 1' HUP INT TERM
    act "$python" -m venv "$release"
    act "$@" || die "pip could not install $from: its lines above say why. Without a network: --wheelhouse"
    act cp -R "$files" "$release/deploy"
    [ -n "$dry" ] || "$release/bin/db-watchdog" --version >/dev/null || die 'what was installed does not run'
}

# Replaces the link in one step: there is no instant without it.
link() {
    act ln -sfn "$1" "$2.new"
    act mv -fT "$2.new" "$2"
}

put_files() {
    act install -D -m 0644 "$1/deploy/$unit" "$units/$unit"
    act install -D -m 0755 "$1/deploy/db-watchdog.sh" "$wrapper"
    link "releases/${1##*/}" "$prefix/current"
    link current/bin "$prefix/bin"
    ! booted || act systemctl daemon-reload
}

prune_releases() {
    for each in "$releases"/*; do
        if [ -d "$each" ] && [ "$each" != "$release" ] && [ "$each" != "$old" ]; then
            act rm -rf "$each"
        fi
    done
}

# ---------------------------------------------------------------------- the configuration, as the service sees it

explain() {
    journalctl --sync 2>/dev/null || true # or the last lines are not there yet
    journalctl --unit="$1" --lines=12 --output=cat --no-pager || true
}

# A unit without what would wait for others, or call them.
alone() { sed -E '/^(Wants|After|Requires|BindsTo|OnFailure|OnSuccess)=/d' "$1"; }

# The service's unit and drop-ins with another command: its user, groups,
# environment and credentials. What belongs to the running one stays away from it.
as_service() {
    trial=db-watchdog-check-config.service
    folder=/run/systemd/system
    base=/etc/systemd/system/$unit
    [ -e "$base" ] || base=$1/deploy/$unit
    mkdir -p "$folder/$trial.d"
    alone "$base" >"$folder/$trial"
    for each in "$units/$unit.d" "/run/systemd/system/$unit.d" "/etc/systemd/system/$unit.d"; do
        for file in "$each"/*.conf; do
            [ ! -f "$file" ] || alone "$file" >"$folder/$trial.d/${file##*/}"
        done
    done
    cat >"$folder/$trial.d/zzzz-check-config.conf" <<END
[Service]
Type=oneshot
Restart=no
WatchdogSec=0
ExecCondition=
ExecStartPre=
ExecStart=
ExecStart=$1/bin/db-watchdog check-config
ExecStartPost=
ExecReload=
ExecStop=
ExecStopPost=
RuntimeDirectory=
RemoveIPC=no
BindReadOnlyPaths=
StandardOutput=truncate:$said
StandardError=append:$said
END
    systemctl daemon-reload
    status=0
    systemctl start "$trial" 2>/dev/null || status=$(systemctl show --property=ExecMainStatus --value "$trial")
    if [ "$status" != 0 ] && [ ! -s "$said" ]; then
        explain "$trial" >"$said" 2>&1
    fi
    rm -rf "${folder:?}/$trial" "${folder:?}/$trial.d"
    systemctl daemon-reload
    systemctl reset-failed "$trial" 2>/dev/null || true
    [ "$status" = 0 ]
}

good_configuration() {
    said=$(mktemp /run/db-watchdog-install.XXXXXX)
    if booted; then
        as_service "$1" && status=0 || status=1
    else
        (cd "$etc" && HOME=$state STATE_DIRECTORY=$state setpriv --reuid="$user" --regid="$user" --clear-groups \
            "$1/bin/db-watchdog" check-config -c "$etc/watchdog.yaml") >"$said" 2>&1 && status=0 || status=1
    fi
    answer=$(cat "$said")
    rm -f "$said"
    return "$status"
}

# ---------------------------------------------------------------------- start, or leave as it was

running() { booted && systemctl is-active --quiet "$unit"; }

take_back() {
    put_files "$old"
    if systemctl restart "$unit"; then
        die "the new release did not start (see above): ${old##*/} is current again, and runs"
    fi
    die "neither the new release nor ${old##*/}, which is current again, starts: journalctl -u db-watchdog -n 30"
}

start_service() {
    act systemctl enable --quiet "$unit"
    if ! booted; then
        did 'enabled the service: it starts at the next boot'
        return
    fi
    if ! act systemctl restart "$unit"; then
        explain "$unit" >&2
        [ -z "$old" ] || take_back
        release=''
        die 'all is installed, but the service does not start: the lines above say why. Then: systemctl start db-watchdog'
    fi
    did 'enabled and started the service'
}

switch() {
    put_files "$release"
    did "put $(basename "$release") into $prefix/current, the unit into $units, the command into $wrapper"
    if [ "$1" = start ]; then start_service; fi
    if [ -n "$old" ] && [ "$old" != "$release" ]; then
        link "releases/${old##*/}" "$prefix/previous"
        did "kept ${old##*/} as $prefix/previous: install.sh --rollback"
    fi
    # What runs on without a restart may be of any release.
    [ "$1" != start ] || prune_releases
}

report() {
    installed=$("$release/bin/db-watchdog" --version)
    printf 'db-watchdog %s: %s\n%s' "${installed##* }" "$1" "$summary"
    if [ -e "/etc/systemd/system/$unit" ]; then
        printf 'note: /etc/systemd/system/%s is yours and wins over %s/%s\n' "$unit" "$units" "$unit"
    fi
    for each in "$etc/.env" "$etc/watchdog.yaml"; do
        [ -z "$(find "$each" -maxdepth 0 -perm /o=r 2>/dev/null)" ] ||
            printf 'note: everyone may read %s; with passwords in it: chmod 0640 %s; chgrp %s %s\n' \
                "$each" "$each" "$user" "$each"
    done
    page=$(printf '%s\n' "$answer" | sed -n 's/^listens on \([^,]*:[0-9]*\),.*/http:\/\/\1\//p')
    echo 'Next:'
    [ "$2" != runs ] || [ -z "$page" ] || echo "  look at     $page"
    echo "  edit        $etc/watchdog.yaml, passwords in $etc/.env"
    echo '  then        db-watchdog check-config'
    case $2 in
    runs) echo '              systemctl reload db-watchdog' ;;
    *) echo '              systemctl enable --now db-watchdog' ;;
    esac
    echo '  see         systemctl status db-watchdog; db-watchdog probe; journalctl -u db-watchdog -o cat'
    echo "  take away   sh $prefix/current/deploy/uninstall.sh"
}

refuse() {
    printf '%s\n' "$answer" >&2
    die "the configuration is not good (above): nothing has changed, and the service runs on. Mend it, then run this again" 2
}

install_release() {
    answer=''
    if [ -n "$dry" ]; then
        did 'tried the configuration as the service'
        switch "${start:+start}"
        return
    fi
    if good_configuration "$release"; then
        switch "${start:+start}"
        if ! running; then
            report installed waits
        elif [ -n "$start" ]; then
            report 'installed, and the service runs' runs
        else
            report 'installed; what runs is as it was until systemctl restart db-watchdog' runs
        fi
        return
    fi
    ! running || refuse
    switch wait
    report 'installed, but not started: the configuration is not good' waits
    printf '%s\n' "$answer" >&2
    release=''
    exit 2
}

roll_back() {
    there "$prefix/previous" || die 'there is no previous release'
    release=$(readlink -f "$prefix/previous")
    old=$(readlink -f "$prefix/current")
    install_release
}

main() {
    read_options "$@"
    require_place
    if [ -z "$back" ]; then
        require_python
        require_source
    fi
    if [ -z "$dry" ]; then
        mkdir -p "$releases"
        exec 9<"$prefix"
        flock -n 9 || die 'another install is at work'
    fi
    ! there "$prefix/current" || old=$(readlink -f "$prefix/current")
    if [ -n "$back" ]; then
        roll_back
    else
        build
        make_user
        make_folders
        install_release
    fi
    [ -z "$dry" ] || printf 'It would then say:\n%s' "$summary"
    release=''
}

main "$@"
