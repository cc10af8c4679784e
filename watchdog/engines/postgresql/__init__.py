"""PostgreSQL: sessions, visits, probes, failures, backups.

Owns: everything that knows this database and its driver. Must not know:
schedules, results, pages.
"""

from watchdog.engines.postgresql.engine import ENGINE

__all__ = ["ENGINE"]
