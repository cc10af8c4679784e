"""The JSON Schema of the configuration file, for editors.

Owns: draft 2020-12 from the models, ``${…}`` allowed wherever a scalar is.
Must not know: anything that the models do not say.
"""

from __future__ import annotations

from typing import Any, Final

from watchdog.config import fields, scalars
from watchdog.config.models import Root

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_EXPANSION: Final = {
    "title": "Variable",
    "description": "${NAME}, ${NAME:-default} or ${NAME:?text}, filled in from the environment.",
    "type": "string",
    "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(?:\}|:[-?])",
    "examples": ["${NAME}", "${NAME:-default}"],
}


def json_schema() -> dict[str, Any]:
    """Return the schema of the configuration file."""
    schema: dict[str, Any] = _tidied(Root.model_json_schema())
    definitions = schema.pop("$defs")
    definitions["Expansion"] = _EXPANSION
    # Folded keys whose names begin with x- are there for YAML anchors.
    return {
        "$schema": DIALECT,
        "title": "db-watchdog configuration",
        "description": schema.pop("description"),
        **{key: value for key, value in schema.items() if key != "title"},
        "patternProperties": {"^x-": {"description": "Not read: a place for YAML anchors."}},
        "$defs": dict(sorted(definitions.items())),
    }


def _tidied(node: Any) -> Any:
    if isinstance(node, list):
        return [_tidied(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node == fields.EXPANSION:
        return {"$ref": "#/$defs/Expansion"}
    found = {key: _tidied(value) for key, value in node.items()}
    if "default" in found:
        _show_default(found)
    if "properties" in found:
        for each in found["properties"].values():
            each.pop("title", None)  # the key itself says it
            for part in each.get("anyOf", []):
                part.pop("examples", None)  # the key has its own
    return found


def _show_default(node: dict[str, Any]) -> None:
    """Write a default as a person would: durations with a unit, and none where there is none."""
    default = node["default"]
    if default is None:
        del node["default"]
    elif isinstance(default, float):
        node["default"] = scalars.span(default)
