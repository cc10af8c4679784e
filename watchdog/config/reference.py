"""The reference of all keys as Markdown, for docs/configuration.md.

Owns: one table a section, made from the models. Must not know: anything that
the models do not say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from watchdog.config.schema import json_schema

BEGIN: Final = "<!-- keys: made from the models by tools/write_configuration_reference.py -->"
END: Final = "<!-- end of keys -->"


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
    meaning = field.get("description", "").replace("|", "\\|")
    return f"| `{key}` | {default} | {examples} | {meaning} |"


def _code(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, dict):
        inner = ", ".join(f"{key}: {each}" for key, each in value.items())
        return f"`{{{inner}}}`"
    return f"`{value}`"
