"""What a database is beside its content, and giving another one the same.

Owns: owner, encoding, locale, tablespace, limit, grants, settings and
comment: reading them, and the SQL that repeats them. No dump restored under
another name brings them. Must not know: why one database takes the place of
another.

Views: pg_database, pg_db_role_setting, pg_shdescription
(https://www.postgresql.org/docs/current/catalog-pg-database.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from watchdog.engines.postgresql.administration import Administration, literal, quoted

_PROVIDER_SINCE: Final = 15
_RULES_SINCE: Final = 16
_LOCALE_SINCE: Final = 17
_DEFAULT_TABLESPACE: Final = "pg_default"
_PROVIDERS: Final = {"c": "libc", "i": "icu", "b": "builtin"}

# Settings whose value is a list of names, each quoted by itself: as one string
# they would mean something else (GUC_LIST_QUOTE, as pg_dump knows them).
_LISTS: Final = frozenset(
    [
        "local_preload_libraries",
        "search_path",
        "session_preload_libraries",
        "shared_preload_libraries",
        "temp_tablespaces",
        "unix_socket_directories",
    ]
)

_DATABASE: Final = """
select d.oid, d.datname as name, r.rolname as owner, pg_encoding_to_char(d.encoding) as encoding,
       d.datcollate as collate, d.datctype as ctype, {provider} as provider,
       {locale} as locale, {rules} as rules, s.spcname as tablespace,
       d.datconnlimit as connection_limit, d.datallowconn as open, d.datistemplate as template,
       d.datacl is not null as granted,
       shobj_description(d.oid, 'pg_database') as comment
  from pg_database d
  join pg_roles r on r.oid = d.datdba
  join pg_tablespace s on s.oid = d.dattablespace
 where d.datname = $1
"""

# The public and the owner have their own grants from the beginning.
_GRANTS: Final = """
select pg_get_userbyid(a.grantor) as grantor,
       case when a.grantee = 0 then '' else pg_get_userbyid(a.grantee) end as grantee,
       a.privilege_type as privilege, a.is_grantable as grantable
  from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
 where d.oid = $1
 order by a.grantor <> d.datdba, 1, 2, 3
"""

_SETTINGS: Final = """
select case when s.setrole = 0 then '' else pg_get_userbyid(s.setrole) end as role,
       c.setting
  from pg_db_role_setting s, unnest(s.setconfig) with ordinality c(setting, number)
 where s.setdatabase = $1
 order by 1, c.number
"""


@dataclass(frozen=True, slots=True)
class Grant:
    """One privilege; ``grantee`` is "" for PUBLIC."""

    grantor: str
    grantee: str
    privilege: str
    grantable: bool


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting; ``role`` is "" where it counts for every role."""

    role: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Properties:
    """A database; ``granted``: its grants are not those that every database has."""

    oid: int
    name: str
    owner: str
    encoding: str
    collate: str
    ctype: str
    provider: str
    locale: str | None
    rules: str | None
    tablespace: str
    connection_limit: int
    open: bool
    template: bool
    granted: bool
    comment: str | None
    grants: tuple[Grant, ...] = ()
    settings: tuple[Setting, ...] = ()

    @property
    def settable(self) -> tuple[object, ...]:
        """What ``dressing`` repeats: equal in both databases once it is done."""
        return frozenset(self.grants), frozenset(self.settings), self.comment


async def read(administration: Administration, name: str) -> Properties | None:
    """Return what the database *name* is, ``None`` if it is not there. Raises ``ActionFailed``."""
    query = _DATABASE.format(**_columns(administration.major))
    rows = await administration.rows(query, name)
    if not rows:
        return None
    found = dict(rows[0])
    provider = found["provider"]
    found["provider"] = provider.decode() if isinstance(provider, bytes) else provider
    grants = await administration.rows(_GRANTS, found["oid"])
    settings = await administration.rows(_SETTINGS, found["oid"])
    return Properties(
        **found,
        grants=tuple(Grant(**dict(row)) for row in grants),
        settings=tuple(_setting(row) for row in settings),
    )


def creation(name: str, like: Properties, major: int) -> str:
    """Return the statement that creates *name* with the same owner, encoding, locale and place."""
    # template0: whatever template1 has been given would stand in the way.
    words = [f"create database {quoted(name)} template template0 owner {quoted(like.owner)}"]
    words.append(f"encoding {literal(like.encoding)}")
    words.append(f"lc_collate {literal(like.collate)} lc_ctype {literal(like.ctype)}")
    if major >= _PROVIDER_SINCE:
        words.append(f"locale_provider {_PROVIDERS[like.provider]}")
    if like.locale is not None:
        kind = "icu_locale" if like.provider == "i" else "builtin_locale"
        words.append(f"{kind} {literal(like.locale)}")
    if like.rules is not None:
        words.append(f"icu_rules {literal(like.rules)}")
    if like.tablespace != _DEFAULT_TABLESPACE:  # which needs a right where it is named
        words.append(f"tablespace {quoted(like.tablespace)}")
    return " ".join(words)


def dressing(name: str, like: Properties) -> Iterator[str]:
    """Yield the statements that give *name* the grants, settings and comment of *like*."""
    database = quoted(name)
    if like.granted:
        yield from _grants(database, like)
    for setting in like.settings:
        where = f"alter database {database}"
        if setting.role:
            where = f"alter role {quoted(setting.role)} in database {database}"
        yield f"{where} set {_assignment(setting)}"
    comment = "null" if like.comment is None else literal(like.comment)
    yield f"comment on database {database} is {comment}"


def limits(name: str, like: Properties) -> Iterator[str]:
    """Yield the statements that keep people out of *name* as *like* does: the last to be run."""
    if like.connection_limit != -1:
        yield f"alter database {quoted(name)} with connection limit {like.connection_limit}"
    if not like.open:
        yield f"alter database {quoted(name)} with allow_connections false"


def _columns(major: int) -> dict[str, str]:
    locale = "null"
    if major >= _PROVIDER_SINCE:
        locale = "d.datlocale" if major >= _LOCALE_SINCE else "d.daticulocale"
    return {
        "provider": "d.datlocprovider" if major >= _PROVIDER_SINCE else "'c'",
        "locale": locale,
        "rules": "d.daticurules" if major >= _RULES_SINCE else "null",
    }


def _setting(row: Any) -> Setting:
    name, _, value = row["setting"].partition("=")
    return Setting(row["role"], name, value)


def _grants(database: str, like: Properties) -> Iterator[str]:
    yield f"revoke all on database {database} from public"
    yield f"revoke all on database {database} from {quoted(like.owner)}"
    for grant in like.grants:
        grantee = quoted(grant.grantee) if grant.grantee else "public"
        option = " with grant option" if grant.grantable else ""
        statement = f"grant {grant.privilege} on database {database} to {grantee}{option}"
        if grant.grantor == like.owner:
            yield statement
        else:  # a privilege that was passed on: only who passed it on can do so again
            yield f"set role {quoted(grant.grantor)}"
            yield statement
            yield "reset role"


def _assignment(setting: Setting) -> str:
    name = ".".join(quoted(part) for part in setting.name.split("."))
    if setting.name.lower() not in _LISTS:
        return f"{name} to {literal(setting.value)}"
    return f"{name} to {', '.join(map(literal, elements(setting.value))) or literal('')}"


def elements(value: str) -> list[str]:
    """Return the names in a list as PostgreSQL keeps it: ``"$user", public, "a, b"``."""
    found: list[str] = []
    rest = value.strip()
    while rest:
        if rest.startswith('"'):
            end = _closing(rest)
            found.append(rest[1:end].replace('""', '"'))
            rest = rest[end + 1 :].lstrip().removeprefix(",").lstrip()
        else:
            word, _, rest = rest.partition(",")
            found.append(word.strip())
            rest = rest.lstrip()
    return found


def _closing(text: str) -> int:
    """Return where the quotation mark is that closes the one at the beginning of *text*."""
    at = 1
    while at < len(text):
        if text[at] == '"':
            if text[at + 1 : at + 2] != '"':
                return at
            at += 1
        at += 1
    return at
