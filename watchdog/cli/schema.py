"""``db-watchdog schema``: the JSON Schema of the configuration file."""

from __future__ import annotations

import json

import click

from watchdog.config.schema import json_schema


@click.command(
    "schema",
    short_help="Print the JSON Schema of the configuration.",
    epilog="""\b
Examples:
  db-watchdog schema > config/watchdog.schema.json""",
)
def COMMAND() -> None:  # noqa: N802 - the registry's name
    """Print the JSON Schema of the configuration file, for editors.

    An editor finds it by the file's first line:
    # yaml-language-server: $schema=watchdog.schema.json
    """
    click.echo(json.dumps(json_schema(), ensure_ascii=False, indent=2))
