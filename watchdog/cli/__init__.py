"""The command line: one file a command, found by scanning this package.

Owns: the group, exit codes (0 yes, 1 no or failed, 2 usage or
configuration) and how errors reach a person. Must not know: SQL, metrics.
A command's module exports ``COMMAND``, a ``click.Command``.
"""

from __future__ import annotations

import difflib
import importlib
import json
import os
import pkgutil
import sys
from collections.abc import Sequence
from typing import Final

import click

from watchdog import __version__
from watchdog.cli._environment import leave
from watchdog.cli._tracebacks import mask_tracebacks
from watchdog.errors import ConfigurationError, UsageError, WatchdogError
from watchdog.secret import mask
from watchdog.visible import visible, visible_lines

YES: Final = 0
NO: Final = 1
USAGE: Final = 2
_NOT_YET: Final = ("compare", "migrate")


class Commands(click.Group):
    """Imports a command's module only when it is called or listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of all commands, sorted."""
        names = (info.name for info in pkgutil.iter_modules(__path__))
        return sorted(name.replace("_", "-") for name in names if not name.startswith("_"))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return a command by its name, ``None`` if there is no such one."""
        if name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
        command: click.Command = module.COMMAND
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return what is called. Raises ``UsageError`` that says what was perhaps meant."""
        if args and args[0] not in self.list_commands(ctx) and not args[0].startswith("-"):
            raise UsageError(_no_command(args[0], self.list_commands(ctx)))
        return super().resolve_command(ctx, args)


def _no_command(word: str, known: Sequence[str]) -> str:
    if word in _NOT_YET:
        return f"there is no command {word} yet: docs/migrate.md has the way with stock commands"
    near = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    said = f"did you mean {near[0]}?" if near else "db-watchdog --help lists them"
    return f"there is no command {word}: {said}"


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with: db-watchdog check-config, then db-watchdog probe.",
)
@click.version_option(__version__, prog_name="db-watchdog")
def cli() -> None:
    """Keep PostgreSQL and SQLite databases honest: probe, export, back up, explain."""


def _tell_programs(error: str, **more: object) -> None:
    """Print on stdout, too, why there is nothing else, where a document was asked for."""
    if "--json" in sys.argv[1:] and "--nagios" not in sys.argv[1:]:
        click.echo(json.dumps({"error": error, **more}, ensure_ascii=False))


def main() -> None:
    """Run the command line and exit with its status."""
    mask_tracebacks()
    try:
        status = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        status = NO
    except click.ClickException as error:
        error.show()
        _tell_programs(error.format_message())
        status = USAGE
    except click.exceptions.Exit as error:
        status = error.exit_code
    except ConfigurationError as error:
        mistakes = [mask(line) for line in error.mistakes]
        click.echo("\n".join(map(visible, mistakes)), err=True)
        _tell_programs("; ".join(mistakes), mistakes=mistakes)
        status = USAGE
    except WatchdogError as error:
        click.echo(f"db-watchdog: {visible_lines(mask(str(error)))}", err=True)
        _tell_programs(mask(str(error)))
        status = USAGE if isinstance(error, UsageError) else NO
    except BrokenPipeError:
        # Who read has gone: there is nobody to tell, at the last flush neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = NO
    leave(status if isinstance(status, int) else YES)
