"""What an entry of the catalogue is.

Owns: the types of an entry: its texts in each language, the rules by which a
code leads to it and the wordings by which a message does. Must not know: how
matching or rendering is done.

Texts may hold placeholders. ``{host}`` needs the fact: a step that needs a
fact which nobody knows is left out. ``{host|HOST}`` falls back to what stands
behind the bar. ``{@compose}`` at the beginning of a step says where it makes
sense (see ``place``). Text between backticks is a command or SQL; facts are quoted
there as the shell, or between double quotes as SQL, wants them.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from watchdog.model import Kind, Phase

POSTGRESQL = "https://www.postgresql.org/docs/current/"
SQLITE = "https://www.sqlite.org/"
PGBOUNCER = "https://www.pgbouncer.org/"

LANGUAGES = ("en", "ru")


class Severity(enum.StrEnum):
    """How soon somebody has to act."""

    CRITICAL = "critical"  # the database is not usable, or data are at risk
    WARNING = "warning"  # it works, or mends itself, but not for long
    INFO = "info"  # worth knowing in working hours


class Needs(enum.StrEnum):
    """Which surroundings a wording needs before it may be taken for a database's."""

    NOTHING = "nothing"
    POSTGRESQL = "postgresql"
    SQLITE = "sqlite"
    TROUBLE = "trouble"  # of PostgreSQL, and a line that says that something is wrong
    ERROR = "error"  # an error's frame: a level, an exception type, or nothing else in the text


@dataclass(frozen=True, slots=True)
class Text:
    """An entry in one language. Each step is one action, the first one first."""

    title: str
    cause: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """How an error is recognised without its text; every condition that is given must hold.

    ``codes``: SQLSTATEs, SQLite's result code names (a primary one stands for
    its extended ones that have no rule), errno names, separated by spaces.
    ``facts``: pairs of a fact's name and a regular expression for all of its value.
    """

    codes: str = ""
    routines: str = ""
    exceptions: str = ""
    phases: tuple[Phase, ...] = ()
    engine: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    confidence: float = 0.9


@dataclass(frozen=True, slots=True)
class Wording:
    """How an error is recognised by its text, in lower case.

    ``key`` is a literal that has to be in the text; it is what is looked for
    first. ``pattern`` is a regular expression searched then (without one the
    key is enough); it must stay linear: no quantifier within a quantifier.
    """

    key: str
    pattern: str = ""
    confidence: float = 0.9
    needs: Needs = Needs.NOTHING


@dataclass(frozen=True, slots=True)
class Entry:
    """One cause and what to do about it.

    ``sqlite`` is the page to read instead of ``documentation`` where the
    database is known to be SQLite.
    """

    id: str
    documentation: str
    severity: Severity
    en: Text
    ru: Text
    rules: tuple[Rule, ...] = ()
    wordings: tuple[Wording, ...] = ()
    sqlite: str = ""

    def text(self, language: str) -> Text:
        """Return the texts in *language*; English where there is none."""
        return self.ru if language == "ru" else self.en


@dataclass(frozen=True, slots=True)
class Family:
    """The entries of one file of the catalogue."""

    kind: Kind
    entries: tuple[Entry, ...]
