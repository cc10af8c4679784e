"""db-watchdog keeps PostgreSQL and SQLite databases honest.

The *distribution* is called ``db-watchdog``; do not install it beside the
file-event library that owns the import name ``watchdog`` on PyPI.
"""

import sys

__version__ = "0.1.0"


def _import_structlog_alone() -> None:
    """Import structlog without rich, which it would take along for pretty tracebacks.

    The daemon prints none, and rich with what it needs is a tenth of its
    memory. A command that draws tables imports it for itself.
    """
    if "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment] # makes its import fail
    try:
        import structlog  # noqa: F401, PLC0415
    except ImportError:  # being installed: only the version is read
        pass
    finally:
        del sys.modules["rich"]


_import_structlog_alone()
