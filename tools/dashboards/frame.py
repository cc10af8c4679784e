"""What every board has around its panels: variables, links, identity, rows.

Owns: the variables that narrow all boards alike, and the way from one board
to another. Must not know: what is shown.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
    Row,
    TextBoxVariable,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

from tools.dashboards.marks import Mark
from tools.dashboards.queries import DATASOURCE

TAG: Final = "db-watchdog"

FLEET: Final = "db-watchdog-fleet"
POSTGRESQL: Final = "db-watchdog-postgresql"
POSTGRESQL_WORK: Final = "db-watchdog-postgresql-work"
SQLITE: Final = "db-watchdog-sqlite"
BACKUPS: Final = "db-watchdog-backups"
PROCESS: Final = "db-watchdog-process"

TITLES: Final = {
    FLEET: "Databases: overview",
    POSTGRESQL: "Databases: a PostgreSQL server",
    POSTGRESQL_WORK: "Databases: inside a PostgreSQL server",
    SQLITE: "Databases: a SQLite file",
    BACKUPS: "Databases: backups and recoverability",
    PROCESS: "Databases: the watchdog itself",
}

# What a link takes along; each variable is written as Grafana writes it into an address.
_ALONG: Final = "&".join(
    f"${{{name}:queryparam}}" for name in ("datasource", "job", "instance", "status_page")
)

Panel = Builder[dashboard.Panel]


@dataclass(frozen=True)
class Section:
    """Panels under a heading, laid out left to right in rows of 24 columns."""

    title: str
    panels: Sequence[Panel]
    collapsed: bool = False


@dataclass(frozen=True)
class Board:
    """A finished dashboard."""

    uid: str
    model: dashboard.Dashboard

    def text(self) -> str:
        """Return its file: JSON, stable to the letter."""
        return json.dumps(self.model, cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"


def link_to(uid: str, **variables: str) -> str:
    """Return the address of a board, with these values of its own variables."""
    own = "".join(f"&var-{name}={value}" for name, value in variables.items())
    return f"/d/{uid}?{_ALONG}{own}&${{__url_time_range}}"


def make(
    uid: str,
    description: str,
    status_page: str,
    variables: Sequence[Builder[dashboard.VariableModel]],
    sections: Sequence[Section],
    marks: Sequence[Mark] = (),
    span: str = "now-6h",
) -> Board:
    """Put a board together; *marks* are what all its graphs show on their time axis."""
    builder = (
        Dashboard(TITLES[uid])
        .uid(uid)
        .description(description)
        .tags([TAG])
        .readonly()
        .timezone("browser")
        .time(span, "now")
        .refresh("30s")
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .variables([*_narrowing(), *variables, _status_page(status_page)])
        .links(_links(uid))
        .annotations(list(marks))
    )
    for section in sections:
        _add(builder, section)
    model = builder.build()
    _number(model)
    return Board(uid, model)


def choice(
    name: str,
    label: str,
    selector: str,
    *,
    several: bool,
    spelled_out: bool = False,
    description: str = "",
) -> QueryVariable:
    """Return a variable that offers the values that a label has on *selector*.

    "All" is any value, unless it is *spelled_out*: then it is those that are
    offered, for series that lack the label by which they were narrowed.
    """
    query = f"label_values({selector}, {name})"
    variable = (
        QueryVariable(name)
        .label(label)
        .description(description)
        .datasource(DATASOURCE)
        .query(
            {"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"}
        )
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
        .multi(several)
        .include_all(several)
    )
    if several:
        variable.current(dashboard.VariableOption(selected=True, text="All", value="$__all"))
    if several and not spelled_out:
        variable.all_value(".+")
    return variable


def _narrowing() -> list[Builder[dashboard.VariableModel]]:
    return [
        DatasourceVariable("datasource").label("Data source").type("prometheus"),
        choice("job", "Job", "watchdog_build_info", several=True),
        choice(
            "instance",
            "Watchdog",
            'watchdog_build_info{job=~"$job"}',
            several=True,
            description="The daemons whose databases are shown.",
        ),
    ]


def _status_page(address: str) -> TextBoxVariable:
    return (
        TextBoxVariable("status_page")
        .label("Status page")
        .description("Where this browser reaches the watchdog's own page; links lead there.")
        .default_value(address)
        .current(dashboard.VariableOption(selected=True, text=address, value=address))
        .options([dashboard.VariableOption(selected=True, text=address, value=address)])
    )


def _links(uid: str) -> list[Builder[dashboard.DashboardLink]]:
    links: list[Builder[dashboard.DashboardLink]] = [
        _link(title.removeprefix("Databases: "), f"/d/{other}?{_ALONG}", "dashboard").keep_time(
            True
        )
        for other, title in TITLES.items()
        if other != uid
    ]
    page = _link("status page", "${status_page:raw}", "external link")
    return [*links, page.tooltip("What is wrong and what to do next, in plain words")]


def _link(title: str, url: str, icon: str) -> DashboardLink:
    link = DashboardLink(title).type(dashboard.DashboardLinkType.LINK).url(url).icon(icon)
    return link.target_blank(icon == "external link")


def _add(builder: Dashboard, section: Section) -> None:
    row = Row(section.title).collapsed(section.collapsed)
    if section.collapsed:
        for panel in section.panels:
            row = row.with_panel(panel)
    builder.with_row(row)
    if not section.collapsed:
        for panel in section.panels:
            builder.with_panel(panel)


def _number(model: dashboard.Dashboard) -> None:
    """Give every panel a number, so that links to one panel hold."""
    number = 0
    for panel in model.panels or []:
        number += 1
        panel.id_val = number
        for inner in panel.panels if isinstance(panel, dashboard.RowPanel) else []:
            number += 1
            inner.id_val = number
