"""The overview: which databases are up, what is wrong, where to look next."""

from __future__ import annotations

from tools.dashboards import frame, look, marks
from tools.dashboards.frame import Board, Section, choice, link_to
from tools.dashboards.panels import Column, Label, Link, graph, stat, table, timeline
from tools.dashboards.queries import increase, select

_ALL = 'engine=~"$engine",target=~"$target"'
_POSTGRESQL = 'engine="postgresql",engine=~"$engine",target=~"$target"'
_SQLITE = 'engine="sqlite",engine=~"$engine",target=~"$target"'
_ROW = "instance, target"


def board(status_page: str) -> Board:
    """Return the overview."""
    return frame.make(
        frame.FLEET,
        "Every database that is watched: up or down, why, and how well it is backed up.",
        status_page,
        [
            choice("engine", "Engine", select("watchdog_target_info"), several=True),
            choice(
                "target",
                "Database",
                select("watchdog_target_info", 'engine=~"$engine"'),
                several=True,
            ),
        ],
        [
            Section("Now", _now()),
            Section("Databases", [_postgresql(), _sqlite()]),
            Section("What is wrong, and why", [_failures(), _hints()]),
            Section("Over time", _over_time()),
        ],
        # With many databases there is always one that was down or backed up.
        [marks.reloads(), marks.failed_backups(_ALL), marks.down(_ALL, shown=False)],
    )


def _now() -> list[frame.Panel]:
    up, info = select("watchdog_up", _ALL), select("watchdog_target_info", _ALL)
    observed = f"sum({increase('watchdog_observed_seconds_total', _ALL, '$__range')})"
    down = f"sum({increase('watchdog_down_seconds_total', _ALL, '$__range')})"
    point = select("watchdog_backup_recovery_point_timestamp_seconds", _ALL)
    interval = select("watchdog_backup_interval_seconds", _ALL)
    return [
        stat("Databases", "Databases that the configuration names.", f"count({info})", width=3),
        stat(
            "Down",
            "Databases that do not answer a new client now.",
            f"sum({up} == bool 0)",
            steps=look.NONE_IS_GOOD,
            width=3,
        ),
        stat(
            "Not yet known",
            "Databases that have had no first round, so that nobody can say whether they are up.",
            f"count({info}) - (count({up}) or 0 * count({info}))",
            steps=look.NONE_IS_BEST,
            width=3,
        ),
        stat(
            "Availability",
            "Of the time for which the databases were observed, the part in which they were up:"
            " exact, whatever the scrape interval. Over the time range of the board.",
            f"1 - {down} / {observed}",
            unit="percentunit",
            steps=look.AVAILABILITY,
            width=4,
            decimals=3,
        ),
        stat(
            "Active hints",
            "What the watchdog would do something about now; the status page has the steps.",
            f"sum({select('watchdog_hints', _ALL)})",
            steps=look.NONE_IS_BEST,
            width=3,
            links=[Link("Open the status page", "${status_page:raw}", outside=True)],
        ),
        stat(
            "Recovery points too old",
            "Databases that are backed up, but whose newest proven backup is older than two of"
            " its intervals, or that have none.",
            f"sum((time() - {point}) > bool on ({_ROW}) (2 * {interval}))",
            steps=look.NONE_IS_GOOD,
            width=4,
            missing="no backups",
            links=[Link("Backups and recoverability", link_to(frame.BACKUPS))],
        ),
        stat(
            "Watchdogs not answering",
            "Daemons that Prometheus cannot scrape: of their databases nothing is known.",
            'sum(up{job=~"$job",instance=~"$instance"} == bool 0)',
            steps=look.NONE_IS_GOOD,
            width=4,
            links=[Link("The watchdog itself", link_to(frame.PROCESS))],
        ),
        timeline(
            "Up and down",
            "Each database over time. A gap: nothing was known.",
            [(f"min by ({_ROW}) ({up})", "{{target}}")],
            look.UP,
        ),
    ]


def _postgresql() -> frame.Panel:
    info = select("watchdog_target_info", _POSTGRESQL)
    detail = link_to(
        frame.POSTGRESQL, server="${__data.fields.server}", target="${__data.fields.target}"
    )
    return table(
        "PostgreSQL",
        "Each PostgreSQL database now. A click on its name leads to its server.",
        [
            Label("target", "Database", [Link("Its server", detail), _page()]),
            Label("server", "Server"),
            Label("datname", "Name on the server"),
            Label("instance", "Watchdog"),
        ],
        _columns(_POSTGRESQL),
        every=f"max by ({_ROW}, server, datname) ({info})",
        sort="State",
    )


def _sqlite() -> frame.Panel:
    info = select("watchdog_target_info", _SQLITE)
    detail = link_to(frame.SQLITE, target="${__data.fields.target}")
    return table(
        "SQLite",
        "Each SQLite database now. A click on its name leads to its board.",
        [
            Label("target", "Database", [Link("Its board", detail), _page()]),
            Label("path", "File"),
            Label("instance", "Watchdog"),
        ],
        _columns(_SQLITE),
        every=f"max by ({_ROW}, path) ({info})",
        sort="State",
    )


def _page() -> Link:
    page = "${status_page:raw}/#target-${__data.fields.target}"
    return Link("Status page: cause and steps", page, outside=True)


def _columns(scope: str) -> list[Column]:
    def of(metric: str) -> str:
        return f"max by ({_ROW}) ({select(metric, scope)})"

    down = increase("watchdog_down_seconds_total", scope, "$__range")
    observed = increase("watchdog_observed_seconds_total", scope, "$__range")
    return [
        Column("State", of("watchdog_up"), words=look.UP, missing="not yet known"),
        Column(
            "Availability",
            f"1 - sum by ({_ROW}) ({down}) / sum by ({_ROW}) ({observed})",
            "percentunit",
            steps=look.AVAILABILITY,
            decimals=3,
        ),
        Column("Hints", of("watchdog_hints"), steps=look.NONE_IS_BEST),
        Column("Round", of("watchdog_round_duration_seconds"), "s"),
        Column(
            "Backed up",
            of("watchdog_backup_enabled"),
            words=((0, "no", look.WARN), (1, "yes", look.GOOD)),
        ),
        Column(
            "Recovery point",
            f"1000 * {of('watchdog_backup_recovery_point_timestamp_seconds')}",
            "dateTimeFromNow",
            words=look.NEVER_BAD,
        ),
    ]


def _failures() -> frame.Panel:
    active = select("watchdog_failure_active", _ALL)
    return table(
        "Failures now",
        "Why each database that is down is down: the kind of the failure and the phase it"
        " happened in.",
        [
            Label("target", "Database", [_page()]),
            Label("engine", "Engine"),
            Label("kind", "Kind"),
            Label("phase", "Phase"),
            Label("instance", "Watchdog"),
        ],
        [],
        every=f"max by ({_ROW}, engine, kind, phase) ({active})",
        width=12,
        missing="no database is down",
    )


def _hints() -> frame.Panel:
    active = select("watchdog_hint_active", _ALL)
    return table(
        "Hints now",
        "What would be done about it. `db-watchdog explain --code HINT` and the status page have"
        " cause and steps.",
        [
            Label("target", "Database", [_page()]),
            Label("hint", "Hint", [_page()]),
            Label("instance", "Watchdog"),
        ],
        [],
        every=f"max by ({_ROW}, hint) ({active}) == 1",
        width=12,
        missing="no hint applies",
    )


def _over_time() -> list[frame.Panel]:
    failures = increase("watchdog_failures_total", _ALL)
    hints = select("watchdog_hint_active", _ALL)
    rounds = select("watchdog_round_duration_seconds", _ALL)
    connects = select("watchdog_connect_duration_seconds", _ALL)
    return [
        graph(
            "Failed rounds by kind",
            "Rounds and visits that failed, by the kind of their failure.",
            [(f"sum by (kind) ({failures}) > 0", "{{kind}}")],
            stacked=True,
            decimals=0,
        ),
        graph(
            "Active hints",
            "How many databases each hint applied to.",
            [(f"sum by (hint) ({hints}) > 0", "{{hint}}")],
            stacked=True,
            decimals=0,
        ),
        graph(
            "Slowest rounds",
            "How long the rounds of the ten slowest databases took.",
            [(f"topk(10, max by ({_ROW}) ({rounds}))", "{{target}}")],
            unit="s",
        ),
        graph(
            "Slowest connects",
            "How long a new client of the ten slowest databases waits until it has an answer: all"
            " phases of a visit together.",
            [(f"topk(10, sum by ({_ROW}) ({connects}))", "{{target}}")],
            unit="s",
        ),
    ]
