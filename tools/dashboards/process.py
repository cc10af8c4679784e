"""The watchdog itself: does it run, is it punctual, what does it cost."""

from __future__ import annotations

from tools.dashboards import frame, look, marks
from tools.dashboards.frame import Board, Section
from tools.dashboards.panels import Column, Label, Link, graph, stat, table, timeline
from tools.dashboards.queries import increase, rate, select

_LANES = {"probes": "blue", "backups": "purple"}


def board(status_page: str) -> Board:
    """Return the board of the daemons themselves."""
    return frame.make(
        frame.PROCESS,
        "The daemons that watch: whether they answer, are punctual and run the configuration that"
        " they were given, and what they cost.",
        status_page,
        [],
        [
            Section("Now", _now()),
            Section("Punctuality", _punctuality()),
            Section("Cost", _cost()),
        ],
        [marks.reloads()],
    )


def _now() -> list[frame.Panel]:
    reload = select("watchdog_config_last_reload_successful")
    return [
        stat(
            "Not answering",
            "Daemons that Prometheus cannot scrape.",
            f"sum({select('up')} == bool 0)",
            steps=look.NONE_IS_GOOD,
        ),
        stat(
            "Configuration refused",
            "Daemons whose last reload failed: they run on the former configuration.",
            f"sum({reload} == bool 0)",
            steps=look.NONE_IS_GOOD,
        ),
        stat(
            "Largest loop lag",
            "How late the event loop woke up when it last looked, where it is worst.",
            f"max({select('watchdog_loop_lag_seconds')})",
            unit="s",
            steps=((None, look.GOOD), (0.5, look.WARN), (5, look.BAD)),
        ),
        stat(
            "Overlaps",
            "Timers that found the last run of their action still under way, over the time range:"
            " the interval is too short, or something hangs.",
            f"sum({increase('watchdog_runner_overlaps_total', window='$__range')})",
            steps=look.NONE_IS_BEST,
            decimals=0,
        ),
        stat(
            "Clock steps",
            "Steps of the machine's clock over the time range; schedules are set right after each.",
            f"sum({increase('watchdog_clock_steps_total', window='$__range')})",
            steps=look.NONE_IS_BEST,
            decimals=0,
        ),
        stat(
            "Largest memory",
            "Resident memory, where it is most.",
            f"max({select('process_resident_memory_bytes')})",
            unit="bytes",
        ),
        _table(),
        timeline(
            "Scrapes",
            "Whether Prometheus could scrape each daemon.",
            [(f"min by (instance) ({select('up')})", "{{instance}}")],
            look.UP,
            height=4,
        ),
    ]


def _table() -> frame.Panel:
    def of(metric: str) -> str:
        return f"max by (instance) ({select(metric)})"

    return table(
        "Daemons",
        "Each daemon: what it runs, since when, and on which configuration.",
        [
            Label(
                "instance",
                "Watchdog",
                [Link("Status page", "${status_page:raw}", outside=True)],
            ),
            Label("job", "Job"),
            Label("version", "Version"),
            Label("python_version", "Python"),
        ],
        [
            Column("Answers", of("up"), words=look.YES_GOOD),
            Column("Started", f"1000 * {of('process_start_time_seconds')}", "dateTimeFromNow"),
            Column(
                "Configuration",
                of("watchdog_config_last_reload_successful"),
                words=((0, "refused", look.BAD), (1, "in use", look.GOOD)),
            ),
            Column(
                "Loaded",
                f"1000 * {of('watchdog_config_last_reload_success_timestamp_seconds')}",
                "dateTimeFromNow",
            ),
            Column(
                "Databases",
                f"count by (instance) ({select('watchdog_target_info')})",
            ),
            Column("Series", of("scrape_samples_scraped")),
        ],
        every=f"max by (instance, job, version, python_version) ({select('watchdog_build_info')})",
        height=5,
        missing="no watchdog is scraped",
    )


def _punctuality() -> list[frame.Panel]:
    last = select("watchdog_probe_last_run_timestamp_seconds")
    interval = select("watchdog_probe_interval_seconds")
    return [
        graph(
            "Loop lag",
            "How late the event loop woke up: what delays it delays everything.",
            [(f"max by (instance) ({select('watchdog_loop_lag_seconds')})", "{{instance}}")],
            unit="s",
            width=8,
        ),
        graph(
            "Latest probes",
            "Age of the last run of the ten latest probes, in their own intervals: about 1 is"
            " punctual, at 3 a value expires.",
            [
                (
                    f"topk(10, max by (target, server, probe) ((time() - {last}) / {interval}))",
                    "{{target}}{{server}}: {{probe}}",
                )
            ],
            steps=((None, look.GOOD), (2, look.WARN), (3, look.BAD)),
            width=8,
            decimals=2,
        ),
        graph(
            "Actions under way",
            "Actions that run or wait for a free slot. A level that stays: more work than slots.",
            [(f"sum by (lane) ({select('watchdog_runner_actions')})", "{{lane}}")],
            width=8,
            decimals=0,
            colours=_LANES,
        ),
        graph(
            "Actions a second",
            "Actions that ran, by lane.",
            [
                (
                    f"sum by (lane) ({rate('watchdog_runner_runs_total')})",
                    "{{lane}}",
                )
            ],
            unit="ops",
            width=8,
            colours=_LANES,
        ),
        graph(
            "Overlaps",
            "Timers that found the last run of their action still under way.",
            [
                (
                    f"sum by (lane) ({increase('watchdog_runner_overlaps_total')})",
                    "{{lane}}",
                )
            ],
            width=8,
            decimals=0,
            colours=_LANES,
        ),
        graph(
            "Duration of a scrape",
            "How long Prometheus waited for /metrics; a scrape waits for no database.",
            [(f"max by (instance) ({select('scrape_duration_seconds')})", "{{instance}}")],
            unit="s",
            width=8,
        ),
    ]


def _cost() -> list[frame.Panel]:
    descriptors = select("process_open_fds")
    return [
        graph(
            "Processor",
            "Processors in use: 1 is one core all the time.",
            [
                (
                    f"max by (instance) ({rate('process_cpu_seconds_total')})",
                    "{{instance}}",
                )
            ],
            width=8,
            decimals=3,
        ),
        graph(
            "Memory",
            "Resident memory of each daemon, without what is swapped out.",
            [(f"max by (instance) ({select('process_resident_memory_bytes')})", "{{instance}}")],
            unit="bytes",
            width=8,
        ),
        graph(
            "File descriptors",
            "Open descriptors, of those that the process may have.",
            [
                (
                    f"max by (instance) ({descriptors} / {select('process_max_fds')})",
                    "{{instance}}",
                )
            ],
            unit="percentunit",
            width=8,
            decimals=2,
        ),
        graph(
            "Series",
            "Samples of each scrape.",
            [(f"max by (instance) ({select('scrape_samples_scraped')})", "{{instance}}")],
            width=12,
            decimals=0,
        ),
        graph(
            "Garbage collections a second",
            "Of Python's garbage collector, by generation.",
            [
                (
                    f"sum by (generation) ({rate('python_gc_collections_total')})",
                    "generation {{generation}}",
                )
            ],
            unit="ops",
            width=12,
        ),
    ]
