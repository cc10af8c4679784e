"""The keys of the restore drill.

Owns: names, types, defaults and what they mean. Must not know: how a drill is
done, the rest of the configuration.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from watchdog.config import fields
from watchdog.config.keys import Keys, SwitchToo, on_or_off

DEFAULT_SCHEDULE = "@every 7d"


class Drill(Keys):
    """When and where the newest backup is restored into scratch and compared."""

    schedule: fields.ScheduleText = Field(
        default=DEFAULT_SCHEDULE,
        description="As backup.schedule; @every counts from the last drill.",
        examples=["@every 7d", "0 5 * * sun"],
    )
    server: fields.DrillServer = Field(
        default="auto",
        description="For PostgreSQL: local is a server of our own for the time of the drill,"
        " without TCP; auto is that, and no drill where its programs are not installed; a URL is"
        " that of a scratch server, whose user may create databases; same is the watched server"
        " itself.",
        examples=["auto", "local", "postgresql://drill@scratch:5432/postgres", "same"],
    )
    assertions: list[fields.Query] = Field(
        default_factory=list,
        alias="assert",
        description="Queries that each have to answer true on the restored copy.",
        examples=[["select count(*) > 0 from account"]],
        json_schema_extra={"default": []},
    )
    directory: fields.FilePath | None = Field(
        default=None,
        description="Where scratch files lie meanwhile: about the size of the database. Without it"
        " TMPDIR or /tmp.",
        examples=["/srv/scratch"],
    )
    timeout: fields.LongTimeout = Field(
        default=6 * 3600.0, description="A drill that takes longer is ended.", examples=["6h"]
    )


OptionalDrill = Annotated[Drill | None, BeforeValidator(on_or_off), SwitchToo()]
