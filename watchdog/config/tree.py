"""YAML text as a tree whose every value knows its line and column.

Owns: the reading of YAML: no scalar means anything but its text (``no`` is a
word, ``1:30`` is no number), duplicate keys are mistakes, anchors and merge
keys work within a bound. Must not know: which keys exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from watchdog.config.expansion import ExpansionError, expand
from watchdog.config.mistakes import Mark, Mistakes

_MOST_VALUES: Final = 100_000
_TOO_DEEP: Final = "the values are nested too deeply"
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_MERGE: Final = "tag:yaml.org,2002:merge"
_TAGS: Final = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value", "map", "seq")
)
_QUOTE: Final = "put the value in quotes"
_ADVICE: Final = (
    ("'\\t' that cannot start", "a tab is not allowed here: indent with spaces"),
    ("that cannot start any token", f"a value cannot begin with this character: {_QUOTE}"),
    ("mapping values are not allowed", f"a second ': ' in one line: {_QUOTE}"),
    ("scanning an alias", f"a * begins an alias in YAML: {_QUOTE}"),
    ("undefined alias", f"a * begins an alias in YAML: {_QUOTE}"),
    ("undefined tag handle", f"a ! begins a tag in YAML: {_QUOTE}"),
    ("scanning an anchor", f"a & begins an anchor in YAML: {_QUOTE}"),
    ("expected a single document", "only one document is read: remove the second ---"),
    ("expected the node content", _QUOTE),
    ("expected <block end>", f"the indentation does not fit the lines above, or {_QUOTE}"),
    ("could not find expected ':'", "a key needs a colon and a space: KEY: VALUE"),
    ("expected ',' or", f"a bracket or comma is missing, or {_QUOTE}"),
)


class Text(str):  # noqa: SLOT000 - a str with slots cannot have defaults for them
    """A scalar, expanded.

    ``variables`` names where its text came from: it is not to be shown then.
    ``broken``: it could not be expanded, which is a mistake already noted.
    """

    mark: Mark
    path: str
    variables: tuple[str, ...] = ()
    broken: bool = False

    @property
    def shown(self) -> str:
        """The text as a message may quote it."""
        if self.variables:
            return "the value of " + " and ".join(f"${{{name}}}" for name in self.variables)
        return repr(str(self))


class Branch(dict[str, Any]):
    """A mapping; ``keys_at`` are the places of its keys, ``paths`` their full names."""

    mark: Mark
    path: str

    def __init__(self, mark: Mark, path: str) -> None:
        super().__init__()
        self.mark, self.path = mark, path
        self.keys_at: dict[str, Mark] = {}
        self.paths: dict[str, str] = {}

    def put(self, key: str, value: Any, mark: Mark, path: str) -> None:
        """Set *key*, remembering where it was written."""
        self[key] = value
        self.keys_at[key] = mark
        self.paths[key] = path


class Items(list[Any]):
    """A list."""

    mark: Mark
    path: str

    def __init__(self, mark: Mark, path: str) -> None:
        super().__init__()
        self.mark, self.path = mark, path


def text_at(value: str, mark: Mark, path: str, variables: tuple[str, ...] = ()) -> Text:
    """Return *value* as a scalar that was written at *mark*."""
    text = Text(value)
    text.mark, text.path, text.variables = mark, path, variables
    return text


def merged(default: Branch, own: Branch) -> Branch:
    """Return *own* with what only *default* says; each value keeps its own place."""
    result = Branch(own.mark, own.path)
    for source in (default, own):
        for key, value in source.items():
            before = result.get(key)
            if isinstance(before, Branch) and isinstance(value, Branch):
                value = merged(before, value)  # noqa: PLW2901 - the merged one is put
            result.put(key, value, source.keys_at[key], source.paths[key])
    return result


def read(
    text: str, file: str, environ: Mapping[str, str] | None, mistakes: Mistakes
) -> Branch | None:
    """Read YAML *text* of *file*; ``None`` where nothing can be made of it.

    ``${…}`` is looked up in *environ*; without one it stands for itself.
    """
    start = Mark(file, 1, 1)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        mark = Mark(file, at.line + 1, at.column + 1) if at else start
        mistakes.add(mark, "", _syntax(error))
        return None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        column = len(before) - before.rfind("\n")
        mark = Mark(file, before.count("\n") + 1, column)
        mistakes.add(mark, "", "a character that YAML does not allow: remove it")
        return None
    except RecursionError:
        mistakes.add(start, "", _TOO_DEEP)
        return None
    if root is None or (isinstance(root, yaml.ScalarNode) and root.value in _NULL):
        mistakes.add(start, "", "the file is empty: write at least targets:")
        return None
    tree = _Reading(file, environ, mistakes).value(root, "")
    if isinstance(tree, Branch):
        return tree
    if not mistakes.found:
        mistakes.add(start, "", "the file must be a mapping: write KEY: VALUE lines, like targets:")
    return None


def _syntax(error: yaml.MarkedYAMLError) -> str:
    said = " ".join(filter(None, (error.context, error.problem)))
    for sign, advice in _ADVICE:
        if sign in said:
            return advice
    return f"not YAML: {said}"


class _TooMany(Exception):  # noqa: N818 - it reads as what happened
    """The aliases unfold into more values than any configuration has."""


@dataclass(slots=True)
class _Reading:
    file: str
    environ: Mapping[str, str] | None
    mistakes: Mistakes
    count: int = 0
    within: set[int] = field(default_factory=set)

    def value(self, root: yaml.Node, path: str) -> Any:
        try:
            return self._any(root, path)
        except RecursionError:
            self.mistakes.add(self._mark(root), "", _TOO_DEEP)
            return None
        except _TooMany:
            self.mistakes.add(
                self._mark(root), "", f"aliases unfold into more than {_MOST_VALUES} values"
            )
            return None

    def _mark(self, node: yaml.Node) -> Mark:
        return Mark(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def _any(self, node: yaml.Node, path: str) -> Any:
        self.count += 1
        if self.count > _MOST_VALUES:
            raise _TooMany
        if node.tag not in _TAGS:
            return self._broken(node, path, f"a ! begins a tag in YAML: {_QUOTE}")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if id(node) in self.within:
            return self._broken(node, path, "an anchor that contains itself")
        self.within.add(id(node))
        try:
            return (
                self._branch(node, path)
                if isinstance(node, yaml.MappingNode)
                else self._items(node, path)
            )
        finally:
            self.within.discard(id(node))

    def _scalar(self, node: yaml.ScalarNode, path: str) -> Text | None:
        mark = self._mark(node)
        try:
            value, variables = (
                (node.value, ()) if self.environ is None else expand(node.value, self.environ)
            )
        except ExpansionError as error:
            return self._broken(node, path, str(error))
        if node.style is None and not variables and value in _NULL:
            return None
        return text_at(value, mark, path, variables)

    def _broken(self, node: yaml.Node, path: str, text: str) -> Text:
        mark = self._mark(node)
        self.mistakes.add(mark, path, text)
        broken = text_at("", mark, path)
        broken.broken = True
        return broken

    def _items(self, node: yaml.Node, path: str) -> Items:
        items = Items(self._mark(node), path)
        items.extend(self._any(child, f"{path}[{at}]") for at, child in enumerate(node.value))
        return items

    def _branch(self, node: yaml.MappingNode, path: str) -> Branch:
        branch = Branch(self._mark(node), path)
        inherited = []
        for key_node, value_node in node.value:
            mark = self._mark(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self.mistakes.add(mark, path, "a key must be a word")
                continue
            key = key_node.value
            below = f"{path}.{key}" if path else key
            if key_node.tag == _MERGE:
                inherited.append((mark, self._any(value_node, path)))
            elif key in branch:
                first = branch.keys_at[key]
                self.mistakes.add(mark, below, f"is there twice, first in line {first.line}")
            else:
                branch.put(key, self._any(value_node, below), mark, below)
        for mark, value in inherited:
            self._inherit(branch, value, mark)
        return branch

    def _inherit(self, branch: Branch, value: Any, mark: Mark) -> None:
        for source in value if isinstance(value, Items) else [value]:
            if not isinstance(source, Branch):
                self.mistakes.add(mark, branch.path, "<< takes a mapping: write <<: *ANCHOR")
                continue
            for key, inherited in source.items():
                if key not in branch:
                    branch.put(key, inherited, source.keys_at[key], source.paths[key])
