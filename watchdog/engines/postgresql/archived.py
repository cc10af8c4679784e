"""What an archive says of the database itself, for one that is made anew.

Owns: encoding and locale, owner, settings, grants, comment and limit of the
database that was dumped, as ``pg_restore --create`` would give them, under
another name. Must not know: where it is restored.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from watchdog import process
from watchdog.engines.postgresql import tools
from watchdog.engines.postgresql.administration import quoted
from watchdog.engines.postgresql.archive import Archive

_ENTRY: Final = re.compile(
    r"^\d+; \d+ \d+ (?:DATABASE|DATABASE PROPERTIES|(?:COMMENT|ACL|SECURITY LABEL) - DATABASE) .*$",
    re.MULTILINE,
)
_CREATION: Final = re.compile(
    r'CREATE DATABASE ((?:"(?:[^"]|"")*")|\S+) WITH TEMPLATE = template0(.*)', re.DOTALL
)
_ABOUT_ROLES: Final = re.compile(
    r"GRANT |REVOKE |ALTER ROLE |ALTER DATABASE .* OWNER TO ", re.DOTALL
)
_KNOWN: Final = ("ALTER DATABASE ", "ALTER ROLE ", "COMMENT ON ", "GRANT ", "REVOKE ", "SECURITY ")

# One step through SQL as pg_restore writes it: comments and commands of psql
# are lines, strings and names may hold anything.
_TOKEN: Final = re.compile(
    r"--[^\n]*\n?|(?m:^)\\[^\n]*\n?|[eE]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|;|.",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Archived:
    """The database as it was: what follows its creation, and what is to be run after."""

    options: str = ""
    statements: tuple[str, ...] = ()

    def creation(self, name: str) -> str:
        """Return the statement that makes *name* like it."""
        return f"create database {quoted(name)} template template0{self.options}"

    def dressing(self, name: str, *, owners: bool) -> Iterator[str]:
        """Yield what gives *name* the rest; without *owners* nothing that names a role."""
        for statement in self.statements:
            if owners or not _ABOUT_ROLES.match(statement):
                yield statement.replace("\0", quoted(name), 1)


async def look(archive: Archive) -> Archived:
    """Return what *archive* says; nothing where it cannot be read."""
    listing = await _run(archive, "--list")
    entries = "\n".join(_ENTRY.findall(listing))
    with tempfile.TemporaryDirectory(prefix="db-watchdog-") as folder:
        contents = Path(folder) / "contents"
        contents.write_text(f"{entries}\n", encoding="utf-8")
        return parse(await _run(archive, f"--use-list={contents}", "--file=-"))


def parse(script: str) -> Archived:
    """Return what the script of ``pg_restore --create`` says of the database."""
    options, name = "", ""
    found = []
    for statement in split(script):
        if match := _CREATION.fullmatch(statement):
            name, options = match[1], match[2]
        elif name and statement.startswith(_KNOWN) and f"DATABASE {name} " in statement:
            # The name is put in later; no statement can hold a NUL.
            found.append(statement.replace(f"DATABASE {name} ", "DATABASE \0 ", 1))
    kept = [each for each in found if "IS_TEMPLATE" not in each]
    # Who gives it away may not change it any more.
    return Archived(options, tuple(sorted(kept, key=lambda each: " OWNER TO " in each)))


def split(script: str) -> Iterator[str]:
    """Yield the statements of a script, without comments and psql's own commands."""
    words: list[str] = []
    for word in _TOKEN.findall(script):
        if word == ";":
            yield "".join(words).strip()
            words = []
        elif not word.startswith(("--", "\\")):
            words.append(word)


async def _run(archive: Archive, *options: str) -> str:
    output = bytearray()
    command = [archive.client.pg_restore, "--create", *options, str(archive.path)]
    done = await process.run(command, stdout=output.extend)
    return "" if tools.complained(done) else output.decode("utf-8", "replace")
