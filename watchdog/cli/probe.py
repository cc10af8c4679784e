"""``db-watchdog probe``: one round now."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click
from rich.table import Table
from rich.text import Text

from watchdog import log
from watchdog.cli import NO, USAGE, YES
from watchdog.cli._configuration import Loading, configuration, named_targets
from watchdog.cli._console import plain_console
from watchdog.cli._environment import run as run_loop
from watchdog.cli._round import one_round
from watchdog.clock import SystemClock
from watchdog.errors import ConfigurationError, UsageError
from watchdog.results import ResultStore, ServerStatus, Status
from watchdog.secret import mask
from watchdog.visible import visible
from watchdog.web.documents import hint_of, targets_document

_NAGIOS_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_NAGIOS_USAGE = 3


class _Probe(click.Command):
    """With ``--nagios`` a mistake in usage is said in that language too: 2 would mean down."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        nagios = "--nagios" in args
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            if not nagios:
                raise
            _say_unknown(error.format_message())
            ctx.exit(_NAGIOS_USAGE)


@click.command(
    "probe",
    short_help="Make one round now: a line a target.",
    cls=_Probe,
    epilog="""\b
Examples:
  db-watchdog probe
  db-watchdog probe auth-service --json
  db-watchdog probe --nagios auth-service""",
)
@click.argument("targets", nargs=-1)
@configuration
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option(
    "--nagios",
    is_flag=True,
    help="Print one line; exit 0 up, 1 up with a hint, 2 down, 3 usage or configuration.",
)
@click.option("--debug", is_flag=True, help="Print phases, probes and samples too.")
@click.pass_context
def COMMAND(  # noqa: N802 - the registry's name
    context: click.Context,
    targets: tuple[str, ...],
    loading: Loading,
    as_json: bool,
    nagios: bool,
    debug: bool,
) -> None:
    """Make one round now: a line a target, each failure with its hint.

    Exits 0 if all targets are up, 1 if one is not, 2 for a mistake in usage
    or configuration.
    """
    if nagios and as_json:
        _say_unknown("--nagios prints one line, --json a document: write one of them")
        context.exit(_NAGIOS_USAGE)
    try:
        config = loading.load()
        chosen = named_targets(config, targets) or config.targets
    except (ConfigurationError, UsageError) as error:
        if not nagios:
            raise
        _say_unknown(str(error))
        context.exit(_NAGIOS_USAGE)
    log.configure("console", "debug" if debug else "error")
    store = ResultStore(SystemClock())
    run_loop(one_round(store, loading, chosen, look_closer=not nagios))
    statuses = store.statuses()
    if nagios:
        context.exit(_print_nagios(statuses))
    language = config.log.language
    if as_json:
        click.echo(json.dumps(targets_document(statuses, language), ensure_ascii=False, indent=2))
    else:
        _print_lines(statuses, language)
        if debug:
            _print_debug(statuses, store.servers())
    context.exit(YES if all(status.up for status in statuses) else NO)


# ------------------------------------------------------------------ what people see


def _print_lines(statuses: Sequence[Status], language: str) -> None:
    console = plain_console()
    if not statuses:
        console.print("No targets are configured: write some into config/watchdog.yaml.")
        return
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="dim")
    for heading in ("", "target", "engine", "round-trip", "what"):
        table.add_column(heading, overflow="fold")
    for status in statuses:
        table.add_row(
            _mark(status),
            status.target.name,
            status.target.engine,
            _milliseconds(status),
            Text(_what(status)),
        )
    console.print(table)
    for status in statuses:
        for active in status.hints:
            hint = hint_of(active.failure, language, status.known)
            if hint is None:
                continue
            console.print()
            console.print(Text(f"{status.target.name}: {hint.title}", style="bold"))
            console.print(Text(f"  {hint.cause}  [{hint.id}]"))
            for sentence in hint.findings:
                console.print(Text(f"  - {sentence}"))
            for number, step in enumerate(hint.steps, start=1):
                console.print(Text(f"  {number}. {step}"))
            console.print(Text(f"  {hint.documentation}", style="dim"))


def _mark(status: Status) -> Text:
    if status.up and status.hints:
        return Text("up !", style="yellow")
    return Text("up", style="green") if status.up else Text("DOWN", style="bold red")


def _milliseconds(status: Status) -> str:
    return "" if status.round_duration is None else f"{status.round_duration * 1000:.1f} ms"


def _what(status: Status) -> str:
    if status.failure is None:
        return status.target.url.masked
    where = f"{status.failure.kind}/{status.failure.phase or '-'}"
    code, message = status.failure.code, mask(status.failure.message)
    return f"{where} {code}: {message}" if code and code not in message else f"{where}: {message}"


def _print_debug(statuses: Sequence[Status], servers: Sequence[ServerStatus]) -> None:
    for status in statuses:
        click.echo(f"\n{status.target.name}")
        _print_course(status)
    for server in servers:
        click.echo(f"\nserver {server.server.name} {visible(str(dict(server.facts)))}")
        _print_course(server)


def _print_course(status: Status | ServerStatus) -> None:
    for phase, seconds in status.phases.items():
        click.echo(f"  phase {phase:<13} {seconds * 1000:8.2f} ms")
    for run in status.probes.values():
        click.echo(f"  probe {run.probe:<13} {run.duration * 1000:8.2f} ms")
        if run.failure is not None:
            click.echo(f"    failed: {visible(mask(run.failure.message))}")
        for sample in run.answer.samples:
            labels = dict(zip(sample.metric.labels, sample.labels, strict=True))
            click.echo(f"    {sample.metric.name} {visible(str(labels or ''))} {sample.value:g}")


def _print_nagios(statuses: Sequence[Status]) -> int:
    """Print a line as the plug-in guidelines have it, and return the exit status."""
    if not statuses:
        _say_unknown("no targets are configured")
        return _NAGIOS_USAGE
    down = [s for s in statuses if not s.up]
    hinted = [s for s in statuses if s.up and s.hints]
    level = USAGE if down else NO if hinted else YES
    said = [f"{s.target.name} down: {_what(s)}" for s in down]
    said += [f"{s.target.name}: {', '.join(h.id for h in s.hints)}" for s in hinted]
    text = "; ".join(said) or f"{len(statuses)} up"
    figures = " ".join(
        f"'{s.target.name}'={s.round_duration:.6f}s" for s in statuses if s.round_duration
    )
    click.echo(f"DB-WATCHDOG {_NAGIOS_WORDS[level]} - {_on_one_line(text)} | {figures}")
    return level


def _say_unknown(text: str) -> None:
    click.echo(f"DB-WATCHDOG UNKNOWN - {_on_one_line(mask(text).strip().splitlines()[0])}")


def _on_one_line(text: str) -> str:
    """Return *text* without what ends a plug-in's line or begins its figures."""
    return visible(" ".join(text.split())).replace("|", "/")
