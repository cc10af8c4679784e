"""The types of the configuration's keys, for pydantic and for an editor's schema.

Owns: each key type as a reader of one value and its JSON Schema. What needs
the surroundings (``base_dir``, variables, engines) takes them from the
validation context. Must not know: which keys exist.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema

from watchdog import database_url, schedule
from watchdog.config import scalars
from watchdog.config.passwords import PasswordFile, read_password
from watchdog.config.settings import Listen
from watchdog.database_url import DatabaseUrl, DatabaseUrlError

# Stands for the schema of ``${…}``; ``schema`` puts a reference in its place.
EXPANSION: Final = {"title": "Expansion"}
MOST_SERIES: Final = 10_000  # of tables or statements that are told apart
NAME_PATTERN: Final = r"[a-z0-9][a-z0-9._-]{0,62}"
LABEL_PATTERN: Final = r"[a-zA-Z][a-zA-Z0-9_]*|_[a-zA-Z0-9][a-zA-Z0-9_]*"
RESERVED_LABELS: Final = frozenset({"target", "engine", "server", "datname", "path", "version"})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What values mean depends on: where paths begin, which variables and engines there are."""

    base_dir: Path
    environ: Mapping[str, str]
    engines: Collection[str] | None = None


def _surroundings(info: ValidationInfo) -> Surroundings:
    assert isinstance(info.context, Surroundings)
    return info.context


def _either(schema: dict[str, Any]) -> WithJsonSchema:
    """Allow ``${…}`` wherever a scalar is."""
    return WithJsonSchema({"anyOf": [schema, EXPANSION]})


def _pattern(pattern: str, examples: list[str]) -> WithJsonSchema:
    return _either({"type": "string", "pattern": f"^(?:{pattern})$", "examples": examples})


def _choice(*choices: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        found = scalars.filled(value)
        if found not in choices:
            raise ValueError(f"{found.shown} is not known: write {' or '.join(choices)}")
        return str(found)

    return read


def _between(lowest: float, highest: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        seconds = scalars.duration(value)
        if not lowest <= seconds <= highest:
            raise ValueError(
                f"{scalars.span(seconds)} is out of range: write "
                f"{scalars.span(lowest)} to {scalars.span(highest)}"
            )
        return seconds

    return read


def _name(value: Any) -> str:
    found = scalars.filled(value)
    if not re.fullmatch(NAME_PATTERN, found):
        raise ValueError(
            f"{found.shown} is no name: write at most 63 of a-z, 0-9, . _ -, "
            "the first a letter or digit"
        )
    return str(found)


def _path(value: Any, info: ValidationInfo) -> Path:
    found = scalars.filled(value)
    if re.match(r"[a-z][a-z0-9+.-]*://", found):
        raise ValueError(f"{found.shown} is a URL: write a folder or file of this machine")
    if "\0" in found:
        raise ValueError("has a NUL, which no path can hold")
    surroundings = _surroundings(info)
    return database_url.absolute(found, surroundings.environ, surroundings.base_dir)


def _url(value: Any, info: ValidationInfo) -> DatabaseUrl:
    found = scalars.filled(value)
    surroundings = _surroundings(info)
    try:
        url = database_url.parse(
            found, environ=surroundings.environ, base_dir=surroundings.base_dir
        )
    except DatabaseUrlError as error:
        origin = f" (in {found.shown})" if found.variables else ""
        raise ValueError(f"{error}{origin}") from None
    if surroundings.engines is not None and url.engine not in surroundings.engines:
        raise ValueError(f"the engine {url.engine} is not installed here")
    return url


def _drill_server(value: Any, info: ValidationInfo) -> DatabaseUrl | str:
    found = scalars.filled(value)
    if "://" not in found:
        return str(_choice("auto", "local", "same", "a URL")(found))
    url = _url(value, info)
    if url.engine != "postgresql":
        raise ValueError("is no PostgreSQL server: write local, same or a postgresql:// URL")
    return url


def _query(value: Any) -> str:
    return str(scalars.filled(value)).strip()


def _listen(value: Any, info: ValidationInfo) -> Listen:
    found = scalars.filled(value)
    if found.startswith("unix:"):
        surroundings = _surroundings(info)
        path = database_url.absolute(
            found.removeprefix("unix:"), surroundings.environ, surroundings.base_dir
        )
        return Listen(host="", port=0, socket=path)
    match = re.fullmatch(r"(?:\[(?P<six>[^\]]+)\]|(?P<host>[\w.-]+)):(?P<port>[0-9]{1,5})", found)
    if match is None:
        raise ValueError(
            f"{found.shown} is no address: write HOST:PORT like 127.0.0.1:10187 or 0.0.0.0:10187, "
            "[::1]:10187 in quotes, or unix:/run/db-watchdog/http.sock"
        )
    if int(match["port"]) > 65535:
        raise ValueError("the port is a number up to 65535")
    if match["six"]:
        try:
            ipaddress.IPv6Address(match["six"])
        except ValueError:
            raise ValueError(f"{found.shown} has no IPv6 address in its brackets") from None
    return Listen(host=match["six"] or match["host"], port=int(match["port"]))


def _schedule(value: Any) -> str:
    found = scalars.filled(value)
    try:
        schedule.parse(found)
    except ValueError:
        if found.variables:  # its message quotes the value
            raise ValueError(
                f"{found.shown} is no schedule: write for example '0 3 * * *' or '@every 6h'"
            ) from None
        raise
    return str(found)


def _timezone(value: Any) -> str:
    found = scalars.filled(value)
    try:
        schedule.parse("@daily", found)
    except ValueError:
        if found.variables:
            raise ValueError(
                f"{found.shown} is no time zone: write one like Europe/Berlin or UTC"
            ) from None
        raise
    return str(found)


def _label(value: Any) -> str:
    found = str(value)
    if found.startswith("__") or not re.fullmatch(LABEL_PATTERN, found):
        raise ValueError("is no label of Prometheus: write letters, digits and _, no digit first")
    if found in RESERVED_LABELS:
        raise ValueError("is a label of our own: write another name")
    return found


def _label_value(value: Any) -> str:
    return str(scalars.text(value))


def _password_file(value: Any, info: ValidationInfo) -> PasswordFile:
    path = _path(value, info)
    try:
        return read_password(path)
    except ValueError as error:
        shown = scalars.text(value).shown
        raise ValueError(str(error).replace(str(path), shown)) from None


def _pattern_of_names(value: Any) -> str:
    found = str(scalars.filled(value))
    if "\0" in found or "\n" in found:
        raise ValueError("is no pattern of pg_dump: write one like audit.* or public.log_*")
    return found


def _cap(value: Any) -> int:
    number = scalars.count(value)
    if number is None or number > MOST_SERIES:
        raise ValueError(f"is out of range: write a whole number from 0 to {MOST_SERIES}")
    return number


_SWITCH = _either({"type": "boolean"})
_COUNT = WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}, EXPANSION]})
_CAP = _either({"type": "integer", "minimum": 0, "maximum": MOST_SERIES})
_DURATION = _pattern(scalars.DURATION, ["500ms", "15s", "5m", "1h30m", "7d"])
_TEXT: dict[str, Any] = {"type": "string"}

Switch = Annotated[bool, PlainValidator(scalars.switch), _SWITCH]
Count = Annotated[int | None, PlainValidator(scalars.count), _COUNT]
Cap = Annotated[int, PlainValidator(_cap), _CAP]
Pattern = Annotated[str, PlainValidator(_pattern_of_names), WithJsonSchema(_TEXT)]
Interval = Annotated[float, PlainValidator(_between(0.1, 7 * 86400)), _DURATION]
Timeout = Annotated[float, PlainValidator(_between(0.05, 86400)), _DURATION]
LongTimeout = Annotated[float, PlainValidator(_between(1, 30 * 86400)), _DURATION]
Objective = Annotated[float, PlainValidator(_between(1, 366 * 86400)), _DURATION]
Spread = Annotated[float, PlainValidator(_between(0, 86400)), _DURATION]
Size = Annotated[int, PlainValidator(scalars.size), _pattern(scalars.SIZE, ["10MiB", "5GB"])]
TargetName = Annotated[str, PlainValidator(_name), _pattern(NAME_PATTERN, ["agent-runtime"])]
FilePath = Annotated[Path, PlainValidator(_path), WithJsonSchema(_TEXT)]
Url = Annotated[DatabaseUrl, PlainValidator(_url), WithJsonSchema(_TEXT)]
Address = Annotated[Listen, PlainValidator(_listen), WithJsonSchema(_TEXT)]
ScheduleText = Annotated[str, PlainValidator(_schedule), WithJsonSchema(_TEXT)]
Timezone = Annotated[str, PlainValidator(_timezone), WithJsonSchema(_TEXT)]
LabelName = Annotated[str, PlainValidator(_label), WithJsonSchema(_TEXT)]
LabelValue = Annotated[
    str,
    PlainValidator(_label_value),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]
Password = Annotated[PasswordFile, PlainValidator(_password_file), WithJsonSchema(_TEXT)]


def _options(*options: str) -> WithJsonSchema:
    return _either({"type": "string", "enum": list(options)})


ProofChoice = Annotated[
    str,
    PlainValidator(_choice("auto", "counts", "digests", "off")),
    _options("auto", "counts", "digests", "off"),
]
DrillServer = Annotated[DatabaseUrl | str, PlainValidator(_drill_server), WithJsonSchema(_TEXT)]
Query = Annotated[str, PlainValidator(_query), WithJsonSchema(_TEXT)]
LogFormat = Annotated[
    str, PlainValidator(_choice("auto", "console", "json")), _options("auto", "console", "json")
]
LogLevel = Annotated[
    str,
    PlainValidator(_choice("debug", "info", "warning", "error")),
    _options("debug", "info", "warning", "error"),
]
Language = Annotated[str, PlainValidator(_choice("en", "ru")), _options("en", "ru")]
Session = Annotated[
    str, PlainValidator(_choice("held", "per-round")), _options("held", "per-round")
]
