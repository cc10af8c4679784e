"""Write ``config/grafana/dashboards`` from the boards in ``tools/dashboards``.

``--status-page URL`` says where the links to the status page lead.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tools import dashboards

FOLDER = Path(__file__).parents[1] / "config" / "grafana" / "dashboards"


def main() -> None:
    """Write every board, and remove the files of boards that are no more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--status-page", default=dashboards.STATUS_PAGE, metavar="URL")
    parser.add_argument("--into", type=Path, default=FOLDER, metavar="FOLDER")
    arguments = parser.parse_args()
    arguments.into.mkdir(parents=True, exist_ok=True)
    texts = dashboards.render(arguments.status_page.rstrip("/"))
    for old in arguments.into.glob("db-watchdog-*.json"):
        if old.name not in texts:
            old.unlink()
    for name, text in texts.items():
        (arguments.into / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
