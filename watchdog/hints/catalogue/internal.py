"""The fault is ours.

Owns: the entries of the family ``internal``.
"""

# ruff: noqa: E501 - patterns and commands stay on one line

from __future__ import annotations

from watchdog.hints.entry import Entry, Family, Severity, Text
from watchdog.model import Kind

FAMILY = Family(
    Kind.INTERNAL,
    (
        Entry(
            "internal_error",
            "https://docs.python.org/3/library/exceptions.html",
            Severity.WARNING,
            en=Text(
                "A defect of db-watchdog itself",
                "Something happened that db-watchdog does not understand. It says nothing about your database.",
                (
                    "Try it by hand and see more: `db-watchdog probe {target|TARGET} --debug`",
                    "Please report it with the log line of that moment, which holds no passwords: `journalctl -u db-watchdog -n 50`",
                ),
            ),
            ru=Text(
                "Дефект самого db-watchdog",
                "Случилось то, чего db-watchdog не понимает. О вашей базе это ничего не говорит.",
                (
                    "Попробуйте вручную, подробнее: `db-watchdog probe {target|TARGET} --debug`",
                    "Пожалуйста, сообщите об этом вместе со строкой журнала за этот момент, паролей в ней нет: `journalctl -u db-watchdog -n 50`",
                ),
            ),
        ),
    ),
)
