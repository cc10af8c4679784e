"""The keys of the configuration file: names, types, defaults and what they mean.

Owns: the one description that validation, the JSON Schema and the
documentation are made from. Must not know: files, positions, targets.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from watchdog.config import fields, scalars
from watchdog.config.drill import Drill, OptionalDrill
from watchdog.config.keys import Keys, SwitchToo, on_or_off
from watchdog.config.settings import Listen

DEFAULT_SCHEDULE = "0 3 * * *"


class Log(Keys):
    """What the log looks like."""

    format: fields.LogFormat = Field(
        default="auto",
        description="auto is console on a terminal and JSON elsewhere.",
        examples=["json"],
    )
    level: fields.LogLevel = Field(
        default="info", description="The least important records to be written.", examples=["info"]
    )
    language: fields.Language = Field(
        default="en",
        description="The language of hints, wherever they are shown, and of the status page.",
        examples=["en"],
    )


class Web(Keys):
    """What HTTP shows to whom, and what it allows."""

    config_file: fields.FilePath | None = Field(
        default=None,
        description="TLS, passwords and headers, in the format of Prometheus' exporter-toolkit; "
        "read again when it or a certificate changes. --web.config.file of run goes before it.",
        examples=["/etc/db-watchdog/web.yml"],
    )
    trust_network: fields.Switch = Field(
        default=False,
        description="Whether whoever reaches an address beyond loopback may see everything "
        "without a password or certificate; without it: /metrics, /healthz and /readyz alone.",
        examples=[True],
    )

    reload: fields.Switch = Field(
        default=False,
        description="Whether POST /-/reload reads the configuration again; without it: 403.",
        examples=[True],
    )


class Probe(Keys):
    """How a target is probed."""

    interval: fields.Interval = Field(
        default=15.0, description="Time between two rounds.", examples=["15s"]
    )
    timeout: fields.Timeout | None = Field(
        default=None,
        description="A round or visit that takes longer is a failure; shorter than interval. "
        "Without it 5s, or two thirds of interval if that is less.",
        examples=["5s"],
    )
    connect_interval: fields.Interval = Field(
        default=60.0,
        description="Time between two visits, each a fresh connection to the database itself; "
        "never less than interval.",
        examples=["60s"],
    )
    session: fields.Session = Field(
        default="held",
        description="held keeps one session per PostgreSQL server, per-round none between rounds.",
        examples=["held"],
    )
    write_lock: fields.Switch = Field(
        default=False,
        description="Whether to time how long a writer waits for a SQLite file's write lock: it "
        "opens the file for writing, begins a transaction and rolls it back at once.",
        examples=[True],
    )

    tables: fields.Cap = Field(
        default=20,
        description="How many tables, indexes and sequences of a database have series of their "
        "own, those that matter most first; the rest is counted and added up.",
        examples=[50],
    )
    statements: fields.Cap = Field(
        default=0,
        description="How many statements of pg_stat_statements have series of their own, by "
        "their total time; never their text.",
        examples=[10],
    )

    @field_validator("timeout")
    @classmethod
    def _below_interval(cls, timeout: float | None, info: ValidationInfo) -> float | None:
        interval = info.data.get("interval")
        if timeout is not None and interval is not None and timeout >= interval:
            raise ValueError(
                f"{scalars.span(timeout)} is not shorter than the interval of "
                f"{scalars.span(interval)}: write a shorter timeout or a longer interval"
            )
        return timeout


class Keep(Keys):
    """Which backups stay: a number for each reason; what is not written keeps none."""

    last: fields.Count = Field(default=None, description="The newest ones.", examples=[3])
    hourly: fields.Count = Field(default=None, description="The last of each hour.", examples=[24])
    daily: fields.Count = Field(default=None, description="The last of each day.", examples=[7])
    weekly: fields.Count = Field(default=None, description="The last of each week.", examples=[4])
    monthly: fields.Count = Field(default=None, description="The last of each month.", examples=[3])
    yearly: fields.Count = Field(default=None, description="The last of each year.", examples=[1])
    min_free: fields.Size | None = Field(
        default=None,
        description="What no other number keeps stays as well, as long as the destination has so "
        "much left; of that the oldest go first.",
        examples=["50GB"],
    )


class Objectives(Keys):
    """What a fire may cost: how much may be lost, how long the way back may take."""

    rpo: fields.Objective | None = Field(
        default=None,
        description="The age up to which the newest proven data may grow: longer than the gaps of "
        "the schedule.",
        examples=["6h"],
    )
    rto: fields.Objective | None = Field(
        default=None,
        description="The time that the way back may take, as the last restore drill measured it.",
        examples=["15m"],
    )


def _keep_something(keep: Keep) -> Keep:
    if not any(getattr(keep, period) for period in type(keep).model_fields):
        raise ValueError("keeps nothing: write at least one number above 0, like last: 3")
    return keep


class Selection(Keys):
    """Parts of a PostgreSQL database, each by a pattern as pg_dump has them."""

    schemas: list[fields.Pattern] = Field(
        default_factory=list, description="Schemas with all that is in them.", examples=[["app"]]
    )
    tables: list[fields.Pattern] = Field(
        default_factory=list, description="Tables, views and sequences.", examples=[["audit.*"]]
    )


class Exclusion(Selection):
    """Parts of a PostgreSQL database that are left out of its backups."""

    data: list[fields.Pattern] = Field(
        default_factory=list,
        description="Tables that are kept as they are, without their rows.",
        examples=[["public.cache_*"]],
    )


class Backup(Keys):
    """When and where a target is backed up."""

    schedule: fields.ScheduleText = Field(
        default=DEFAULT_SCHEDULE,
        description="A line as in crontab(5), @hourly @daily @weekly @monthly @yearly, or "
        "@every DURATION, which counts from the last attempt.",
        examples=["0 3 * * *", "@every 6h"],
    )
    timezone: fields.Timezone = Field(
        default="UTC",
        description="The time zone of the schedule.",
        examples=["UTC", "Europe/Berlin"],
    )
    directory: fields.FilePath | None = Field(
        default=None,
        description="The folder of backups; each target has its own inside. No default, but "
        "systemd's state directory under our unit.",
        examples=["backups", "/var/backups/db-watchdog"],
    )
    keep: Keep = Field(
        default_factory=lambda: Keep.model_construct(last=3, daily=7, weekly=4, monthly=3),
        description="Which backups stay, a number for each reason; what is not written keeps none.",
        examples=[{"last": 3, "daily": 7}],
        json_schema_extra={"default": {"last": 3, "daily": 7, "weekly": 4, "monthly": 3}},
    )
    url: fields.Url | None = Field(
        default=None,
        description="The database's direct URL for backups, where the target's own leads "
        "through a pooler.",
        examples=["postgresql://codelab@postgres:5432/agent_runtime"],
    )
    spread: fields.Spread = Field(
        default=0.0,
        description="Targets of one schedule start spread over this time, each always alike.",
        examples=["60m"],
    )
    run_on_start: fields.Switch = Field(
        default=False,
        description="Whether a target that was never backed up is backed up at start.",
        examples=[True],
    )
    timeout: fields.LongTimeout = Field(
        default=6 * 3600.0, description="A backup that takes longer is cancelled.", examples=["6h"]
    )
    no_progress: fields.LongTimeout = Field(
        default=900.0,
        description="A dump or copy that writes nothing for so long is cancelled.",
        examples=["15m"],
    )
    yield_after: fields.LongTimeout | None = Field(
        default=None,
        description="A dump that another session has waited behind for so long is cancelled and "
        "tried again later; without it, it goes on. Costs one more connection.",
        examples=["30s"],
    )
    role_globals: fields.Switch = Field(
        default=True,
        description="Whether roles, their settings and tablespaces are written beside a dump, as "
        "far as the login may read them (pg_dumpall --globals-only).",
        examples=[False],
    )
    include: Selection = Field(
        default_factory=Selection,
        description="PostgreSQL: only these are backed up; without it everything is.",
        examples=[{"schemas": ["app"]}],
    )
    exclude: Exclusion = Field(
        default_factory=Exclusion,
        description="PostgreSQL: these are left out.",
        examples=[{"tables": ["audit.*"], "data": ["public.cache_*"]}],
    )
    proof: fields.ProofChoice = Field(
        default="auto",
        description="What is counted at the instant of a backup, to be compared with a copy: counts"
        " is the rows of each table, digests what is in them, too (slow), off nothing. auto counts"
        " up to 100 GiB of PostgreSQL and 20 GiB of SQLite (1 GiB in rollback mode, where writers"
        " wait meanwhile) and claims a lower level of proof above.",
        examples=["auto"],
    )
    drill: OptionalDrill = Field(
        default_factory=Drill.model_construct,
        description="When and where the newest backup is restored into scratch; false for never.",
        examples=[{"schedule": "@every 7d", "server": "local"}, False],
        json_schema_extra={"default": {"schedule": "@every 7d", "server": "auto"}},
    )
    objectives: Objectives = Field(
        default_factory=Objectives,
        description="What a fire may cost; where it would cost more, that is said.",
        examples=[{"rpo": "26h", "rto": "15m"}],
    )

    @field_validator("keep")
    @classmethod
    def _keeps(cls, keep: Keep) -> Keep:
        return _keep_something(keep)


OptionalBackup = Annotated[Backup | None, BeforeValidator(on_or_off), SwitchToo()]


class Defaults(Keys):
    """What holds for every target that does not say otherwise."""

    probe: Probe = Field(
        default_factory=Probe,
        description="How targets are probed.",
        examples=[{"interval": "15s", "timeout": "5s"}],
    )
    backup: OptionalBackup = Field(
        default=None,
        description="When and where targets are backed up; without it they are not.",
        examples=[{"schedule": "0 3 * * *", "directory": "backups"}],
    )


class Target(Keys):
    """A database that is watched."""

    name: fields.TargetName = Field(
        description="The target's name in metrics, pages and folders.", examples=["agent-runtime"]
    )
    url: fields.Url = Field(
        description="The database's URL, as the application has it.",
        examples=[
            "postgresql://codelab@postgres:5432/agent_runtime",
            "postgresql://codelab:${POSTGRES_PASSWORD}@postgres:5432/agent_runtime",
            "sqlite:///data/agent_runtime.db",
        ],
    )
    password_file: fields.Password | None = Field(
        default=None,
        description="A file of mode 0600 that holds the password; read again when a login fails.",
        examples=["/run/credentials/db-watchdog.service/agent-runtime"],
    )
    labels: dict[fields.LabelName, fields.LabelValue] = Field(
        default_factory=dict,
        description="Labels of watchdog_target_info, each as label_NAME.",
        examples=[{"team": "codelab"}],
    )
    probe: Probe = Field(
        default_factory=Probe,
        description="What differs from defaults.probe.",
        examples=[{"interval": "5m"}],
    )
    backup: OptionalBackup = Field(
        default=None,
        description="What differs from defaults.backup; false turns backups of this target off.",
        examples=[{"schedule": "@every 6h"}, False],
    )


class Root(Keys):
    """The configuration file of db-watchdog."""

    listen: fields.Address = Field(
        default_factory=Listen,
        json_schema_extra={"default": str(Listen())},
        description="Where metrics and pages are served.",
        examples=["127.0.0.1:10187", "[::1]:10187", "unix:/run/db-watchdog/http.sock"],
    )
    log: Log = Field(
        default_factory=Log,
        description="Form, level and language of the log.",
        examples=[{"format": "json"}],
    )
    web: Web = Field(
        default_factory=Web,
        description="Who may do what over HTTP.",
        examples=[{"config_file": "/etc/db-watchdog/web.yml"}],
    )
    state_directory: fields.FilePath | None = Field(
        default=None,
        description="Where the daemon keeps what outlives it: incidents, and which destinations it "
        "has seen. DB_WATCHDOG_STATE_DIRECTORY goes before it; without both systemd's state "
        "directory, /var/lib/db-watchdog for root, ~/.local/state/db-watchdog for others.",
        examples=["/var/lib/db-watchdog"],
    )
    defaults: Defaults = Field(
        default_factory=Defaults,
        description="What holds for every target unless it says otherwise.",
        examples=[{"probe": {"interval": "30s"}}],
    )
    targets: list[Target] = Field(
        description="The databases that are watched.",
        min_length=1,
        examples=[[{"name": "agent-runtime", "url": "sqlite:///data/agent_runtime.db"}]],
    )
