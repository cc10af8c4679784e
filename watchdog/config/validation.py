"""From a tree to valid models, or to every mistake in it.

Owns: the merging of defaults into targets and the translation of pydantic's
errors into lines with a place, a path and what to write. Must not know: what
targets become.
"""

from __future__ import annotations

import contextlib
import difflib
import types
import typing
from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from watchdog.config import scalars
from watchdog.config.fields import Surroundings
from watchdog.config.mistakes import Mark, Mistakes
from watchdog.config.models import Root, Target, Web
from watchdog.config.tree import Branch, Items, Text, merged

Location = tuple[int | str, ...]

_MAPPINGS: Final = frozenset(
    {"log", "web", "defaults", "probe", "backup", "keep", "objectives", "drill", "labels"}
)
_MAPPING: Final = "must be a mapping: write KEY: VALUE lines below it, indented"
_MESSAGES: Final = {
    "model_type": _MAPPING,
    "dict_type": _MAPPING,
    "list_type": "must be a list: write each entry on its own line, beginning with '- '",
    "too_short": "is empty: write at least one target with name: and url:",
}


def validate(tree: Branch, surroundings: Surroundings, mistakes: Mistakes) -> Root | None:
    """Return the valid models; ``None`` after noting every mistake."""
    for key in [key for key in tree if key.startswith("x-")]:  # a place for YAML anchors
        del tree[key]
    _drop_empty(tree)
    whole = _with_defaults(tree)
    try:
        return Root.model_validate(whole, context=surroundings)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_context=True):
            _note(detail, whole, mistakes)
        return None


def sound_targets(tree: Branch, surroundings: Surroundings) -> Iterator[tuple[int, Target]]:
    """Yield the targets that are valid by themselves, each with its place in the list."""
    targets = _with_defaults(tree).get("targets")
    for at, target in enumerate(targets if isinstance(targets, list) else ()):
        with contextlib.suppress(ValidationError):
            yield at, Target.model_validate(target, context=surroundings)


def web_model(tree: Branch, surroundings: Surroundings) -> Web:
    """Return what the tree says of HTTP; the defaults where that is not valid by itself."""
    web = tree.get("web")
    with contextlib.suppress(ValidationError):
        return Web.model_validate(web if web is not None else {}, context=surroundings)
    return Web()


def _drop_empty(branch: Branch) -> None:
    """Take a mapping without content, all commented out, for one that is not there."""
    for key, value in list(branch.items()):
        if value is None and key in _MAPPINGS:
            del branch[key]
        for each in value if isinstance(value, Items) else [value]:
            if isinstance(each, Branch):
                _drop_empty(each)


def _with_defaults(tree: Branch) -> Branch:
    defaults, targets = tree.get("defaults"), tree.get("targets")
    if not isinstance(targets, Items):
        return tree
    shared = defaults if isinstance(defaults, Branch) else Branch(tree.mark, "defaults")
    whole = merged(Branch(tree.mark, ""), tree)
    full = Items(targets.mark, targets.path)
    full.extend(
        _target(target, shared) if isinstance(target, Branch) else target for target in targets
    )
    whole["targets"] = full
    return whole


def _target(target: Branch, defaults: Branch) -> Branch:
    result = merged(Branch(target.mark, target.path), target)
    for key in ("probe", "backup"):
        default, own = defaults.get(key), target.get(key)
        if key == "backup":
            default, own = _switched(default), _switched(own)
            if own is False:
                result[key] = None
                continue
        if not isinstance(default, Branch):
            continue
        if own is None or own is True:
            at, path = target.keys_at.get(key, target.mark), f"{target.path}.{key}"
            result.put(key, default, at, path)
        elif isinstance(own, Branch):
            result[key] = merged(default, own)
    return result


def _switched(value: Any) -> Any:
    if isinstance(value, Text):
        try:
            return scalars.switch(value)
        except ValueError:
            return value
    return value


# ------------------------------------------------------------------ translation


def _note(detail: ErrorDetails, tree: Branch, mistakes: Mistakes) -> None:
    location = tuple(part for part in detail["loc"] if part != "[key]")
    key = detail["type"] == "extra_forbidden" or "[key]" in detail["loc"]
    mark, path, value = _place(tree, location, key=key)
    if isinstance(value, Text) and value.broken:
        return
    text = _text(detail, location)
    if (mark, text) in mistakes.found:
        return
    if location[0] == "targets" and path.startswith("defaults."):
        text += f" (for {_named(tree, location)})"
    mistakes.add(mark, path, text)


def _place(tree: Branch, location: Location, *, key: bool) -> tuple[Mark, str, Any]:
    """Return where the value at *location* was written, its full name and itself."""
    here: Any = tree
    mark, path = tree.mark, ""
    for part in location:
        if isinstance(here, Branch) and isinstance(part, str):
            if part not in here:
                return mark, f"{path}.{part}" if path else part, None
            mark, path = here.keys_at[part], here.paths[part]
        elif isinstance(here, Items) and isinstance(part, int):
            mark, path = here.mark, f"{here.path}[{part}]"
        here = here[part]
        if isinstance(here, Text | Branch | Items) and not (key and part == location[-1]):
            mark = here.mark
    return mark, path, here


def _text(detail: ErrorDetails, location: Location) -> str:
    kind = detail["type"]
    if kind == "extra_forbidden":
        return _unknown(location)
    if kind == "missing":
        return _missing(location)
    if kind in _MESSAGES:
        return _MESSAGES[kind]
    if kind == "value_error":
        return str(detail["ctx"]["error"])
    return detail["msg"]


def _unknown(location: Location) -> str:
    model = _model_at(location[:-1])
    known, key = _keys_of(model), str(location[-1])
    deeper = _deeper(model, key)
    if deeper:
        return f"unknown key here, did you mean {deeper}?"
    near = difflib.get_close_matches(key.lower(), known, n=1, cutoff=0.6)
    if near:
        return f"unknown key, did you mean {near[0]}?"
    return f"unknown key, known are {', '.join(known)}"


def _deeper(model: type[BaseModel], key: str) -> str:
    """Return where *key* belongs further down, like ``probe.interval``; "" if nowhere."""
    for name, field in _keys_of(model).items():
        below = _model_in(field.annotation)
        if below is None or name == "targets":
            continue
        found = key if key in _keys_of(below) else _deeper(below, key)
        if found:
            return f"{name}.{found}"
    return ""


def _missing(location: Location) -> str:
    field = _keys_of(_model_at(location[:-1]))[str(location[-1])]
    example = (field.examples or [None])[0]
    written = "with a list of databases" if isinstance(example, list) else example
    return f"is missing: write {location[-1]}: {written}"


def _model_at(location: Location) -> type[BaseModel]:
    model: type[BaseModel] = Root
    for part in location:
        if isinstance(part, str):
            model = _model_in(_keys_of(model)[part].annotation) or model
    return model


def _keys_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields by the keys that are written in a file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model inside ``Model``, ``list[Model]`` or ``Annotated[Model | None, …]``."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    found = (_model_in(argument) for argument in typing.get_args(annotation))
    return next((model for model in found if model is not None), None)


def _named(tree: Branch, location: Location) -> str:
    target = tree["targets"][location[1]]
    name = target.get("name") if isinstance(target, Branch) else None
    return f"target {name}" if name else f"targets[{location[1]}]"
