"""Which databases the server has, where it lacks the one of the URL, and which is spelt alike.

Source: ``pg_database``, over one connection to the maintenance database with
the target's own login (which the server has accepted: it looks for the
database after it).
"""

from __future__ import annotations

from typing import Final

from watchdog.database_url import PostgresqlUrl
from watchdog.diagnosis.case import Case, Found, Step
from watchdog.diagnosis.session import maintenance
from watchdog.diagnosis.words import alike, found, listed

_NAME: Final = "databases"
_QUERY: Final = """
select datname::text as name, datallowconn as open, datconnlimit as connection_limit
  from pg_catalog.pg_database where not datistemplate order by 1 limit 500
"""


async def look(case: Case) -> Found:
    """Name the databases that are there, the one spelt alike first."""
    assert isinstance(case.url, PostgresqlUrl)
    wanted, server = case.url.database, case.url.server_name
    async with maintenance(case) as session:
        rows = await session.fetch(_QUERY)
    names = [row["name"] for row in rows]
    evidence = {"databases": names[:50]}
    if wanted in names:
        return Found(evidence=evidence)
    near = alike(wanted, (row["name"] for row in rows if row["open"]))
    if near:
        sentence = found(
            _NAME,
            f"{wanted} does not exist on {server}; there is {near}",
            f"базы {wanted} на {server} нет; есть {near}",
        )
        return Found((sentence,), {"alike": near, "databases": listed(names)}, evidence=evidence)
    there_en = f"there are {listed(names)}" if names else "there are no databases at all"
    there_ru = f"есть {listed(names)}" if names else "баз там нет вовсе"
    sentence = found(
        _NAME,
        f"{wanted} does not exist on {server}; {there_en}",
        f"базы {wanted} на {server} нет; {there_ru}",
    )
    return Found((sentence,), {"databases": listed(names)}, evidence=evidence)


def applies(case: Case) -> bool:
    """Where the server says that the database is not there."""
    return case.failure.hint in ("database_missing", "pgbouncer_no_such_database")


STEP = Step(_NAME, 40, applies, look, seconds=3.0)
