"""``${NAME}`` in scalars: the grammar and the look-up.

Owns: ``${NAME}``, ``${NAME:-default}``, ``${NAME:?text}`` and ``$$``; a ``$``
before anything else stands for itself. Defaults may hold ``${…}`` again.
Must not know: YAML, files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FORMS: Final = "write ${NAME}, ${NAME:-default}, ${NAME:?text}, or $$ for a dollar sign"


class ExpansionError(ValueError):
    """A variable is not set, or ``${`` cannot be read; ``name`` is the variable or ""."""

    def __init__(self, text: str, name: str = "") -> None:
        self.name = name
        super().__init__(text)


@dataclass(slots=True)
class _Reader:
    text: str
    environ: Mapping[str, str]
    dollars: bool
    at: int = 0
    names: list[str] = field(default_factory=list)

    def until(self, closing: str, *, active: bool) -> str:
        """Read up to *closing* (``""``: the end); look variables up only where *active*."""
        found: list[str] = []
        while self.at < len(self.text):
            rest = self.text[self.at : self.at + 2]
            if closing and rest.startswith(closing):
                self.at += 1
                return "".join(found)
            if rest == "$$" and self.dollars:
                self.at += 2
                found.append("$")
            elif rest == "${":
                self.at += 2
                found.append(self.variable(active=active))
            else:
                self.at += 1
                found.append(rest[0])
        if closing:
            raise ExpansionError(f"a ${{ is never closed: {_FORMS}")
        return "".join(found)

    def variable(self, *, active: bool) -> str:
        match = NAME.match(self.text, self.at)
        if match is None:
            raise ExpansionError(f"no name of a variable follows ${{: {_FORMS}")
        name = match[0]
        self.at = match.end()
        operator = self.text[self.at : self.at + 2]
        if operator.startswith("}"):
            self.at += 1
            return self.required(name, "set it or write ${" + name + ":-default}", active=active)
        if not operator:
            raise ExpansionError(f"a ${{ is never closed: {_FORMS}", name)
        if operator not in (":-", ":?"):
            raise ExpansionError(f"{operator[:1]!r} after ${{{name} is not known: {_FORMS}", name)
        self.at += 2
        given = bool(self.environ.get(name))
        text = self.until("}", active=active and not given and operator == ":-")
        if given or not active:
            return self.taken(name) if active else ""
        if operator == ":-":
            return text
        raise ExpansionError(f"{name} is not set: {text or 'set it'}", name)

    def required(self, name: str, advice: str, *, active: bool) -> str:
        if not active:
            return ""
        if name not in self.environ:
            raise ExpansionError(f"{name} is not set: {advice}", name)
        return self.taken(name)

    def taken(self, name: str) -> str:
        self.names.append(name)
        return self.environ[name]


def expand(
    text: str, environ: Mapping[str, str], *, dollars: bool = True
) -> tuple[str, tuple[str, ...]]:
    """Return *text* with its variables filled in, and the names of those that were set.

    *dollars* makes ``$$`` one dollar sign. Raises ``ExpansionError``.
    """
    if "$" not in text:
        return text, ()
    reader = _Reader(text, environ, dollars)
    value = reader.until("", active=True)
    return value, tuple(reader.names)
