"""Write what is made from the configuration's models: the schema and the tables of its page.

Run it after changing watchdog/config/models.py; a test fails until it was.
"""

from __future__ import annotations

import json
from pathlib import Path

from watchdog.config.reference import filled
from watchdog.config.schema import json_schema

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Write both files."""
    schema = json.dumps(json_schema(), ensure_ascii=False, indent=2)
    (ROOT / "config/watchdog.schema.json").write_text(schema + "\n", encoding="utf-8")
    page = ROOT / "docs/configuration.md"
    page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
