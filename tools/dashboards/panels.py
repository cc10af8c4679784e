"""The kinds of panels, each looking the same on every board.

Owns: one function a kind. Must not know: which panels there are.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import stat as stats
from grafana_foundation_sdk.builders import statetimeline as timelines
from grafana_foundation_sdk.builders import table as tables
from grafana_foundation_sdk.builders import timeseries as graphs
from grafana_foundation_sdk.builders.dashboard import FieldColor
from grafana_foundation_sdk.models import common, dashboard

from tools.dashboards import look, queries

_REFS: Final = string.ascii_uppercase
_BY_NAME: Final = dashboard.FieldColorModeId.PALETTE_CLASSIC_BY_NAME
_BY_THRESHOLD: Final = dashboard.FieldColorModeId.THRESHOLDS

Line = tuple[str, str]  # an expression and the legend of its series


@dataclass(frozen=True)
class Link:
    """Where a click on a value leads."""

    title: str
    url: str
    outside: bool = False

    def value(self) -> dict[str, Any]:
        """Return it as Grafana writes it."""
        return {"title": self.title, "url": self.url, "targetBlank": self.outside}


@dataclass(frozen=True)
class Label:
    """A column of a table that shows a label."""

    name: str
    title: str
    links: Sequence[Link] = ()


@dataclass(frozen=True)
class Column:
    """A column of a table that shows a value."""

    title: str
    expression: str
    unit: str = "none"
    words: look.Words = ()
    steps: look.Steps = ()
    decimals: int | None = None
    missing: str = "–"


def stat(
    title: str,
    says: str,
    expression: str,
    *,
    unit: str = "none",
    steps: look.Steps = look.NEUTRAL,
    words: look.Words = (),
    legend: str = "",
    named: bool = False,
    width: int = 4,
    height: int = 4,
    decimals: int | None = None,
    missing: str = "not known",
    links: Sequence[Link] = (),
) -> stats.Panel:
    """Return one number, judged by its colour; *named* shows the legend instead of the value."""
    judged = tuple(steps) != tuple(look.NEUTRAL) or bool(words)
    panel = (
        stats.Panel()
        .title(title)
        .description(says)
        .datasource(queries.DATASOURCE)
        .with_target(queries.now(expression, legend, "A"))
        .span(width)
        .height(height)
        .unit(unit)
        .no_value(missing)
        .thresholds(look.thresholds(steps))
        .mappings(look.mappings(words))
        .color_scheme(FieldColor().mode(_BY_THRESHOLD))
        .graph_mode(common.BigValueGraphMode.NONE)
        .color_mode(
            common.BigValueColorMode.BACKGROUND if judged else common.BigValueColorMode.NONE
        )
        .text_mode(
            common.BigValueTextMode.NAME if named else common.BigValueTextMode.VALUE_AND_NAME
        )
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    )
    if not named and not legend:
        panel.text_mode(common.BigValueTextMode.VALUE)
    if decimals is not None:
        panel.decimals(decimals)
    if links:
        panel.override_by_regexp(".*", [_property("links", [link.value() for link in links])])
    return panel


def graph(
    title: str,
    says: str,
    lines: Sequence[Line],
    *,
    unit: str = "none",
    steps: look.Steps = (),
    stacked: bool = False,
    width: int = 12,
    height: int = 8,
    decimals: int | None = None,
    maximum: float | None = None,
    colours: Mapping[str, str] | None = None,
    from_zero: bool = True,
) -> graphs.Panel:
    """Return lines over time; where nothing is known there is a gap."""
    panel = (
        graphs.Panel()
        .title(title)
        .description(says)
        .datasource(queries.DATASOURCE)
        .span(width)
        .height(height)
        .unit(unit)
        .color_scheme(FieldColor().mode(_BY_NAME))
        .line_width(1)
        .fill_opacity(25 if stacked else 8)
        .show_points(common.VisibilityMode.AUTO)
        .span_nulls(False)
        .stacking(
            common_builders.StackingConfig().mode(
                common.StackingMode.NORMAL if stacked else common.StackingMode.NONE
            )
        )
        .legend(_legend())
        .tooltip(
            common_builders.VizTooltipOptions()
            .mode(common.TooltipDisplayMode.MULTI)
            .sort(common.SortOrder.DESCENDING)
        )
    )
    for ref, (expression, legend) in zip(_REFS, lines, strict=False):
        panel.with_target(queries.over_time(expression, legend, ref))
    if from_zero:
        panel.min(0)
    if maximum is not None:
        panel.max(maximum)
    if decimals is not None:
        panel.decimals(decimals)
    if steps:
        style = common_builders.GraphThresholdsStyleConfig()
        panel.thresholds(look.thresholds(steps))
        panel.thresholds_style(style.mode(common.GraphThresholdsStyleMode.DASHED))
    for name, colour in (colours or {}).items():
        panel.override_by_name(name, [_fixed(colour)])
    return panel


def timeline(
    title: str,
    says: str,
    lines: Sequence[Line],
    words: look.Words,
    *,
    width: int = 24,
    height: int = 7,
) -> timelines.Panel:
    """Return states over time, a line a series; where nothing is known there is a gap."""
    panel = (
        timelines.Panel()
        .title(title)
        .description(says)
        .datasource(queries.DATASOURCE)
        .span(width)
        .height(height)
        .mappings(look.mappings(words))
        .thresholds(look.thresholds(((None, look.UNKNOWN),)))
        .color_scheme(FieldColor().mode(_BY_THRESHOLD))
        .merge_values(True)
        .show_value(common.VisibilityMode.NEVER)
        .row_height(0.8)
        .fill_opacity(75)
        .line_width(0)
        .per_page(30)
        .legend(
            common_builders.VizLegendOptions()
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs([])
        )
    )
    for ref, (expression, legend) in zip(_REFS, lines, strict=False):
        panel.with_target(queries.over_time(expression, legend, ref))
    return panel


def table(
    title: str,
    says: str,
    labels: Sequence[Label],
    columns: Sequence[Column],
    *,
    every: str,
    beside: Sequence[str] = (),
    hidden: Sequence[str] = (),
    width: int = 24,
    height: int = 8,
    sort: str = "",
    descending: bool = False,
    missing: str = "none",
) -> tables.Panel:
    """Return a table of what is true now.

    *every* is an expression that gives each row once, so that a row whose
    values are not known is there nonetheless; *beside* are more of them, for
    their labels. Their values are not shown, nor are the labels in *hidden*.
    """
    asked = [every, *beside, *(column.expression for column in columns)]
    names = [f"Value #{ref}" for ref, _ in zip(_REFS, asked, strict=False)]
    first = 1 + len(beside)
    shown = names[first:]
    # Grafana names the value "Value" where only one of the queries has an answer.
    unseen = ["Time", "Value", *names[:first], *hidden]
    panel = (
        tables.Panel()
        .title(title)
        .description(says)
        .datasource(queries.DATASOURCE)
        .span(width)
        .height(height)
        .no_value(missing)
        .filterable(True)
        .cell_height(common.TableCellHeight.SM)
        .show_header(True)
        .thresholds(look.thresholds(look.NEUTRAL))
    )
    for ref, expression in zip(_REFS, asked, strict=False):
        panel.with_target(queries.rows(expression, ref))
    if len(asked) > 1:
        panel.with_transformation(_transformation("merge", {}))
    order = [*(label.name for label in labels), *shown]
    panel.with_transformation(
        _transformation(
            "organize",
            {
                "excludeByName": dict.fromkeys(unseen, True),
                "indexByName": {name: index for index, name in enumerate(order)},
                "renameByName": {},
            },
        )
    )
    for label in labels:
        panel.override_by_name(label.name, _of_label(label))
    for name, column in zip(shown, columns, strict=True):
        panel.override_by_name(name, _of_column(column))
    if sort:
        panel.sort_by([common_builders.TableSortByFieldState().display_name(sort).desc(descending)])
    return panel


def _of_label(label: Label) -> list[dashboard.DynamicConfigValue]:
    properties = [_property("displayName", label.title)]
    if label.links:
        properties.append(_property("links", [link.value() for link in label.links]))
    return properties


def _of_column(column: Column) -> list[dashboard.DynamicConfigValue]:
    properties = [
        _property("displayName", column.title),
        _property("unit", column.unit),
        _property("noValue", column.missing),
    ]
    if column.decimals is not None:
        properties.append(_property("decimals", column.decimals))
    if column.words:
        properties.append(_property("mappings", look.mappings(column.words)))
    if column.steps:
        properties.append(_property("thresholds", look.thresholds(column.steps).build()))
    if column.words or column.steps:
        properties.append(_property("custom.cellOptions", {"type": "color-text"}))
        properties.append(_property("color", {"mode": _BY_THRESHOLD}))
    return properties


def _legend() -> common_builders.VizLegendOptions:
    return (
        common_builders.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.TABLE)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(["lastNotNull", "max"])
    )


def _fixed(colour: str) -> dashboard.DynamicConfigValue:
    return _property("color", {"mode": dashboard.FieldColorModeId.FIXED, "fixedColor": colour})


def _property(name: str, value: object) -> dashboard.DynamicConfigValue:
    return dashboard.DynamicConfigValue(id_val=name, value=value)


def _transformation(name: str, options: dict[str, Any]) -> dashboard.DataTransformerConfig:
    return dashboard.DataTransformerConfig(id_val=name, options=options)
