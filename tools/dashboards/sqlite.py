"""One SQLite database: the file, its write-ahead log, its disk."""

from __future__ import annotations

from tools.dashboards import frame, look, marks
from tools.dashboards.frame import Board, Section, choice
from tools.dashboards.panels import Column, Label, Link, graph, stat, table, timeline
from tools.dashboards.queries import increase, select

_TARGET = 'engine="sqlite",target="$target"'
_PHASES = {"stat": "purple", "open": "blue", "read": "green"}
_PAGE = Link("Status page: cause and steps", "${status_page:raw}/#target-$target", outside=True)


def board(status_page: str) -> Board:
    """Return the board of one file."""
    info = select("watchdog_target_info", 'engine="sqlite"')
    return frame.make(
        frame.SQLITE,
        "One SQLite database: whether it can be read, how large it is, how full its disk is.",
        status_page,
        [choice("target", "Database", info, several=False)],
        [
            Section("Now", _now()),
            Section("The file", _file()),
            Section("Readers and writers", _users()),
            Section("Inside, as its newest proven copy shows", _inside()),
            Section("Answers", _answers()),
            Section("What is wrong, and why", _trouble()),
        ],
        [
            marks.reloads(),
            marks.backups(_TARGET),
            marks.failed_backups(_TARGET),
            marks.down(_TARGET),
        ],
    )


def _of(metric: str) -> str:
    return f"max({select(metric, _TARGET)})"


def _now() -> list[frame.Panel]:
    down = f"sum({increase('watchdog_down_seconds_total', _TARGET, '$__range')})"
    observed = f"sum({increase('watchdog_observed_seconds_total', _TARGET, '$__range')})"
    backups = frame.link_to(frame.BACKUPS, target="$target")
    free = _of("watchdog_sqlite_filesystem_free_bytes")
    return [
        stat(
            "State",
            "Whether the file can be opened and read now.",
            f"min({select('watchdog_up', _TARGET)})",
            words=look.UP,
            width=3,
            missing="not yet known",
            links=[_PAGE],
        ),
        stat(
            "Availability",
            "Of the observed time in the board's range, the part in which the database was up.",
            f"1 - {down} / {observed}",
            unit="percentunit",
            steps=look.AVAILABILITY,
            width=3,
            decimals=3,
        ),
        stat(
            "Active hints",
            "What the watchdog would do something about now.",
            _of("watchdog_hints"),
            steps=look.NONE_IS_BEST,
            width=3,
            links=[_PAGE],
        ),
        stat(
            "Size",
            "Size of the database file, without its write-ahead log.",
            _of("watchdog_sqlite_file_size_bytes"),
            unit="bytes",
            width=3,
        ),
        stat(
            "Write-ahead log",
            "Size of the -wal file. One that only grows: a reader holds it back, or nothing"
            " checkpoints it.",
            _of("watchdog_sqlite_wal_size_bytes"),
            unit="bytes",
            steps=((None, look.GOOD), (64 * 2**20, look.WARN), (2**30, look.BAD)),
            width=3,
            missing="none",
        ),
        stat(
            "Free on its disk",
            "What ordinary users may still write on the file system that the database is on.",
            f"{free} / {_of('watchdog_sqlite_filesystem_size_bytes')}",
            unit="percentunit",
            steps=((None, look.BAD), (0.1, look.WARN), (0.2, look.GOOD)),
            width=3,
            decimals=1,
        ),
        stat(
            "Last written",
            "When the database or its write-ahead log was last written.",
            f"1000 * {_of('watchdog_sqlite_file_modified_timestamp_seconds')}",
            unit="dateTimeFromNow",
            width=3,
        ),
        stat(
            "Recovery point",
            "The instant whose data the newest proven backup holds.",
            f"1000 * {_of('watchdog_backup_recovery_point_timestamp_seconds')}",
            unit="dateTimeFromNow",
            words=look.NEVER_BAD,
            width=3,
            missing="not backed up",
            links=[Link("Its backups", backups)],
        ),
        timeline(
            "Up and down",
            "The database over time. A gap: nothing was known.",
            [(f"min by (target) ({select('watchdog_up', _TARGET)})", "{{target}}")],
            look.UP,
            height=4,
        ),
    ]


def _file() -> list[frame.Panel]:
    page = _of("watchdog_sqlite_page_size_bytes")
    pages, free = _of("watchdog_sqlite_pages"), _of("watchdog_sqlite_freelist_pages")
    schema = select("watchdog_sqlite_schema_version", _TARGET)
    return [
        graph(
            "Size of the files",
            "The database, its write-ahead log, and its rollback journal while there is one.",
            [
                (_of("watchdog_sqlite_file_size_bytes"), "database"),
                (_of("watchdog_sqlite_wal_size_bytes"), "-wal"),
                (_of("watchdog_sqlite_journal_size_bytes"), "-journal"),
            ],
            unit="bytes",
            width=8,
            colours={"database": "blue", "-wal": "orange", "-journal": "purple"},
        ),
        graph(
            "Pages in use and free",
            "What the pages hold: in use, and on the free list, which VACUUM would give back.",
            [
                (
                    f"({pages} - {free}) * {page}",
                    "in use",
                ),
                (f"{free} * {page}", "free"),
            ],
            unit="bytes",
            width=8,
            stacked=True,
            colours={"in use": "blue", "free": look.UNKNOWN},
        ),
        graph(
            "Free on its disk",
            "What ordinary users may still write on the file system that the database is on.",
            [
                (_of("watchdog_sqlite_filesystem_free_bytes"), "free"),
                (_of("watchdog_sqlite_filesystem_size_bytes"), "size"),
            ],
            unit="bytes",
            width=8,
            colours={"free": "green", "size": look.UNKNOWN},
        ),
        _facts(),
        graph(
            "Changes of file and schema",
            "How often another file took the database's place, and how often its schema changed.",
            [
                (
                    f"sum({increase('watchdog_sqlite_file_replaced_total', _TARGET)})",
                    "file replaced",
                ),
                (
                    f"sum(changes({schema}[$__rate_interval]))",
                    "schema changed",
                ),
            ],
            width=12,
            height=6,
            decimals=0,
        ),
    ]


def _facts() -> frame.Panel:
    def by(labels: str, metric: str) -> str:
        return f"max by (target, {labels}) ({select(metric, _TARGET)})"

    def of(metric: str) -> str:
        return f"max by (target) ({select(metric, _TARGET)})"

    return table(
        "What it is",
        "The file, where it is, and what its header and its schema say.",
        [
            Label("path", "File"),
            Label("mode", "Journal mode"),
            Label("fstype", "File system"),
            Label("mountpoint", "Mounted at"),
            Label("version", "Read with SQLite"),
        ],
        [
            Column("Tables", of("watchdog_sqlite_tables")),
            Column("user_version", of("watchdog_sqlite_user_version")),
            Column("application_id", of("watchdog_sqlite_application_id")),
            Column("Free inodes", of("watchdog_sqlite_filesystem_free_inodes"), "short"),
        ],
        every=by("path", "watchdog_target_info"),
        beside=[
            by("mode", "watchdog_sqlite_journal_mode_info"),
            by("fstype, mountpoint", "watchdog_sqlite_filesystem_info"),
            by("version", "watchdog_sqlite_library_info"),
        ],
        hidden=["target"],
        width=12,
        height=6,
    )


def _users() -> list[frame.Panel]:
    commits = increase("watchdog_sqlite_commits_total", _TARGET)
    return [
        graph(
            "Commits",
            "Commits seen between two looks. Empty in WAL mode while no application has it open.",
            [(f"sum({commits})", "commits")],
            width=8,
            decimals=0,
        ),
        graph(
            "Who stays",
            "For how long at least one write transaction has been open without a commit, and one"
            " reader has kept the log from being emptied. What is short is not seen.",
            [
                (_of("watchdog_sqlite_write_transaction_seconds"), "write transaction"),
                (_of("watchdog_sqlite_wal_pinned_seconds"), "reader in the log"),
            ],
            unit="s",
            width=8,
            colours={"write transaction": "orange", "reader in the log": "purple"},
        ),
        graph(
            "Frames in the write-ahead log",
            "Pages in use there, those that wait for a checkpoint, and those that a reader keeps."
            " Empty in rollback mode and while nobody has the file open.",
            [
                (_of("watchdog_sqlite_wal_frames"), "in use"),
                (_of("watchdog_sqlite_wal_backlog_frames"), "wait for a checkpoint"),
                (_of("watchdog_sqlite_wal_pinned_frames"), "kept by a reader"),
            ],
            unit="short",
            width=8,
            decimals=0,
        ),
    ]


def _inside() -> list[frame.Panel]:
    tables = select("watchdog_sqlite_table_size_bytes", _TARGET)
    return [
        graph(
            "Largest tables",
            "Size of each with its indexes; the other tables together. Empty without backups, or"
            " where SQLite was built without dbstat.",
            [
                (f"topk(10, max by (relname) ({tables}))", "{{relname}}"),
                (_of("watchdog_sqlite_other_tables_size_bytes"), "others together"),
            ],
            unit="bytes",
            width=12,
        ),
        graph(
            "What its proof took",
            "How long quick_check and integrity_check of the copy took, and how long writers had"
            " to wait while it was taken.",
            [
                (_of("watchdog_sqlite_quick_check_duration_seconds"), "quick_check"),
                (_of("watchdog_sqlite_integrity_check_duration_seconds"), "integrity_check"),
                (_of("watchdog_sqlite_copy_stall_seconds"), "writers waited"),
            ],
            unit="s",
            width=8,
        ),
        stat(
            "Broken foreign keys",
            "Rows of the copy that point to rows that are not there.",
            _of("watchdog_sqlite_foreign_key_violations"),
            steps=look.NONE_IS_BEST,
            width=4,
            height=8,
            missing="not looked at",
        ),
    ]


def _answers() -> list[frame.Panel]:
    phases = select("watchdog_connect_duration_seconds", _TARGET)
    success = select("watchdog_probe_success", _TARGET)
    duration = select("watchdog_probe_duration_seconds", _TARGET)
    return [
        graph(
            "A visit, by phase",
            "How long it took to look at the file, to open it, and to read from it.",
            [(f"max by (phase) ({phases})", "{{phase}}")],
            unit="s",
            width=8,
            stacked=True,
            colours=_PHASES,
        ),
        graph(
            "Duration of each probe",
            "How long the last run of each probe took, and the whole round.",
            [
                (f"max by (probe) ({duration})", "{{probe}}"),
                (_of("watchdog_round_duration_seconds"), "whole round"),
            ],
            unit="s",
            width=8,
        ),
        timeline(
            "Answers to each probe",
            "Whether each question got an answer. A gap: it has not been asked for three of its"
            " intervals.",
            [(f"min by (probe) ({success})", "{{probe}}")],
            look.OK,
            width=8,
            height=8,
        ),
    ]


def _trouble() -> list[frame.Panel]:
    failures = increase("watchdog_failures_total", _TARGET)
    hints = select("watchdog_hint_active", _TARGET)
    return [
        graph(
            "Failed rounds by kind",
            "Rounds of the database that failed, by the kind of their failure. Empty while none"
            " fails.",
            [(f"sum by (kind) ({failures}) > 0", "{{kind}}")],
            stacked=True,
            decimals=0,
        ),
        timeline(
            "Hints",
            "When each hint applied; the status page has cause and steps. Empty if none ever did.",
            [(f"max by (hint) ({hints})", "{{hint}}")],
            ((0, "does not apply", look.GOOD), (1, "applies", look.WARN)),
            width=12,
            height=8,
        ),
    ]
