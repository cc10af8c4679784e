"""The configuration: YAML and environment to a frozen, validated ``Config``.

Owns: the file's form and every message about it: all mistakes at once, each
with its place and what to write. Must not know: what engines, probes or
backups do with the values; the names of engines are injected.
"""

from watchdog.config.loading import WebWanted, files_of_web_file, load, load_web_file
from watchdog.config.passwords import read_password
from watchdog.config.settings import Config, Listen, LogSettings
from watchdog.config.web_file import WebFile

__all__ = [
    "Config",
    "Listen",
    "LogSettings",
    "WebFile",
    "WebWanted",
    "files_of_web_file",
    "load",
    "load_web_file",
    "read_password",
]
