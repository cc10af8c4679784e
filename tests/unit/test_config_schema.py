"""What is made from the models: the schema, its file, and the page of all keys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from watchdog.config import load
from watchdog.config.reference import filled
from watchdog.config.schema import DIALECT, json_schema
from watchdog.errors import ConfigurationError

ROOT = Path(__file__).parents[2]
RUN = "run: python tools/write_configuration_reference.py"
SCHEMA = json_schema()


def keys() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every key as section, name and schema."""
    for section, schema in (("", SCHEMA), *SCHEMA["$defs"].items()):
        for key, field in schema.get("properties", {}).items():
            yield section, key, field


def test_the_file_for_editors_is_the_schema() -> None:
    written = json.loads((ROOT / "config/watchdog.schema.json").read_text(encoding="utf-8"))
    assert written == SCHEMA, RUN


def test_the_page_of_all_keys_is_made_from_the_models() -> None:
    page = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    assert filled(page) == page, RUN


def test_the_pages_example_is_a_configuration(tmp_path: Path) -> None:
    page = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(# yaml-language-server.*?)```", page, re.DOTALL)
    (tmp_path / "w.yaml").write_text(example)
    assert len(load(Path("w.yaml"), environ={}, cwd=tmp_path).targets) == 2


def test_the_shipped_file_points_an_editor_at_the_schema() -> None:
    first = (ROOT / "config/watchdog.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=watchdog.schema.json"


def test_the_schema_names_its_dialect_and_refuses_unknown_keys() -> None:
    assert SCHEMA["$schema"] == DIALECT
    for name, section in (("", SCHEMA), *SCHEMA["$defs"].items()):
        if section["type"] == "object":
            assert section["additionalProperties"] is False, name


def test_every_reference_leads_somewhere() -> None:
    for name in re.findall(r'"#/\$defs/(\w+)"', json.dumps(SCHEMA)):
        assert name in SCHEMA["$defs"]


@pytest.mark.parametrize(("section", "key", "field"), list(keys()))
def test_every_key_is_described_with_an_example(
    section: str, key: str, field: dict[str, Any]
) -> None:
    assert field["description"].endswith("."), f"{section}.{key}"
    assert field["examples"], f"{section}.{key}"


@pytest.mark.parametrize(("section", "key", "field"), list(keys()))
def test_a_scalar_may_be_a_variable(section: str, key: str, field: dict[str, Any]) -> None:
    parts = [field, *field.get("anyOf", [])]
    types = {name for part in parts for name in _types(part)}
    scalar = types & {"string", "integer", "boolean"}
    if scalar:
        free = any(part.get("type") == "string" and "pattern" not in part for part in parts)
        variable = {"$ref": "#/$defs/Expansion"} in parts
        assert (free and not any("enum" in part for part in parts)) or variable, f"{section}.{key}"


def _types(part: dict[str, Any]) -> list[str]:
    found = part.get("type", [])
    return [found] if isinstance(found, str) else found


_PLACES = {
    "": "{key}: {value}\ntargets: [{{name: a, url: 'sqlite:///a.db'}}]",
    "Log": "log: {{{key}: {value}}}\ntargets: [{{name: a, url: 'sqlite:///a.db'}}]",
    "Web": "web: {{{key}: {value}}}\ntargets: [{{name: a, url: 'sqlite:///a.db'}}]",
    "Defaults": "defaults: {{{key}: {value}}}\ntargets: [{{name: a, url: 'sqlite:///a.db'}}]",
    "Probe": "targets: [{{name: a, url: 'sqlite:///a.db', probe: {{{key}: {value}}}}}]",
    "Backup": "targets: [{{name: a, url: 'postgresql://u@h/d', backup: {{{key}: {value}}}}}]",
    "Keep": "targets: [{{name: a, url: 'sqlite:///a.db', backup: {{keep: {{{key}: {value}}}}}}}]",
    "Drill": "targets: [{{name: a, url: 'postgresql://u@h/d',"
    " backup: {{drill: {{{key}: {value}}}}}}}]",
    "Objectives": "targets: [{{name: a, url: 'sqlite:///a.db',"
    " backup: {{objectives: {{{key}: {value}}}}}}}]",
    "Selection": "targets: [{{name: a, url: 'postgresql://u@h/d',"
    " backup: {{include: {{{key}: {value}}}}}}}]",
    "Exclusion": "targets: [{{name: a, url: 'postgresql://u@h/d',"
    " backup: {{exclude: {{{key}: {value}}}}}}}]",
    "Target": "targets: [{{{key}: {value}, {rest}}}]",
}


@pytest.mark.parametrize(("section", "key", "field"), list(keys()))
def test_every_example_and_default_is_accepted(
    tmp_path: Path, section: str, key: str, field: dict[str, Any]
) -> None:
    password = tmp_path / "password"
    password.write_text("hush")
    for value in [*field["examples"], *([field["default"]] if "default" in field else [])]:
        shown = str(password) if key == "password_file" else value
        text = _PLACES[section].format(
            key=key,
            value=json.dumps(shown),
            rest=", ".join(
                f"{name}: {each}"
                for name, each in (("name", "a"), ("url", "'postgresql://u@h/d'"))
                if name != key
            ),
        )
        if section == "" and key == "targets":
            text = f"targets: {json.dumps(value)}"
        yaml.safe_load(text)
        (tmp_path / "w.yaml").write_text(text)
        environ = {"STATE_DIRECTORY": "/var/lib/w", "POSTGRES_PASSWORD": "p"}
        try:
            load(Path("w.yaml"), environ=environ, cwd=tmp_path)
        except ConfigurationError as error:
            pytest.fail(f"{text}\n{error}")
