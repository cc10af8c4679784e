"""Some of the tables of an archive, with all that makes them work.

Owns: which entries of an archive's table of contents belong to a table.
``pg_restore --table`` would leave out indexes, constraints, defaults and
sequences; here what depends on a table comes with it, and what it depends on
as well. Must not know: where it is restored.

A line of ``pg_restore --list --verbose`` is ``ID; OID OID KIND SCHEMA TAG
OWNER``, followed by ``;	depends on: ID ID …``
(https://www.postgresql.org/docs/current/app-pgrestore.html).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from watchdog import process
from watchdog.engines.postgresql import tools
from watchdog.engines.postgresql.administration import quoted
from watchdog.engines.postgresql.clients import Client
from watchdog.model import ActionFailed, Phase
from watchdog.visible import visible

_SHOWN: Final = 20

_RELATIONS: Final = ("TABLE", "FOREIGN TABLE", "MATERIALIZED VIEW", "VIEW", "SEQUENCE")
# What comes with a table if all that it depends on comes.
_WITH_IT: Final = (
    "TABLE DATA",
    "TABLE ATTACH",
    "MATERIALIZED VIEW DATA",
    "SEQUENCE OWNED BY",
    "SEQUENCE SET",
    "SEQUENCE",
    "DEFAULT",
    "CHECK CONSTRAINT",
    "FK CONSTRAINT",
    "CONSTRAINT",
    "INDEX ATTACH",
    "INDEX",
    "STATISTICS DATA",
    "STATISTICS",
    "ROW SECURITY",
    "COMMENT",
    "SECURITY LABEL",
    "ACL",
)
# What comes with a table and brings what it depends on, but no further table.
_BRINGING: Final = ("TRIGGER", "POLICY", "RULE")
_KINDS: Final = sorted({*_RELATIONS, *_WITH_IT, *_BRINGING}, key=len, reverse=True)
_ENTRY: Final = re.compile(rf"^(\d+); \d+ \d+ ({'|'.join(_KINDS)}|[A-Z]+) (.*)$")
_TABLE: Final = re.compile(
    r"^-- Name: (?P<name>.*); Type: TABLE; Schema: (?P<schema>.*); Owner: .*$", re.MULTILINE
)
_BARE: Final = re.compile(r"[a-z_][a-z0-9_]*")
_IDENTIFIERS: Final = re.compile(
    r"""(?:(?P<schema>"(?:[^"]|"")+"|[^".]+)\.)?(?P<name>"(?:[^"]|"")+"|[^".]+)""", re.DOTALL
)
_DEPENDS: Final = re.compile(r"^;\s+depends on: ([\d ]+)$")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a table of contents; ``needs`` are the numbers that it depends on."""

    number: int
    kind: str
    name: str
    line: str
    needs: frozenset[int]


@dataclass(frozen=True, slots=True)
class Contents:
    """What is restored: the text for ``--use-list``, and what had to be left out."""

    text: str
    notes: tuple[str, ...]


async def of_tables(client: Client, archive: Path, tables: Iterable[str]) -> Contents:
    """Return the part of *archive* that *tables* (``NAME`` or ``SCHEMA.NAME``) are.

    Raises ``ActionFailed`` for one that is not in it.
    """
    entries = parse(await _listing(client, archive, "--verbose"))
    chosen: set[int] = set()
    for table in tables:
        found = await _named(client, archive, table)
        if not found:
            raise await _missing(client, archive, table)
        chosen |= found
    return select(entries, chosen)


def parse(listing: str) -> dict[int, Entry]:
    """Return the entries of a verbose listing by number, in their order."""
    entries: dict[int, Entry] = {}
    last = 0
    for line in listing.splitlines():
        if match := _ENTRY.match(line):
            last = int(match[1])
            entries[last] = Entry(last, match[2], match[3], line, frozenset())
        elif last and (match := _DEPENDS.match(line)):
            entry = entries[last]
            needs = frozenset(map(int, match[1].split()))
            entries[last] = Entry(last, entry.kind, entry.name, entry.line, needs)
    return entries


def select(entries: Mapping[int, Entry], chosen: set[int]) -> Contents:
    """Return the part of *entries* that the relations *chosen* need and have."""
    chosen = _with_partitions(entries, chosen)
    wanted = _needed(entries, chosen)
    near = set(chosen)  # what hangs on a chosen table, and what hangs on that
    grown = True
    while grown:
        grown = False
        for entry in entries.values():
            if entry.number in wanted or not entry.needs & near:
                continue
            bringing = entry.kind in _BRINGING and _brings_no_table(entries, entry, wanted)
            if bringing or (entry.kind in _WITH_IT and _there(entries, entry) <= wanted):
                wanted |= _needed(entries, {entry.number})
                near.add(entry.number)
                grown = True
    lines = [entry.line for entry in entries.values() if entry.number in wanted]
    left = [
        f"left out, for the other table is not restored: foreign key {entry.name}"
        for entry in entries.values()
        if entry.kind == "FK CONSTRAINT"
        and entry.number not in wanted
        and any(_is_of(entry, entries[number]) for number in entry.needs & chosen)
    ]
    return Contents("\n".join(lines) + "\n", tuple(left))


def _is_of(constraint: Entry, table: Entry) -> bool:
    """Whether the constraint is the table's own, and not of another that refers to it."""
    schema_and_name = table.name.rpartition(" ")[0]  # the last word is the owner
    return constraint.name.startswith(f"{schema_and_name} ")


def _with_partitions(entries: Mapping[int, Entry], chosen: set[int]) -> set[int]:
    """Add the partitions of partitioned tables, and theirs."""
    found = set(chosen)
    attached = [entry.needs for entry in entries.values() if entry.kind == "TABLE ATTACH"]
    grown = True
    while grown:
        grown = False
        for pair in attached:
            for table in pair - found:
                parents = entries[table].needs & pair if table in entries else frozenset()
                if parents & found:
                    found.add(table)
                    grown = True
    return found


def _needed(entries: Mapping[int, Entry], numbers: set[int]) -> set[int]:
    """Return *numbers* and whatever they depend on."""
    found: set[int] = set()
    waiting = list(numbers)
    while waiting:
        number = waiting.pop()
        if number in entries and number not in found:
            found.add(number)
            waiting += entries[number].needs
    return found


def _there(entries: Mapping[int, Entry], entry: Entry) -> frozenset[int]:
    """Return what it depends on; what is in no archive is there already."""
    return frozenset(number for number in entry.needs if number in entries)


def _brings_no_table(entries: Mapping[int, Entry], entry: Entry, wanted: set[int]) -> bool:
    missing = _needed(entries, {entry.number}) - wanted
    return all(entries[number].kind not in _RELATIONS for number in missing)


async def _named(client: Client, archive: Path, table: str) -> set[int]:
    """Return the numbers of the relation *table*: pg_restore itself says which it is."""
    for schema, name in meant(table):
        options = [f"--schema={schema}"] if schema else []
        options.append(f"--table={name}")
        found = parse(await _listing(client, archive, *options)).values()
        numbers = {entry.number for entry in found if entry.kind in _RELATIONS}
        if numbers:
            return numbers
    return set()


async def _listing(client: Client, archive: Path, *options: str) -> str:
    return await _asked(client, archive, "--list", *options)


async def _asked(client: Client, archive: Path, *options: str) -> str:
    output = bytearray()
    command = [client.pg_restore, *options, str(archive)]
    done = await process.run(command, stdout=output.extend)
    if tools.complained(done):
        named = tools.facts(None, None, archive)
        raise tools.told(done, f"the archive {archive.name} cannot be read", Phase.PREFLIGHT, named)
    return output.decode("utf-8", "replace")


def meant(table: str) -> Iterator[tuple[str, str]]:
    """Yield what *table* may mean, as (schema, name): a name as it is, or as SQL writes it."""
    yield "", table
    if "." in table:
        schema, _, name = table.partition(".")
        yield schema, name
    if match := _IDENTIFIERS.fullmatch(table):
        yield _unquoted(match["schema"] or ""), _unquoted(match["name"])


def _unquoted(word: str) -> str:
    return word[1:-1].replace('""', '"') if word.startswith('"') else word


async def _tables(client: Client, archive: Path) -> list[str]:
    """Return the tables of *archive* by the names that SQL and ``--table`` know them by.

    The table of contents tells neither where a name ends nor where an owner
    begins; the comments of the script do.
    """
    script = await _asked(client, archive, "--schema-only", "--file=-")
    return sorted({named(match["schema"], match["name"]) for match in _TABLE.finditer(script)})


def named(schema: str, name: str) -> str:
    """Return *name* in *schema* as SQL writes it, in quotes only where it has to be."""
    return ".".join(word if _BARE.fullmatch(word) else quoted(word) for word in (schema, name))


async def _missing(client: Client, archive: Path, table: str) -> ActionFailed:
    names = await _tables(client, archive)
    shown = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
    return tools.refusal(
        "",
        visible(f"the backup {archive.name} has no table {table}; it has {shown or 'none'}"),
        Phase.PREFLIGHT,
        tools.facts(None, None, archive),
    )
