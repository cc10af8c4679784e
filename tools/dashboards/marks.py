"""What happened when: marks on the time axis of every graph of a board.

Owns: one function a kind of event. Must not know: boards, panels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.builders.dashboard import AnnotationQuery
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard

from tools.dashboards import look
from tools.dashboards.queries import DATASOURCE, select

_ROW: Final = "instance, target"
_STEP: Final = "15s"


@dataclass(frozen=True)
class Mark(Builder[dashboard.AnnotationQuery]):
    """One kind of event: series of ones while it lasts, or *at* its instants in milliseconds."""

    name: str
    expression: str
    colour: str
    text: str
    at: bool = False
    shown: bool = True

    def build(self) -> dashboard.AnnotationQuery:
        """Return it as Grafana has it."""
        query = (
            AnnotationQuery()
            .name(self.name)
            .datasource(DATASOURCE)
            .expr(self.expression)
            .icon_color(self.colour)
            .enable(self.shown)
            .hide(False)
        )
        return _Worded(query.build(), self)


class _Worded(dashboard.AnnotationQuery):
    """With the keys of the data source Prometheus, which the schema of dashboards leaves to it."""

    def __init__(self, made: dashboard.AnnotationQuery, mark: Mark) -> None:
        self.__dict__.update(vars(made))
        self._mark = mark

    def to_json(self) -> dict[str, object]:
        """Return the keys of both."""
        own: dict[str, Any] = {
            "titleFormat": self._mark.name,
            "textFormat": self._mark.text,
            "tagKeys": "",
            "step": _STEP,
            "useValueForTime": self._mark.at,
        }
        return {**super().to_json(), **own}


def reloads() -> Mark:
    """Return when the daemons took a changed configuration."""
    at = select("watchdog_config_last_reload_success_timestamp_seconds")
    return Mark(
        "Configuration taken",
        f"1000 * max by (instance) ({at})",
        "blue",
        "{{instance}}",
        at=True,
    )


def backups(scope: str) -> Mark:
    """Return when backups were taken."""
    at = select("watchdog_backup_last_success_timestamp_seconds", scope)
    return Mark(
        "Backup taken", f"1000 * max by ({_ROW}) ({at} > 0)", look.GOOD, "{{target}}", at=True
    )


def failed_backups(scope: str) -> Mark:
    """Return when attempts at a backup failed."""
    at = select("watchdog_backup_last_attempt_timestamp_seconds", scope)
    well = select("watchdog_backup_last_attempt_successful", scope)
    return Mark(
        "Backup failed",
        f"1000 * (max by ({_ROW}) ({at}) and on ({_ROW}) ({well} == 0))",
        look.WARN,
        "{{target}}",
        at=True,
    )


def down(scope: str, *, shown: bool = True) -> Mark:
    """Return the times for which databases were down."""
    up = select("watchdog_up", scope)
    return Mark("Down", f"max by ({_ROW}) ({up} == bool 0)", look.BAD, "{{target}}", shown=shown)
