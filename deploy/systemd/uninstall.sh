#!/bin/sh
# Takes away what install.sh made. As root: sh deploy/systemd/uninstall.sh, or
# without the project: sh /opt/db-watchdog/current/deploy/uninstall.sh
#
# The configuration in /etc/db-watchdog, drop-ins of the unit, the backups and all
# else in /var/lib/db-watchdog, and the user they belong to stay, unless --purge.
# Backups kept anywhere else stay in any case. Exit status: 0 done, 1 failed, 2 usage.
set -eu

user=db-watchdog
unit=db-watchdog.service
prefix=/opt/db-watchdog
etc=/etc/db-watchdog
state=/var/lib/db-watchdog
units=/usr/local/lib/systemd/system
drop_ins=/etc/systemd/system/$unit.d
wrapper=/usr/local/bin/db-watchdog

purge='' yes='' dry='' elsewhere=''

usage() {
    cat <<'END'
Usage: uninstall.sh [OPTION...]

  --purge      delete the configuration, the state with the backups in it, and the
               user, too; asks for the word purge typed back
  --yes        do not ask
  --dry-run    only say what would be done
  -h, --help   show this
END
}

die() { printf 'uninstall.sh: %s\n' "$1" >&2; exit "${2:-1}"; }
say() { printf '  %s\n' "$*"; }
act() {
    if [ -n "$dry" ]; then say "would run: $*"; else "$@"; fi
}
did() { [ -n "$dry" ] || say "$@"; }
there() { [ -e "$1" ] || [ -L "$1" ]; }
booted() { [ -d /run/systemd/system ]; }

read_options() {
    for option in "$@"; do
        case $option in
        --purge) purge=yes ;;
        --yes) yes=yes ;;
        --dry-run) dry=yes ;;
        -h | --help) usage; exit 0 ;;
        *) die "$option: no such option
uninstall.sh --help lists the options" 2 ;;
        esac
    done
    [ -n "$dry" ] || [ "$(id -u)" = 0 ] || die 'this takes root: sudo sh uninstall.sh'
    command -v systemctl >/dev/null || die 'no systemctl here: there is no service of systemd to take away'
}

# ---------------------------------------------------------------------- what would be lost

# A line for each folder of backups that the configuration names outside the
# state folder: they stay, and belong to the user, who therefore stays as well.
backups_elsewhere() {
    named_by_program || named_by_letter | sort -u | while read -r directory; do
        case $directory/ in "$state"/*) ;; *) printf '%s\n' "$directory" ;; esac
    done
}

named_by_program() {
    named=$("$wrapper" check-config --json 2>/dev/null) || return 1
    printf '%s' "$named" | "$prefix/bin/python" -c '
import json, sys
folders = {target["backup"]["directory"] for target in json.load(sys.stdin)["targets"] if target["backup"]}
print(*sorted(each for each in folders if not f"{each}/".startswith(sys.argv[1] + "/")), sep="\n")' "$state"
}

# For when the program is gone, or does not take its configuration.
named_by_letter() {
    [ -e "$etc/watchdog.yaml" ] || return 0
    sed -nE "s/^([^#]*[^a-z_#])?directory:[[:space:]]*[\"']?((\\\$\{[^}]*\}|[^]{}[\"',#])*).*/\2/p" "$etc/watchdog.yaml" |
        sed -E "s/[[:space:]]*\$//; /^\$/d; s|^([^/\$])|$etc/\1|"
}

backups_in() { find -P "$1" -xdev -name '*.manifest.json' 2>/dev/null; }

warn() {
    echo 'This deletes for good:'
    for each in "$etc" "$drop_ins" "$state"; do
        ! there "$each" || say "$each"
    done
    backups=$(backups_in "$state" | wc -l)
    [ "$backups" = 0 ] || say "and with it $backups backups ($(du -shx "$state" | cut -f1)): copy away what is still needed"
    [ -z "$elsewhere" ] || printf 'Not deleted, backups elsewhere:\n%s\n' "$(printf '%s\n' "$elsewhere" | sed 's/^/  /')"
}

ask() {
    if [ -n "$yes" ] || [ -n "$dry" ]; then return; fi
    printf 'Type purge to go on: '
    word=''
    read -r word || true
    [ "$word" = purge ] || die 'nothing was deleted (--yes does not ask)'
}

# ---------------------------------------------------------------------- what install.sh made

stop_service() {
    if booted && systemctl is-active --quiet "$unit"; then
        act systemctl stop "$unit"
        did 'stopped the service'
    fi
    if systemctl is-enabled --quiet "$unit" 2>/dev/null; then
        act systemctl disable --quiet "$unit"
        did 'disabled the service'
    fi
}

remove() {
    ! there "$1" || { act rm -rf --one-file-system "$1" && did "removed $1"; }
}

remove_unit() {
    # Before install.sh, it was copied there by hand; one that was changed is the operator's.
    by_hand=/etc/systemd/system/$unit
    if [ -e "$by_hand" ] && cmp -s "$by_hand" "$units/$unit"; then
        remove "$by_hand"
    fi
    ! there "$by_hand" || say "kept $by_hand: it is not install.sh's"
    remove "$units/$unit"
    for each in "$units" "${units%/*}"; do
        [ ! -d "$each" ] || act rmdir --ignore-fail-on-non-empty "$each"
    done
    if booted; then
        act systemctl daemon-reload
        act systemctl reset-failed "$unit" 2>/dev/null || true
    fi
}

remove_program() {
    if there "$wrapper" && grep -q "^unit=$unit" "$wrapper"; then
        remove "$wrapper"
    fi
    # By name: somebody may keep other things there, even backups.
    for each in releases current previous; do
        remove "$prefix/$each"
    done
    [ ! -L "$prefix/bin" ] || remove "$prefix/bin"
    [ ! -d "$prefix" ] || act rmdir "$prefix" 2>/dev/null || say "kept $prefix: other things are in it"
}

# ---------------------------------------------------------------------- what is the operator's

purge_all() {
    if [ -n "$(backups_in "$etc")" ]; then
        say "kept $etc: backups are in it"
    else
        remove "$etc"
    fi
    remove "$drop_ins"
    if [ -L "$state" ]; then
        say "kept what is in $(readlink -f "$state"): $state was a link to it"
    fi
    remove "$state" || say "kept what is mounted below $state"
    if [ -n "$elsewhere" ] || { [ -z "$dry" ] && there "$state"; }; then
        say "kept the user $user, whose backups are left; later: userdel $user"
        return
    fi
    if getent passwd "$user" >/dev/null; then
        act userdel "$user" && did "removed the user $user"
    fi
    if getent group "$user" >/dev/null && [ -z "$dry" ]; then
        act groupdel "$user"
    fi
}

main() {
    read_options "$@"
    elsewhere=$(backups_elsewhere)
    if [ -n "$purge" ]; then
        warn
        ask
    fi
    echo 'db-watchdog:'
    stop_service
    remove_unit
    remove_program
    if [ -n "$purge" ]; then
        purge_all
        return
    fi
    for each in "$etc" "$drop_ins" "$state"; do
        ! there "$each" || say "kept $each"
    done
    ! getent passwd "$user" >/dev/null || say "kept the user $user, to whom they belong"
    echo 'All of it goes with --purge: sh deploy/systemd/uninstall.sh --purge, in the project'
}

# Read whole before it runs: it removes its own file.
main "$@"
