"""What the generated dashboards ask: every panel, every query, every variable.

``files()`` reads what is installed, not what the code would make.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

GRAFANA: Final = Path(__file__).parents[2] / "config" / "grafana"
FOLDER: Final = GRAFANA / "dashboards"
Json = dict[str, Any]


@dataclass(frozen=True)
class Query:
    """One query of a panel."""

    board: str
    panel: Json
    target: Json

    @property
    def expression(self) -> str:
        text: str = self.target["expr"]
        return text

    @property
    def name(self) -> str:
        return f"{self.board}: {self.panel['title']}: {self.target['refId']}"


def files() -> dict[str, Json]:
    """Return each board by its uid."""
    boards = [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))]
    return {board["uid"]: board for board in boards}


def panels(board: Json) -> Iterator[Json]:
    """Yield every panel, those inside of rows too, but no row."""
    for panel in board["panels"]:
        if panel["type"] != "row":
            yield panel
        yield from panel.get("panels", [])


def queries() -> list[Query]:
    return [
        Query(uid, panel, target)
        for uid, board in files().items()
        for panel in panels(board)
        for target in panel["targets"]
    ]


def marks(board: Json) -> list[Json]:
    """Return what is marked on the time axis of every graph of a board."""
    found: list[Json] = board["annotations"]["list"]
    return found


def variables(board: Json) -> dict[str, Json]:
    return {variable["name"]: variable for variable in board["templating"]["list"]}


def label_values(variable: Json) -> tuple[str, str] | None:
    """Return the selector and the label that a variable's query asks for."""
    if variable["type"] != "query":
        return None
    found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
    assert found, variable
    return found[1], found[2]


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return *text* with Grafana's variables replaced; one that is unknown is an error."""
    return re.sub(r"\$(\w+)", lambda found: values[found[1]], text)
