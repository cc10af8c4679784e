"""The commands that bring a backup back, for people to paste into a shell.

Owns: which stock commands, in which order, quoted so that any name survives.
POSIX shell; pg_restore, createdb, psql, vacuumdb, sqlite3, sha256sum. Pure.
Must not know: files, where the commands are written to.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from watchdog import database_url
from watchdog.backups.manifest import Manifest
from watchdog.database_url import PostgresqlUrl, SqliteUrl

quoted = shlex.quote

_LONGEST: Final = 48  # characters of a name, which may take four bytes each less often than one
_SET_ASIDE: Final = (
    "for end in '' -wal -shm -journal; do"
    ' if [ -e "$DATABASE$end" ]; then mv -- "$DATABASE$end" "$BEFORE$end"; fi; done'
)


@dataclass(frozen=True, slots=True)
class Step:
    """One block of commands; ``before`` and ``after`` are what to know of it, in Markdown.

    ``russian`` is all three of them in a paragraph.
    """

    title: str
    commands: tuple[str, ...]
    before: str = ""
    after: str = ""
    russian: str = ""


_STRICT: Final = 'pg_restore --exit-on-error --single-transaction --dbname="$NEW" "$FILE"'
_PATIENT: Final = 'pg_restore --dbname="$NEW" "$FILE" || echo "READ WHAT IT SAYS ABOVE"'
_EXPECTED: Final = (
    " **One error is expected** on a server older than 17: `unrecognized configuration parameter"
    ' "transaction_timeout"`, and at the end `errors ignored on restore: 1`. With any other error'
    " the restore has failed."
)
_EXPECTED_IN_RUSSIAN: Final = (
    " На сервере старше 17 **ожидается одна ошибка**: `unrecognized configuration parameter"
    ' "transaction_timeout"` и в конце `errors ignored on restore: 1`. Любая другая ошибка значит,'
    " что восстановление не удалось."
)
_LOOK: Final = "Посмотрите на результат: те ли это таблицы и данные?"
_TIMEOUT_SINCE: Final = 17  # pg_restore sets transaction_timeout, which older servers do not know

_WHOLE: Final = Step(
    "Is the file whole?",
    ('echo "$SHA256  $FILE" | sha256sum --check -',),
    after="It has to say `OK`. Otherwise take another backup from the table below.",
    russian="Цел ли файл? Должно появиться `OK`; иначе возьмите другую копию из таблицы выше.",
)


def postgresql(manifest: Manifest) -> Iterator[Step]:
    """Yield the way back of a PostgreSQL database."""
    url = _url(manifest)
    url = url if isinstance(url, PostgresqlUrl) else None
    database = url.database if url is not None else manifest.target
    yield _WHOLE
    yield _tools(manifest)
    newer = _newer_tools(manifest)
    yield Step(
        "Restore into a new database",
        (
            *_connection(url),
            f"NEW={quoted(_new_name(database))}",
            'createdb --template=template0 "$NEW"',
            _PATIENT if newer else _STRICT,
            'vacuumdb --quiet --analyze-only --dbname="$NEW"',
        ),
        before=(
            "The server is the one that the backup was taken from: change the first lines for"
            " another one. The user needs the right to create databases; a password is asked for,"
            f" or taken from `~/.pgpass`.{_roles(manifest)}"
        ),
        after=(
            'If it stops at a role that does not exist, `dropdb "$NEW"` and begin anew: either'
            " create the role first (`createuser --no-login NAME`), or add `--no-owner --no-acl` to"
            f" `pg_restore`.{_EXPECTED if newer else ''}"
        ),
        russian=(
            "Восстановление в новую базу. Сервер — тот, с которого снята копия; для другого"
            " измените первые строки. Пользователю нужно право создавать базы; пароль будет"
            f" запрошен или взят из `~/.pgpass`.{_roles_in_russian(manifest)} Если восстановление"
            ' остановится на роли, которой нет: `dropdb "$NEW"` и начните этот блок заново, создав'
            " роль (`createuser --no-login NAME`) или добавив к `pg_restore` ключи"
            f" `--no-owner --no-acl`.{_EXPECTED_IN_RUSSIAN if newer else ''}"
        ),
    )
    yield Step(
        "Look at it",
        ("psql --dbname=\"$NEW\" --command='\\dt+ *.*' | head -n 100",),
        russian=_LOOK,
    )
    aside = _new_name(database, "before")
    old, kept = _identifier(database), _identifier(aside)
    yield Step(
        "Let it take the place of the old one",
        (
            f"psql --dbname=postgres --command={quoted(f'ALTER DATABASE {old} RENAME TO {kept}')}",
            "psql --dbname=postgres --command="
            + quoted(f"ALTER DATABASE {_identifier(_new_name(database))} RENAME TO {old}"),
        ),
        before=(
            "Stop everything that uses it first: a database with sessions cannot be renamed. (The"
            " first line fails, and may, where there is no old one.)"
        ),
        after=(
            f"The old one is kept as `{aside}`. What belongs to a database and is in no dump has to"
            " be given to the new one by hand: its owner, grants (`\\l`) and settings (`\\drds`)."
        ),
        russian=(
            "Замена старой базы новой. **Сначала остановите всё, что с ней работает**: базу с"
            " открытыми сеансами переименовать нельзя. (Если старой базы нет, первая строка"
            f" завершится ошибкой, это нормально.) Старая останется под именем `{aside}`. Владелец,"
            " права (`\\l`) и настройки (`\\drds`) базы в дамп не входят: задайте их новой базе"
            " вручную."
        ),
    )


def sqlite(manifest: Manifest) -> Iterator[Step]:
    """Yield the way back of a SQLite database."""
    url = _url(manifest)
    path = url.path if isinstance(url, SqliteUrl) else f"{manifest.target}.db"
    yield _WHOLE
    yield Step(
        "Restore into a new file",
        (
            f"DATABASE={quoted(path)}",
            'NEW="$DATABASE.restored"',
            'cp -- "$FILE" "$NEW"',
            "sqlite3 \"$NEW\" 'PRAGMA integrity_check'",
        ),
        before="Change the first line to restore it elsewhere.",
        after="It has to say `ok`.",
        russian=(
            "Восстановление в новый файл. Чтобы он был в другом месте, измените первую строку."
            " В конце должно появиться `ok`."
        ),
    )
    yield Step("Look at it", ("sqlite3 \"$NEW\" '.tables'",), russian=_LOOK)
    yield Step(
        "Let it take the place of the old one",
        (
            'if [ -e "$DATABASE" ]; then chmod --reference="$DATABASE" -- "$NEW"; fi',
            'if [ -e "$DATABASE" ]; then chown --reference="$DATABASE" -- "$NEW"; fi',
            'BEFORE="$DATABASE.before-$(date -u +%Y%m%dT%H%M%SZ)"',
            _SET_ASIDE,
            'mv -- "$NEW" "$DATABASE"',
        ),
        before=(
            "**Stop the application first**, and whatever else has the file open (`fuser` tells):"
            " it would go on with the old file, or destroy the new one."
        ),
        after=(
            "The old database is kept with `.before-` and the time in its name, its `-wal` and"
            " `-journal` with it: they belong together, and never to the new file."
        ),
        russian=(
            "Замена старого файла новым. **Сначала остановите приложение** и всё, что держит файл"
            " открытым (покажет `fuser`): иначе оно продолжит писать в старый файл или испортит"
            " новый. Старая база останется рядом, с `.before-` и временем в имени, вместе со своими"
            " `-wal` и `-journal`: они относятся только к ней."
        ),
    )


def _tools(manifest: Manifest) -> Step:
    """Return how to see, before anything is made, whether the tools can read the backup."""
    major = _major(manifest.versions.get("pg_dump", ""))
    return Step(
        "Are the tools new enough?",
        ("pg_restore --version", 'pg_restore --list "$FILE" | head -n 5'),
        after=(
            f"It has to be {major or 'as new as the `pg_dump` that made the backup'} or later; an"
            " older one says `unsupported version … in file header`. Then install"
            f" `postgresql-client-{major or 'NN'}`, or put the folder of one that is there first:"
            f" `PATH=/usr/lib/postgresql/{major or 'NN'}/bin:$PATH`."
        ),
        russian=(
            "Подходит ли версия программ? Нужна"
            f" {major or 'та, которой снята копия,'} или новее; более старая ответит `unsupported"
            f" version … in file header`. Тогда установите `postgresql-client-{major or 'NN'}` или"
            " поставьте первой папку той, что уже есть:"
            f" `PATH=/usr/lib/postgresql/{major or 'NN'}/bin:$PATH`."
        ),
    )


def _newer_tools(manifest: Manifest) -> bool:
    """Whether only tools that are newer than the server can read the backup."""
    server, tool = (_major(manifest.versions.get(name, "")) for name in ("server", "pg_dump"))
    return 0 < server < _TIMEOUT_SINCE <= tool


def _major(version: str) -> int:
    match = re.match(r"\d+", version)
    return int(match[0]) if match else 0


def _roles(manifest: Manifest) -> str:
    """Return what to know of the roles that were written beside the backup."""
    globals_: Any = manifest.details.get("globals")
    if not isinstance(globals_, dict):
        return ""
    if not globals_.get("file"):
        return f" The roles are not in the backup ({globals_.get('missing')})."
    return (
        " On a server that lacks the roles, bring them first:"
        f' `psql --dbname=postgres --file="${{FILE%.dump}}.{globals_["file"]}"`; it sets the'
        " passwords and settings of roles that are there back to those of then."
    )


def _roles_in_russian(manifest: Manifest) -> str:
    globals_: Any = manifest.details.get("globals")
    if not isinstance(globals_, dict):
        return ""
    if not globals_.get("file"):
        return f" Ролей в копии нет ({globals_.get('missing')})."
    return (
        " Если на сервере нет этих ролей, сначала создайте их:"
        f' `psql --dbname=postgres --file="${{FILE%.dump}}.{globals_["file"]}"`; пароли и настройки'
        " ролей, которые уже есть, станут прежними."
    )


def _url(manifest: Manifest) -> PostgresqlUrl | SqliteUrl | None:
    try:
        return database_url.parse(manifest.url, environ={}, base_dir=Path("/"))
    except database_url.DatabaseUrlError:
        return None


def _connection(url: PostgresqlUrl | None) -> Iterator[str]:
    if url is None:
        yield "export PGHOST=localhost PGPORT=5432 PGUSER=postgres"
        return
    host, port = url.hosts[0]
    yield f"export PGHOST={quoted(host)} PGPORT={port} PGUSER={quoted(url.user)}"
    if mode := url.parameters.get("sslmode"):
        yield f"export PGSSLMODE={quoted(mode)}"


def _new_name(database: str, ending: str = "restored") -> str:
    """Return a name that no shell and no connection string takes for anything else."""
    plain = re.sub(r"\W+", "_", database).strip("_") or "database"
    while len(plain.encode()) > _LONGEST:
        plain = plain[:-1]
    return f"{plain}_{ending}"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
