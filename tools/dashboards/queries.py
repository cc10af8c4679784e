"""How series are named in expressions.

Owns: the matchers that the boards' variables make, and the shape of a query.
Must not know: panels, looks.
"""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import dashboard, prometheus

DATASOURCE: Final = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")
HERE: Final = 'job=~"$job",instance=~"$instance"'


def select(metric: str, matchers: str = "") -> str:
    """Return the selector of a metric for the daemons that are chosen."""
    return f"{metric}{{{HERE}{',' if matchers else ''}{matchers}}}"


def increase(metric: str, matchers: str = "", window: str = "$__rate_interval") -> str:
    """Return by how much a counter grew, within a step unless another *window* is named."""
    return f"increase({select(metric, matchers)}[{window}])"


def rate(metric: str, matchers: str = "") -> str:
    """Return by how much a counter grows in a second."""
    return f"rate({select(metric, matchers)}[$__rate_interval])"


def over_time(expression: str, legend: str, ref: str) -> Dataquery:
    """Return a query for a line over time."""
    query = Dataquery().expr(expression).range().ref_id(ref).datasource(DATASOURCE)
    return _worded(query.format(prometheus.PromQueryFormat.TIME_SERIES), legend)


def now(expression: str, legend: str, ref: str) -> Dataquery:
    """Return a query for the values of the last moment."""
    query = Dataquery().expr(expression).instant().ref_id(ref).datasource(DATASOURCE)
    return _worded(query.format(prometheus.PromQueryFormat.TIME_SERIES), legend)


def rows(expression: str, ref: str) -> Dataquery:
    """Return a query for rows of a table: a column a label, and one for the value."""
    query = Dataquery().expr(expression).instant().ref_id(ref).datasource(DATASOURCE)
    return _worded(query.format(prometheus.PromQueryFormat.TABLE), "")


def _worded(query: Dataquery, legend: str) -> Dataquery:
    return query.editor_mode(prometheus.QueryEditorMode.CODE).legend_format(legend or "__auto")
