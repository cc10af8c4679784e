"""Make the two small SQLite databases that the shipped configuration watches.

For `make run` alone: the daemon itself never creates a database. Does nothing
where the folder holds a database already.
"""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

_SAMPLES = {
    "agent_runtime.db": """
        CREATE TABLE sessions (
            id INTEGER PRIMARY KEY,
            started_at TEXT NOT NULL,
            agent TEXT NOT NULL
        );
        CREATE TABLE messages (
            id INTEGER PRIMARY KEY,
            session_id INTEGER NOT NULL REFERENCES sessions (id),
            body TEXT NOT NULL
        );
        INSERT INTO sessions (started_at, agent)
            SELECT datetime('now', '-' || value || ' minutes'), 'sample-' || (value % 7)
            FROM generate_series_sample;
        INSERT INTO messages (session_id, body)
            SELECT id, 'hello from ' || agent FROM sessions;
    """,
    "auth.db": """
        CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_at TEXT);
        INSERT INTO users (name, created_at)
            SELECT 'user-' || value, datetime('now', '-' || value || ' hours')
            FROM generate_series_sample;
    """,
}
_ROWS = """
    CREATE TEMP TABLE generate_series_sample AS
        WITH RECURSIVE series (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM series LIMIT 200)
        SELECT value FROM series;
"""


def main(folder: Path) -> None:
    """Make the samples in *folder* unless it holds databases already."""
    if any(folder.glob("*.db")):
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in _SAMPLES.items():
        with closing(sqlite3.connect(folder / name)) as connection:
            connection.executescript(_ROWS + schema)
        print(f"made the sample database {folder / name}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "data"))
