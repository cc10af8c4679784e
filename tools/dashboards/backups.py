"""Backups and recoverability: what would be lost now, and how long it takes to get it back."""

from __future__ import annotations

from tools.dashboards import frame, look, marks
from tools.dashboards.frame import Board, Section, choice
from tools.dashboards.panels import Column, Label, Link, graph, stat, table
from tools.dashboards.queries import increase, select

_SCOPE = 'target=~"$target"'
_ROW = "instance, target"
_POINT = select("watchdog_backup_recovery_point_timestamp_seconds", _SCOPE)
_INTERVAL = select("watchdog_backup_interval_seconds", _SCOPE)
_PAGE = Link(
    "Status page: cause and steps",
    "${status_page:raw}/#target-${__data.fields.target}",
    outside=True,
)


def board(status_page: str) -> Board:
    """Return the board of the backups."""
    return frame.make(
        frame.BACKUPS,
        "What would be lost if each database were lost now, how far its backups are proven, and"
        " how long a restore takes.",
        status_page,
        [choice("target", "Database", select("watchdog_target_info"), several=True)],
        [
            Section("Now", _now()),
            Section("To decide on", _to_decide_on()),
            Section("Proven again", _proven()),
            Section("Each database", [_table(), _without()]),
            Section("Over time", _over_time()),
        ],
        [marks.reloads(), marks.failed_backups(_SCOPE), marks.down(_SCOPE)],
        span="now-7d",
    )


def _now() -> list[frame.Panel]:
    attempt = select("watchdog_backup_last_attempt_successful", _SCOPE)
    enabled = select("watchdog_backup_enabled", _SCOPE)
    restored = select("watchdog_backup_last_restored_timestamp_seconds", _SCOPE)
    free = select("watchdog_destination_free_bytes", _SCOPE)
    return [
        stat(
            "Backed up",
            "Databases that the configuration backs up.",
            f"sum({enabled})",
            width=3,
        ),
        stat(
            "Not backed up",
            "Databases that the configuration does not back up.",
            f"sum({enabled} == bool 0)",
            steps=look.NONE_IS_BEST,
            width=3,
        ),
        stat(
            "Not recoverable",
            "Databases that are to be backed up and have no backup that is proven.",
            f"sum({_POINT} == bool 0)",
            steps=look.NONE_IS_GOOD,
            width=3,
            missing="no backups",
        ),
        stat(
            "Most that would be lost",
            "Age of the oldest of the newest recovery points: of a database that is lost now, all"
            " that was written since is gone. Databases without any are not in it.",
            f"max(time() - ({_POINT} > 0))",
            unit="s",
            width=3,
            missing="no recovery point",
        ),
        stat(
            "Oldest, in intervals",
            "Age of the recovery point, in intervals of its schedule, where it is worst: 1 is a"
            " backup just due, 2 is one missed.",
            f"max((time() - ({_POINT} > 0)) / on ({_ROW}) {_INTERVAL})",
            steps=look.INTERVALS,
            width=3,
            decimals=2,
            missing="no recovery point",
        ),
        stat(
            "Last attempt failed",
            "Databases whose last attempt at a backup failed.",
            f"sum({attempt} == bool 0)",
            steps=look.NONE_IS_GOOD,
            width=3,
            missing="no attempts",
        ),
        stat(
            "Never restored",
            "Databases whose backups nobody has restored in a drill: that they can be is belief.",
            f"sum({restored} == bool 0)",
            steps=look.NONE_IS_BEST,
            width=3,
            missing="no backups",
        ),
        stat(
            "Least room left",
            "Free space of the fullest destination.",
            f"min({free})",
            unit="bytes",
            steps=((None, look.BAD), (2**30, look.WARN), (10 * 2**30, look.GOOD)),
            width=3,
            missing="no backups",
        ),
    ]


def _to_decide_on() -> list[frame.Panel]:
    suspect = select("watchdog_backup_suspect", _SCOPE)
    halted = select("watchdog_backup_retention_halted", _SCOPE)
    paused = select("watchdog_backup_paused_until_timestamp_seconds", _SCOPE)
    met = select("watchdog_backup_objective_met", _SCOPE)
    return [
        stat(
            "Another database",
            "Databases whose newest backup is of a different or collapsed database: held apart"
            " until `db-watchdog accept`.",
            f"sum({suspect} == bool 1)",
            steps=look.NONE_IS_GOOD,
            width=3,
            missing="no backups",
        ),
        stat(
            "Objectives missed",
            "What may be lost, and how long the way back may take, where more is the case now.",
            f"sum({met} == bool 0)",
            steps=look.NONE_IS_GOOD,
            width=3,
            missing="no objectives",
        ),
        stat(
            "Retention halted",
            "Databases of which no backup is removed: the newest is held apart, none is proven, or"
            " the clock has moved.",
            f"sum({halted} == bool 1)",
            steps=look.NONE_IS_BEST,
            width=3,
            missing="no backups",
        ),
        stat(
            "Paused",
            "Databases whose backups a person has paused.",
            f"sum({paused} > bool time())",
            steps=look.NONE_IS_BEST,
            width=3,
            missing="no backups",
        ),
        stat(
            "Slots skipped",
            "Slots of the range that went by without a backup of their own.",
            f"sum({increase('watchdog_backup_skipped_total', _SCOPE, '$__range')})",
            steps=look.NONE_IS_BEST,
            width=4,
            decimals=0,
            missing="no backups",
        ),
        stat(
            "Began late",
            "Backups of the range that began more than a minute after their slot.",
            f"sum({increase('watchdog_backup_late_total', _SCOPE, '$__range')})",
            steps=look.NONE_IS_BEST,
            width=4,
            decimals=0,
            missing="no backups",
        ),
        stat(
            "Tried again",
            "Further tries of the range, after failures that may pass.",
            f"sum({increase('watchdog_backup_retries_total', _SCOPE, '$__range')})",
            steps=look.NONE_IS_BEST,
            width=4,
            decimals=0,
            missing="no backups",
        ),
    ]


def _proven() -> list[frame.Panel]:
    rotten = select("watchdog_backup_rotten", _SCOPE)
    hashed = select("watchdog_backup_oldest_hash_timestamp_seconds", _SCOPE)
    drilled = select("watchdog_backup_last_drill_timestamp_seconds", _SCOPE)
    successful = select("watchdog_backup_last_drill_successful", _SCOPE)
    return [
        stat(
            "Rotten",
            "Stored backups that are no longer what they were when they were taken.",
            f"sum({rotten})",
            steps=look.NONE_IS_GOOD,
            width=6,
            missing="no backups",
        ),
        stat(
            "Oldest proof of a hash",
            "How long ago the hash was last proven of the stored backup for which that is longest"
            " ago.",
            f"max(time() - ({hashed} > 0))",
            unit="s",
            width=6,
            missing="none proven",
        ),
        stat(
            "Last drill failed",
            "Databases whose last restore drill did not succeed.",
            f"sum({successful} == bool 0)",
            steps=look.NONE_IS_GOOD,
            width=6,
            missing="no drills",
        ),
        stat(
            "Longest without a drill",
            "How long ago the last restore drill was tried of the database for which that is"
            " longest ago. Databases without any are not in it.",
            f"max(time() - ({drilled} > 0))",
            unit="s",
            width=6,
            missing="no drills",
        ),
    ]


def _table() -> frame.Panel:
    def of(metric: str) -> str:
        return f"max by ({_ROW}) ({select(metric, _SCOPE)})"

    def at(title: str, metric: str, words: look.Words = look.NEVER) -> Column:
        return Column(title, f"1000 * {of(metric)}", "dateTimeFromNow", words=words)

    return table(
        "Recoverability",
        "Each database that is backed up.",
        [
            Label("target", "Database", [_PAGE]),
            Label("engine", "Engine"),
            Label("instance", "Watchdog"),
        ],
        [
            at(
                "Recovery point", "watchdog_backup_recovery_point_timestamp_seconds", look.NEVER_BAD
            ),
            Column(
                "Age in intervals",
                f"max by ({_ROW}) ((time() - ({_POINT} > 0)) / on ({_ROW}) {_INTERVAL})",
                steps=look.INTERVALS,
                decimals=2,
            ),
            Column(
                "Last attempt",
                of("watchdog_backup_last_attempt_successful"),
                words=look.OK,
                missing="none yet",
            ),
            at("Attempted", "watchdog_backup_last_attempt_timestamp_seconds"),
            at("Next", "watchdog_backup_next_run_timestamp_seconds"),
            Column("Proven to level", of("watchdog_backup_verified_level"), words=look.LEVEL),
            at("Proven", "watchdog_backup_last_verified_timestamp_seconds"),
            at("Restored in a drill", "watchdog_backup_last_restored_timestamp_seconds"),
            Column("Restore takes", of("watchdog_backup_restore_duration_seconds"), "s"),
            Column("Size", of("watchdog_backup_last_size_bytes"), "bytes"),
            Column("Taken in", of("watchdog_backup_last_duration_seconds"), "s"),
            Column("Kept", of("watchdog_backups")),
            Column("Stored", of("watchdog_backup_stored_bytes"), "bytes"),
        ],
        every=f"max by ({_ROW}, engine) ({_INTERVAL})",
        height=9,
        sort="Age in intervals",
        descending=True,
        missing="no database is backed up",
    )


def _without() -> frame.Panel:
    enabled = select("watchdog_backup_enabled", _SCOPE)
    return table(
        "Not backed up",
        "Databases that the configuration does not back up.",
        [
            Label("target", "Database", [_PAGE]),
            Label("engine", "Engine"),
            Label("instance", "Watchdog"),
        ],
        [],
        every=f"max by ({_ROW}, engine) ({enabled}) == 0",
        height=5,
        missing="every database is backed up",
    )


def _over_time() -> list[frame.Panel]:
    runs = increase("watchdog_backup_runs_total", _SCOPE)
    failures = increase("watchdog_backup_failures_total", _SCOPE)
    free = select("watchdog_destination_free_bytes", _SCOPE)

    def of(metric: str) -> str:
        return f"max by ({_ROW}) ({select(metric, _SCOPE)})"

    return [
        graph(
            "What would be lost",
            "Age of each recovery point. It falls when a backup is proven; one that only grows"
            " tells that none has been since.",
            [(f"max by ({_ROW}) (time() - ({_POINT} > 0))", "{{target}}")],
            unit="s",
        ),
        graph(
            "Age in intervals",
            "Age of each recovery point in intervals of its schedule.",
            [
                (
                    f"max by ({_ROW}) ((time() - ({_POINT} > 0)) / on ({_ROW}) {_INTERVAL})",
                    "{{target}}",
                )
            ],
            steps=look.INTERVALS,
            decimals=2,
        ),
        graph(
            "Attempts",
            "Attempts at a backup, and those that failed.",
            [
                (f"sum({runs})", "attempts"),
                (f"sum({failures})", "failed"),
            ],
            width=8,
            decimals=1,
            colours={"attempts": "blue", "failed": look.BAD},
        ),
        graph(
            "Size of the newest backup",
            "One that shrinks without a reason is worth a look.",
            [(of("watchdog_backup_last_size_bytes"), "{{target}}")],
            unit="bytes",
            width=8,
        ),
        graph(
            "Duration of the newest backup",
            "How long the newest backup of each database took.",
            [(of("watchdog_backup_last_duration_seconds"), "{{target}}")],
            unit="s",
            width=8,
        ),
        graph(
            "Stored",
            "What the backups of each database take.",
            [(of("watchdog_backup_stored_bytes"), "{{target}}")],
            unit="bytes",
            width=8,
            stacked=True,
        ),
        graph(
            "Backups kept",
            "Sealed backups of each database: retention keeps this level.",
            [(of("watchdog_backups"), "{{target}}")],
            width=8,
            decimals=0,
        ),
        graph(
            "Room left",
            "Free space of each destination.",
            [(f"min by (instance, destination) ({free})", "{{destination}}")],
            unit="bytes",
            width=8,
        ),
    ]
