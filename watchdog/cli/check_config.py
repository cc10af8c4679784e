"""``db-watchdog check-config``: every mistake at once, or what is configured."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import click

from watchdog import log
from watchdog.cli import NO, USAGE, YES
from watchdog.cli._configuration import Loading, configuration, web_configuration
from watchdog.cli._environment import run as run_loop
from watchdog.clock import SystemClock
from watchdog.config import Config
from watchdog.config.scalars import span
from watchdog.errors import ConfigurationError
from watchdog.model import BackupSettings, Target
from watchdog.results import ResultStore
from watchdog.secret import mask
from watchdog.visible import visible


@click.command(
    "check-config",
    short_help="Name every mistake in the configuration.",
    epilog="""\b
Examples:
  db-watchdog check-config
  db-watchdog check-config -c new.yaml --online""",
)
@configuration
@web_configuration
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--online", is_flag=True, help="Connect to each database, too.")
@click.pass_context
def COMMAND(  # noqa: N802 - the registry's name
    context: click.Context, loading: Loading, as_json: bool, online: bool
) -> None:
    """Read the configuration; print every mistake in it, or what it says.

    Exits 0 if it is good, 2 with each mistake as FILE:LINE:COLUMN: path.to.key:
    what is wrong, what to write. With --online: 1 if a database cannot be reached.
    """
    try:
        config = loading.load()
    except ConfigurationError as error:
        mistakes = [mask(mistake) for mistake in error.mistakes]
        if as_json:
            click.echo(_document({"ok": False, "mistakes": mistakes}))
        click.echo("\n".join(map(visible, mistakes)), err=True)
        context.exit(USAGE)
    unreached = _connect(loading, config) if online else []
    if as_json:
        described = {"ok": not unreached, "mistakes": [], **_described(config)}
        click.echo(_document({**described, "unreached": unreached} if online else described))
    else:
        _print(config)
        if online and not unreached:
            click.echo(f"\nevery database answers ({len(config.targets)})")
    for line in unreached:
        click.echo(visible(mask(line)), err=True)
    context.exit(NO if unreached else YES)


def _connect(loading: Loading, config: Config) -> list[str]:
    """Return a line for each database that cannot be reached."""
    # Imported here: only this option needs drivers.
    from watchdog.cli._round import one_round  # noqa: PLC0415

    log.configure("console", "error")
    store = ResultStore(SystemClock())
    run_loop(one_round(store, loading, config.targets))
    lines = []
    for status in store.statuses():
        if not status.up:
            failure = status.failure
            what = f"{failure.kind}: {failure.message}" if failure else "no answer"
            lines.append(f"{status.target.name}: {what} (db-watchdog probe says what to do)")
    return lines


# ------------------------------------------------------------------ for people


def _print(config: Config) -> None:
    click.echo(f"{config.source}: good")
    click.echo(f"listens on {config.listen}, relative paths begin at {config.base_dir}")
    for line in _who_may_enter(config):
        click.echo(line)
    for note in config.notes:
        click.echo(f"note: {visible(mask(note))}")
    click.echo()
    rows = [("TARGET", "URL", "PROBED", "BACKED UP")]
    rows += [_row(target) for target in config.targets]
    _print_columns(rows)


def _who_may_enter(config: Config) -> Iterator[str]:
    web = config.web
    if web.path is not None:
        number = len(web.users)
        parts = [f"passwords of {number} user{'s' if number > 1 else ''}"] if number else []
        if web.tls is not None:
            until = f" (certificate until {web.tls.expires:%Y-%m-%d})" if web.tls.expires else ""
            parts.insert(0, f"TLS{until}")
            parts += ["certificates of clients"] if web.tls.proves_clients else []
        said = ", ".join(parts) or "neither TLS nor passwords"
        yield f"{web.path}: {said}"
    if config.for_strangers:
        file, trust = ("web.config_file", "web.trust_network")
        if config.file is None:
            file, trust = ("DB_WATCHDOG_WEB_CONFIG_FILE", "DB_WATCHDOG_TRUST_NETWORK=true")
        yield (
            "beyond this machine only /metrics, /healthz and /readyz are served: for more, set"
            f" passwords or client certificates ({file}), or {trust}"
        )


def _row(target: Target) -> tuple[str, str, str, str]:
    probed = f"every {span(target.probe.interval)}, at most {span(target.probe.timeout)}"
    return target.name, target.url.masked, probed, _when_and_where(target.backup)


def _when_and_where(backup: BackupSettings | None) -> str:
    if backup is None:
        return "no"
    zone = "" if backup.schedule.startswith("@every") else f" {backup.timezone}"
    return f"{backup.schedule}{zone} to {backup.directory}"


def _print_columns(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        cells = (visible(cell).ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


# ------------------------------------------------------------------ for programs


def _document(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=2)


def _described(config: Config) -> dict[str, Any]:
    return {
        "source": config.source,
        "base_dir": str(config.base_dir),
        "listen": str(config.listen),
        "web": {
            "config_file": str(config.web.path) if config.web.path else None,
            "tls": config.web.tls is not None,
            "client_certificates": config.web.tls is not None and config.web.tls.proves_clients,
            "users": sorted(config.web.users),
            "trust_network": config.trust_network,
            "for_strangers": config.for_strangers,
        },
        "notes": [mask(note) for note in config.notes],
        "targets": [_target(target) for target in config.targets],
    }


def _target(target: Target) -> dict[str, Any]:
    backup = target.backup
    return {
        "name": target.name,
        "engine": target.engine,
        "url": target.url.masked,
        "labels": dict(target.labels),
        "probe": {
            "interval_seconds": target.probe.interval,
            "timeout_seconds": target.probe.timeout,
            "connect_interval_seconds": target.probe.connect_interval,
            "session": target.probe.session.value,
        },
        "backup": backup
        and {
            "schedule": backup.schedule,
            "timezone": backup.timezone,
            "directory": str(backup.directory),
        },
    }
