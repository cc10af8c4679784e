"""The restore drill of an archive: into scratch, counted, asked, and away again.

Owns: choosing the place, comparing what came back with what was there, the
user's assertions, and which troubles speak of the backup. Must not know: how
an archive is restored, when a drill is due.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from watchdog.content import Content, differences, shown
from watchdog.database_url import PostgresqlUrl
from watchdog.engines import Drilled, Exercise, Unproven, _drills
from watchdog.engines.postgresql import (
    counting,
    own_server,
    restore,
    scratch_database,
    tools,
    without_extensions,
)
from watchdog.engines.postgresql.administration import Administration, open_in, quoted
from watchdog.engines.postgresql.counting import TROUBLES, Tally
from watchdog.engines.postgresql.instant import settings_for
from watchdog.model import ActionFailed, Failure, Kind, Phase, Target
from watchdog.restoration import RestoreOptions

_OWN_CLUSTER: Final = 200 << 20  # bytes: an empty cluster and its WAL
_GROWTH: Final = 1.2
_UNPACKED: Final = 8  # a database is about so many times its archive, where nobody knows better

# What a restore meets when the archive, and not the place, is at fault.
_OF_THE_BACKUP: Final = frozenset(
    {"backup_truncated", "backup_damaged", "backup_not_an_archive", "backup_zero_bytes"}
)
_DATA_AT_FAULT: Final = re.compile(
    r"COPY failed|invalid input syntax|duplicate key|could not create unique index"
    r"|violates (?:foreign key|check|not-null|unique|exclusion) constraint"
    r"|could not (?:read|uncompress)|unexpected end of file|corrupt|out of order",
    re.IGNORECASE,
)


@dataclass(slots=True)
class _Place:
    """Where the archive is restored: a server, how it is called, its version once that is seen.

    ``passing``: it is there for the drill alone.
    """

    server: PostgresqlUrl
    where: str
    target: Target | None = None
    major: int = 0
    passing: bool = False


async def drill(exercise: Exercise) -> Drilled:
    """Restore into scratch, compare, ask. Raises ``Unproven`` and other ``ActionFailed``."""
    async with _place(exercise) as place:
        try:
            return await _drill_in(place, exercise)
        except ActionFailed as error:
            if isinstance(error, Unproven) or _speaks_of_the_backup(error.failure):
                raise
            raise Unproven(error.failure) from error


async def _drill_in(place: _Place, exercise: Exercise) -> Drilled:
    content = exercise.content
    surroundings: Mapping[str, Any] = content.surroundings if content else {}
    missing = await _missing_extensions(place, surroundings)
    scratch = scratch_database.made(place.server, place.target, surroundings, passing=place.passing)
    async with scratch as (url, made):
        began = time.monotonic()
        notes = made + await _restore(place, exercise, url, missing)
        seconds = time.monotonic() - began
        found = await _counted(url, place.target, exercise)
        if missing:
            _require_rows_without(missing, place, exercise, found)
        else:
            _require_equal(exercise, found)
        against = await _asked(url, place.target, exercise.settings.assertions)
    failure = _drills.against(exercise, against) if against else None
    level = _drills.level(content, failure)
    return Drilled(
        level=min(level, _drills.RESTORED) if missing else level,
        seconds=seconds,
        where=place.where,
        tables=len(found.rows),
        rows=found.total,
        notes=(*notes, *_drills.uncompared(content)),
        failure=failure,
    )


async def _restore(
    place: _Place, exercise: Exercise, url: PostgresqlUrl, missing: Collection[str]
) -> tuple[str, ...]:
    """Restore into *url*; return notes."""
    if missing:
        major = place.major
        return await without_extensions.restore(
            exercise.artefact, url, place.target, major, missing
        )
    options = RestoreOptions(target=place.target)
    restored = await restore.bring_back(exercise.artefact, url, options, lambda _: None)
    return tuple(restored.notes)


# ------------------------------------------------------------------ where


@asynccontextmanager
async def _place(exercise: Exercise) -> AsyncIterator[_Place]:
    server = exercise.settings.server
    if isinstance(server, PostgresqlUrl):
        yield _Place(server, f"the scratch server {server.server_name}")
    elif server == "same":
        url = exercise.url
        if not isinstance(url, PostgresqlUrl):
            raise _drills.no_place(exercise, "drill.server: same, but its server is not known here")
        yield _Place(url, f"the watched server {url.server_name} itself", exercise.target)
    else:
        async with _own(exercise) as place:
            yield place


@asynccontextmanager
async def _own(exercise: Exercise) -> AsyncIterator[_Place]:
    found = await own_server.programs(_major(exercise.version))
    if found is None:
        raise _drills.no_place(
            exercise,
            f"there is no PostgreSQL server of version {_major(exercise.version) or 'any'} or"
            " later installed here to restore into: install one (it need not run), or give"
            " drill.server a URL",
        )
    content = exercise.content
    encoding = str(content.surroundings.get("encoding") or "UTF8") if content else "UTF8"
    async with AsyncExitStack() as held:
        scratch = _drills.folder(exercise.settings.directory, lambda: _needed(exercise))
        try:
            folder = await held.enter_async_context(scratch)
        except OSError as error:
            raise _drills.no_scratch(exercise, error) from error
        try:
            running = own_server.running(found, folder, encoding)
            server = await held.enter_async_context(running)
            await _make_tablespaces(server, folder, content)
        except own_server.NoServerError as error:
            raise _drills.no_place(exercise, str(error)) from error
        yield _Place(server, f"a server of its own (PostgreSQL {found.major})", passing=True)


def _needed(exercise: Exercise) -> int:
    size = exercise.expected_bytes or exercise.artefact.stat().st_size * _UNPACKED
    return int(size * _GROWTH) + _OWN_CLUSTER


async def _make_tablespaces(server: PostgresqlUrl, folder: Path, content: Content | None) -> None:
    names = content.surroundings.get("tablespaces") or () if content else ()
    async with open_in(server, None) as administration:
        for number, name in enumerate(names):
            place = own_server.prepare_tablespace(folder, number)
            location = str(place).replace("'", "''")
            await administration.do(f"create tablespace {quoted(str(name))} location '{location}'")


async def _missing_extensions(place: _Place, surroundings: Mapping[str, Any]) -> frozenset[str]:
    """Return which extensions of the source its place cannot have.

    Raises ``Unproven`` for a standby: nothing can be restored there.
    """
    wanted = frozenset(str(name) for name in surroundings.get("extensions") or ())
    async with open_in(place.server, place.target) as administration:
        place.major = administration.major
        if await administration.value("select pg_catalog.pg_is_in_recovery()"):
            raise _in_recovery(place)
        rows = await administration.rows("select name from pg_catalog.pg_available_extensions")
    return wanted - {row[0] for row in rows}


def _in_recovery(place: _Place) -> Unproven:
    return Unproven(
        Failure(
            Kind.STATE,
            f"{place.where} is a standby, which takes no writes: give drill.server the URL of"
            " another one",
            Phase.VERIFY,
            "25006",
            "in_recovery_read_only",
            tools.facts(place.server, place.target, None),
        )
    )


def _require_rows_without(
    missing: Collection[str], place: _Place, exercise: Exercise, found: Content
) -> None:
    """Raise ``Unproven`` unless every row came back although extensions lacked."""
    content = exercise.content
    if content is None or content.reason:
        return
    lost = differences(replace(content, schema=""), replace(found, schema=""))
    if lost:
        raise _drills.no_place(
            exercise,
            f"{place.where} has no extension {', '.join(sorted(missing))}, which tables of the"
            f" database need ({shown(lost)}): install its package there, or give drill.server the"
            " URL of a server that has it",
        )


# ------------------------------------------------------------------ what came back


async def _counted(url: PostgresqlUrl, target: Target | None, exercise: Exercise) -> Content:
    content = exercise.content
    tally = Tally(digests_too=bool(content and content.digests))
    async with open_in(url, target) as administration, administration.transaction():
        driver = administration.driver
        try:
            await driver.execute("set transaction isolation level repeatable read, read only")
            await driver.execute(settings_for(administration.major, exercise.settings.timeout))
            await counting.look_around(driver, tally)
            await counting.count(driver, tally)
        except TROUBLES as error:
            if isinstance(error, UnicodeError):
                raise
            raise administration.failed(error) from error
    return tally.content()


def _require_equal(exercise: Exercise, found: Content) -> None:
    content = exercise.content
    if content is None or content.reason:
        return
    other = differences(content, found)
    if other:
        facts = tools.facts(None, exercise.target, exercise.artefact)
        raise ActionFailed(
            Failure(
                Kind.BACKUP,
                f"restored from {exercise.artefact.name}, the database is not what it was when it"
                f" was dumped: {shown(other)}",
                Phase.VERIFY,
                "",
                _drills.DIFFERS,
                facts,
            )
        )


async def _asked(url: PostgresqlUrl, target: Target | None, assertions: tuple[str, ...]) -> str:
    """Return what the assertions say against the copy, "" for nothing."""
    for query in assertions:
        async with open_in(url, target) as administration:
            if against := await _ask(administration, query):
                return against
    return ""


async def _ask(administration: Administration, query: str) -> str:
    driver = administration.driver
    try:
        await driver.execute("set search_path = public; set default_transaction_read_only = on")
        row = await driver.fetchrow(query)
    except TROUBLES as error:
        return f"the assertion {query!r} cannot be asked: {str(error).splitlines()[0]}"
    if row is None or not len(row) or row[0] is not True:
        answer = repr(row[0]) if row is not None and len(row) else "without a row"
        return f"the assertion {query!r} does not hold: it answers {answer}"
    return ""


def _speaks_of_the_backup(failure: Failure) -> bool:
    if failure.hint in _OF_THE_BACKUP or failure.hint == _drills.DIFFERS:
        return True
    return failure.kind in (Kind.BACKUP, Kind.QUERY, Kind.SCHEMA) and bool(
        _DATA_AT_FAULT.search(failure.message)
    )


def _major(version: str) -> int:
    match = re.match(r"(\d+)", version)
    return int(match[1]) if match else 0
