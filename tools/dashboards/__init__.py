"""The Grafana dashboards, as code.

Each board is one module that exports ``board() -> Board``; ``render`` gives
them all as the text of their files. Owns: which boards there are. Must not
know: where the files are.
"""

from __future__ import annotations

from tools.dashboards import backups, fleet, postgresql, postgresql_work, process, sqlite
from tools.dashboards.frame import Board

STATUS_PAGE = "http://127.0.0.1:10187"


def boards(status_page: str = STATUS_PAGE) -> list[Board]:
    """Return every board; *status_page* is the address that their links lead to."""
    modules = (fleet, postgresql, postgresql_work, sqlite, backups, process)
    return [module.board(status_page) for module in modules]


def render(status_page: str = STATUS_PAGE) -> dict[str, str]:
    """Return the text of each dashboard's file by the file's name."""
    return {f"{board.uid}.json": board.text() for board in boards(status_page)}
