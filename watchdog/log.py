"""Logging: structlog for our records and for the libraries', secrets masked.

Owns: ``configure`` and the pipeline of processors. Keys are the contract's:
``timestamp level event target engine probe run_id kind phase code hint title
steps``. Must not know: what is logged, or why.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final, TextIO

import structlog

from watchdog.secret import mask
from watchdog.visible import visible_lines

LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}

# These speak at INFO of every job and request; what matters of them we log ourselves.
_CHATTY: Final = ("apscheduler", "uvicorn", "asyncio", "aiosqlite", "asyncpg")

_MICROSECONDS: Final = re.compile(r"\.[0-9]+(?=Z$)")

# A hint's long parts, which follow a console line on rows of their own.
_BELOW: Final = ("title", "cause", "found", "steps", "documentation")


def configure(form: str = "auto", level: str = "info", stream: TextIO | None = None) -> None:
    """Set up logging for the process.

    *form* is ``json``, ``console`` or ``auto`` (console on a terminal, JSON
    elsewhere); *level* one of ``LEVELS``; *stream* defaults to stderr.
    """
    stream = stream if stream is not None else sys.stderr
    console = form == "console" or (form == "auto" and stream.isatty())
    threshold = LEVELS[level]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
    ]
    final: list[structlog.typing.Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _mask_values,
    ]
    if console:
        final.append(_Console(colours=stream.isatty()))
    else:
        final.append(structlog.processors.JSONRenderer(ensure_ascii=False))
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=final)
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(threshold)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(threshold, logging.WARNING))
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _mask_values(
    _logger: object, _name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Mask secrets in every value, at any depth, tracebacks included."""
    return {key: _masked(value) for key, value in event.items()}


def _masked(value: object) -> object:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, bool | int | float | None):
        return value
    if isinstance(value, Mapping):
        return {mask(str(key)): _masked(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(inner) for inner in value]
    return mask(str(value))


def _shown(value: object) -> object:
    """Return *value* as a terminal may be given it: a traceback keeps its lines."""
    if isinstance(value, str):
        return visible_lines(value)
    if isinstance(value, list):
        return [_shown(each) for each in value]
    return value


class _Console:
    """A line for people; a hint's title, cause and steps stand below it, one a row."""

    def __init__(self, *, colours: bool) -> None:
        self._render = structlog.dev.ConsoleRenderer(
            colors=colours,
            timestamp_key="timestamp",
            pad_event_to=28,
        )

    def __call__(self, logger: Any, name: str, event: MutableMapping[str, Any]) -> str:
        event = {key: _shown(value) for key, value in event.items()}
        title, cause, found, steps, link = (event.pop(key, None) for key in _BELOW)
        rows = [str(row) for row in (title, cause) if row]
        rows += [f"- {sentence}" for sentence in found or ()]
        rows += [f"{number}. {step}" for number, step in enumerate(steps or (), start=1)]
        rows += [str(link)] if link else []
        target = event.pop("target", None)
        if target is not None and str(target) not in str(event.get("event", "")):
            # whose line it is comes first
            event["event"] = f"{target}: {event.get('event', '')}"
        if "timestamp" in event:  # people read seconds, programs microseconds
            event["timestamp"] = _MICROSECONDS.sub("", str(event["timestamp"]))
        return "\n      ".join([self._render(logger, name, event), *rows])
