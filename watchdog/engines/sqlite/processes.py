"""The names of processes that hold a lock, where this process may read them.

Owns: reading ``/proc/PID/comm`` (proc(5)). Must not know: locks, files.
"""

from __future__ import annotations

from pathlib import Path


def name_of(pid: int) -> str:
    """Return ``name (PID)``; ``PID`` alone where the name cannot be read, "" for none."""
    if pid <= 0:
        return ""  # of another PID namespace, or of another machine
    try:
        return f"{Path(f'/proc/{pid}/comm').read_text(errors='replace').strip()} ({pid})"
    except OSError:
        return str(pid)
