"""One PostgreSQL server and the databases on it."""

from __future__ import annotations

from tools.dashboards import frame, look, marks
from tools.dashboards.frame import Board, Section, choice
from tools.dashboards.panels import Column, Label, Link, graph, stat, table, timeline
from tools.dashboards.queries import increase, select

_SERVER = 'engine="postgresql",server="$server"'
_TARGET = 'engine="postgresql",target=~"$target"'
_PHASES = {
    "resolve": "purple",
    "connect": "blue",
    "tls": "light-blue",
    "authenticate": "yellow",
    "query": "green",
}
_STATES = {
    "active": "green",
    "idle": "blue",
    "idle in transaction": "orange",
    "idle in transaction (aborted)": "red",
    "hidden": look.UNKNOWN,
}


def board(status_page: str) -> Board:
    """Return the board of one server."""
    info = select("watchdog_target_info", 'engine="postgresql"')
    own = select("watchdog_target_info", 'engine="postgresql",server="$server"')
    return frame.make(
        frame.POSTGRESQL,
        "One PostgreSQL server: what it is, who holds its connections, how fast it answers, and"
        " the databases on it.",
        status_page,
        [
            choice("server", "Server", info, several=False),
            choice("target", "Database", own, several=True, spelled_out=True),
        ],
        [
            Section("The server now", _now()),
            Section("Connections", _connections()),
            Section("Answers", _answers()),
            Section("Databases", _databases()),
            Section("What is wrong, and why", _trouble()),
            Section("Probes", _probes()),
        ],
        [
            marks.reloads(),
            marks.backups(_TARGET),
            marks.failed_backups(_TARGET),
            marks.down(_TARGET),
        ],
    )


def _now() -> list[frame.Panel]:
    def of(metric: str) -> str:
        return f"max({select(metric, _SERVER)})"

    used = of("watchdog_postgresql_connections_used")
    limit = of("watchdog_postgresql_connections_limit")
    reserved = of("watchdog_postgresql_connections_reserved")
    info = select("watchdog_server_info", _SERVER)
    return [
        stat(
            "Databases down",
            "Databases of this server that do not answer a new client now.",
            f"sum({select('watchdog_up', _TARGET)} == bool 0)",
            steps=look.NONE_IS_GOOD,
            width=3,
        ),
        stat(
            "Version",
            "server_version; while the server does not answer it is not known.",
            f"max by (version) ({info})",
            legend="{{version}}",
            named=True,
            width=3,
        ),
        stat(
            "Role",
            "Primary or standby, by pg_is_in_recovery().",
            of("watchdog_postgresql_in_recovery"),
            words=look.ROLE,
            width=3,
        ),
        stat(
            "Running for",
            "Time since the postmaster started; under ten minutes is worth a look.",
            f"time() - {of('watchdog_postgresql_start_timestamp_seconds')}",
            unit="s",
            steps=((None, look.WARN), (600, look.GOOD)),
            width=3,
        ),
        stat(
            "Connections taken",
            "Client connections, of those that ordinary roles can have: max_connections without"
            " the reserved ones.",
            f"{used} / ({limit} - {reserved})",
            unit="percentunit",
            steps=look.OF_THE_WHOLE,
            width=3,
            decimals=1,
        ),
        stat(
            "The watchdog's sight",
            "Without pg_monitor the watching role is blind to other people's sessions, and what"
            " the boards say of them is too little.",
            of("watchdog_privileges_ok"),
            words=look.SIGHT,
            width=3,
        ),
        stat(
            "Data checksums",
            "Whether data pages carry checksums; without them a damaged page may go unnoticed.",
            of("watchdog_postgresql_data_checksums"),
            words=((0, "off", look.WARN), (1, "on", look.GOOD)),
            width=3,
        ),
        stat(
            "Clock offset",
            "The server's clock minus the watchdog's, to half a round trip.",
            of("watchdog_postgresql_clock_offset_seconds"),
            unit="s",
            steps=((None, look.WARN), (-5, look.GOOD), (5, look.WARN)),
            width=3,
            decimals=3,
        ),
    ]


def _connections() -> list[frame.Panel]:
    used = select("watchdog_postgresql_connections_used", _SERVER)
    limit = select("watchdog_postgresql_connections_limit", _SERVER)
    reserved = select("watchdog_postgresql_connections_reserved", _SERVER)
    states = select("watchdog_postgresql_connections", _SERVER)
    holders = select("watchdog_postgresql_client_connections", _SERVER)
    return [
        graph(
            "Connections and their limit",
            "Client connections, how many ordinary roles can have, and how many there can be.",
            [
                (f"max({used})", "used"),
                (f"max({limit}) - max({reserved})", "usable"),
                (f"max({limit})", "max_connections"),
            ],
            width=8,
            decimals=0,
            colours={"used": "blue", "usable": look.WARN, "max_connections": look.BAD},
        ),
        graph(
            "By state",
            "Client connections by state (pg_stat_activity). Idle in transaction holds back"
            " vacuum and locks.",
            [(f"max by (state) ({states})", "{{state}}")],
            width=8,
            stacked=True,
            decimals=0,
            colours=_STATES,
        ),
        graph(
            "By holder",
            "The largest holders of connections: role, database and application name; all others"
            " together are other.",
            [
                (
                    f"max by (usename, datname, application_name) ({holders})",
                    "{{usename}} {{datname}} {{application_name}}",
                )
            ],
            width=8,
            stacked=True,
            decimals=0,
        ),
    ]


def _answers() -> list[frame.Panel]:
    query = select("watchdog_postgresql_query_duration_seconds", _SERVER)
    phases = select("watchdog_connect_duration_seconds", _TARGET)
    visits = select("watchdog_postgresql_visit_query_duration_seconds", _TARGET)
    rounds = select("watchdog_round_duration_seconds", _SERVER)
    return [
        graph(
            "A question on a kept session",
            "Round trip of SELECT 1 on the session that is kept on the server, and the whole"
            " round of the server.",
            [(f"max({query})", "SELECT 1"), (f"max({rounds})", "whole round")],
            unit="s",
            width=8,
        ),
        graph(
            "A new connection, by phase",
            "What a new client waits for: the slowest of the chosen databases in each phase.",
            [(f"max by (phase) ({phases})", "{{phase}}")],
            unit="s",
            width=8,
            stacked=True,
            colours=_PHASES,
        ),
        graph(
            "Reading the catalogue in a new session",
            "How long a fresh session in the database itself took to read pg_class.",
            [(f"max by (target) ({visits})", "{{target}}")],
            unit="s",
            width=8,
        ),
    ]


def _databases() -> list[frame.Panel]:
    sizes = select("watchdog_postgresql_database_size_bytes", _SERVER)
    return [
        timeline(
            "Up and down",
            "The chosen databases over time. A gap: nothing was known.",
            [(f"min by (target) ({select('watchdog_up', _TARGET)})", "{{target}}")],
            look.UP,
            height=5,
        ),
        _table(),
        graph(
            "Size on disk",
            "pg_database_size of the watched databases of this server.",
            [(f"max by (datname) ({sizes})", "{{datname}}")],
            unit="bytes",
        ),
        graph(
            "Growth a day",
            "How much larger each database has become within a day.",
            [(f"max by (datname) (delta({sizes}[1d]))", "{{datname}}")],
            unit="bytes",
            from_zero=False,
        ),
    ]


def _table() -> frame.Panel:
    def of(metric: str) -> str:
        return f"max by (target) ({select(metric, _TARGET)})"

    down = increase("watchdog_down_seconds_total", _TARGET, "$__range")
    observed = increase("watchdog_observed_seconds_total", _TARGET, "$__range")
    page = "${status_page:raw}/#target-${__data.fields.target}"
    backups = frame.link_to(frame.BACKUPS, target="${__data.fields.target}")
    info = select("watchdog_target_info", _TARGET)
    return table(
        "The databases now",
        "Each chosen database of the server.",
        [
            Label(
                "target",
                "Database",
                [
                    Link("Status page: cause and steps", page, outside=True),
                    Link("Its backups", backups),
                ],
            ),
            Label("datname", "Name on the server"),
        ],
        [
            Column("State", of("watchdog_up"), words=look.UP, missing="not yet known"),
            Column(
                "Availability",
                f"1 - sum by (target) ({down}) / sum by (target) ({observed})",
                "percentunit",
                steps=look.AVAILABILITY,
                decimals=3,
            ),
            Column("Hints", of("watchdog_hints"), steps=look.NONE_IS_BEST),
            Column(
                "Read-only by default",
                of("watchdog_postgresql_database_read_only"),
                words=look.YES_WARN,
            ),
            Column("Visit", of("watchdog_round_duration_seconds"), "s"),
            Column(
                "Recovery point",
                f"1000 * {of('watchdog_backup_recovery_point_timestamp_seconds')}",
                "dateTimeFromNow",
                words=look.NEVER_BAD,
            ),
        ],
        every=f"max by (target, datname) ({info})",
        height=6,
    )


def _trouble() -> list[frame.Panel]:
    failures = increase("watchdog_failures_total", _TARGET)
    hints = select("watchdog_hint_active", _TARGET)
    return [
        graph(
            "Failed rounds by kind",
            "Rounds and visits of the chosen databases that failed, by the kind of their failure."
            " Empty while none fails.",
            [(f"sum by (kind) ({failures}) > 0", "{{kind}}")],
            stacked=True,
            decimals=0,
        ),
        timeline(
            "Hints",
            "When each hint applied; the status page has cause and steps. Empty if none ever did.",
            [(f"max by (target, hint) ({hints})", "{{target}}: {{hint}}")],
            ((0, "does not apply", look.GOOD), (1, "applies", look.WARN)),
            width=12,
            height=8,
        ),
    ]


def _probes() -> list[frame.Panel]:
    success = select("watchdog_probe_success", _SERVER)
    own = select("watchdog_probe_success", _TARGET)
    duration = select("watchdog_probe_duration_seconds", _SERVER)
    return [
        timeline(
            "Answers to each probe",
            "Whether each question got an answer. A gap: it has not been asked for three of its"
            " intervals.",
            [
                (f"min by (probe) ({success})", "{{probe}}"),
                (f"min by (target, probe) ({own})", "{{target}}: {{probe}}"),
            ],
            look.OK,
            width=12,
        ),
        graph(
            "Duration of each probe",
            "How long the last run of each probe of the server took.",
            [(f"max by (probe) ({duration})", "{{probe}}")],
            unit="s",
            height=7,
        ),
    ]
