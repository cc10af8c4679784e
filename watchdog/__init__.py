"""db-watchdog keeps PostgreSQL and SQLite databases honest.

The *distribution* is called ``db-watchdog``; do not install it beside the
file-event library that owns the import name ``watchdog`` on PyPI.
"""

__version__ = "0.1.0"
