"""The SQLite engine: files that are read without ever being hurt.

Owns: everything that knows SQLite. Must not know: PostgreSQL, rounds, pages.
"""

from watchdog.engines.sqlite.engine import SqliteEngine

ENGINE = SqliteEngine()

__all__ = ["ENGINE", "SqliteEngine"]
