"""Write ``docs/metrics.md`` from the declarations of the metrics."""

from __future__ import annotations

from pathlib import Path

from watchdog.engines import find_engines
from watchdog.metrics.reference import page

_PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"

if __name__ == "__main__":
    _PAGE.write_text(page(find_engines()), encoding="utf-8")
