"""The tables of docs/configuration.md: all keys, and the query keys that are refused.

Owns: one table a section, made from the models and the table of query keys.
Must not know: anything that these do not say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from watchdog.config.schema import json_schema
from watchdog.database_url import PARAMETERS

BEGIN: Final = "<!-- keys: made from the models by tools/write_configuration_reference.py -->"
END: Final = "<!-- end of keys -->"
REFUSED_BEGIN: Final = "<!-- refused -->"
REFUSED_END: Final = "<!-- end of refused -->"


def reference() -> str:
    """Return the tables of every key with type, default, example and meaning."""
    schema = json_schema()
    lines = [BEGIN, ""]
    for title, section in _sections("", schema, schema["$defs"]):
        lines += [f"### {title or 'top level'}", ""]
        lines += ["| key | default | example | meaning |", "| --- | --- | --- | --- |"]
        required = section.get("required", [])
        lines += [
            _row(key, field, required=key in required)
            for key, field in section["properties"].items()
        ]
        lines.append("")
    return "\n".join([*lines, END])


def refusals() -> str:
    """Return the table of query keys that are refused, with what to write instead."""
    lines = [REFUSED_BEGIN, "", "| key | instead |", "| --- | --- |"]
    for name, parameter in sorted(PARAMETERS.items()):
        for value, advice in parameter.refused.items():
            shown = name if value == "*" else f"{name}={value.replace(':', ':…')}"
            lines.append(f"| `{shown}` | {advice} |")
    return "\n".join([*lines, "", REFUSED_END])


def filled(page: str) -> str:
    """Return the text of docs/configuration.md with both tables as they are now."""
    for begin, end, table in (
        (BEGIN, END, reference()),
        (REFUSED_BEGIN, REFUSED_END, refusals()),
    ):
        before, _, rest = page.partition(begin)
        page = before + table + rest.partition(end)[2]
    return page


def _sections(
    path: str, section: dict[str, Any], definitions: dict[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    yield (f"`{path}`" if path else ""), section
    for key, field in section["properties"].items():
        name = _reference_in(field)
        # What defaults has, a target has as well: once is enough.
        if name is not None and not (path.startswith("targets") and key in ("probe", "backup")):
            below = f"{path}.{key}" if path else key
            suffix = "[]" if field.get("type") == "array" else ""
            yield from _sections(below + suffix, definitions[name], definitions)


def _reference_in(field: dict[str, Any]) -> str | None:
    for place in (field, field.get("items", {}), *field.get("anyOf", [])):
        name = place.get("$ref", "").removeprefix("#/$defs/")
        if name and name != "Expansion":
            return str(name)
    return None


def _row(key: str, field: dict[str, Any], *, required: bool) -> str:
    default = "**required**" if required else _code(field.get("default"))
    examples = ", ".join(_code(example) for example in field.get("examples", []))
    options = next((part["enum"] for part in field.get("anyOf", []) if "enum" in part), None)
    if options:
        examples = ", ".join(_code(option) for option in options)
    meaning = field["description"]
    meaning = meaning.replace("|", "\\|")
    return f"| `{key}` | {default} | {examples} | {meaning} |"


def _code(value: Any) -> str:
    if value is None:
        return ""
    return f"`{_yaml(value)}`"


def _yaml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_yaml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_yaml(each)}' for key, each in value.items())}}}"
    return str(value)
