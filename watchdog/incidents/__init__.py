"""Incidents: what was known when a database went down, filled up or lost a backup.

Owns: the record of each (``record``) and the files that keep them
(``book``), so that evidence outlives the server's restart and our own. Must
not know: how a failure is looked into, pages, commands.
"""

from __future__ import annotations

from watchdog.incidents.book import Book, is_id
from watchdog.incidents.record import Event, Record, summary

__all__ = ["Book", "Event", "Record", "is_id", "summary"]
