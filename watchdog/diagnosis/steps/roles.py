"""What the server knows of the role that it does not let in, and where its password is from.

Source: ``pg_roles``, which every role may read, with the login of another
target of the same server that works; without one only what this machine
knows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from watchdog.database_url import PostgresqlUrl
from watchdog.diagnosis.case import Case, Found, Step
from watchdog.diagnosis.session import maintenance
from watchdog.diagnosis.words import alike, found
from watchdog.engines.postgresql.passfile import path_of
from watchdog.model import Finding

_NAME: Final = "roles"
_QUERY: Final = """
select rolname::text as name, rolcanlogin as may_log_in, rolconnlimit as connection_limit,
       coalesce(rolvaliduntil < now(), false) as expired, rolvaliduntil::text as valid_until
  from pg_catalog.pg_roles where rolname !~ '^pg_' order by 1 limit 500
"""


async def look(case: Case) -> Found:
    """Ask about the role, as somebody whose login works."""
    assert isinstance(case.url, PostgresqlUrl)
    findings = [_source(case)] if case.failure.hint == "auth_failed" else []
    others = [each for each in await case.siblings() if _user(each) != case.url.user]
    if not others:
        case.notes["incomplete"] = True  # somebody may be let in a little later
        return Found(tuple(findings))
    async with maintenance(case, others[0]) as session:
        rows = await session.fetch(_QUERY)
    roles = {row["name"]: row for row in rows}
    known = roles.get(case.url.user)
    if known is None:
        return _missing(case.url, list(roles))
    more, hint = _state(case.url.user, known, case.failure.hint)
    return Found((*more, *findings), hint=hint)


def _missing(url: PostgresqlUrl, names: list[str]) -> Found:
    near = alike(url.user, names)
    there_en = f"; there is {near}" if near else ""
    there_ru = f"; есть {near}" if near else ""
    sentence = found(
        _NAME,
        f"role {url.user} does not exist on {url.server_name}{there_en}",
        f"роли {url.user} на {url.server_name} нет{there_ru}",
    )
    return Found((sentence,), {"alike": near} if near else {}, "role_missing")


def _state(user: str, known: Any, hint: str) -> tuple[list[Finding], str]:
    if not known["may_log_in"]:
        closed = found(
            _NAME,
            f"role {user} exists and may not log in (NOLOGIN)",
            f"роль {user} есть, но входить ей нельзя (NOLOGIN)",
        )
        return [closed], "role_login_denied" if hint == "auth_failed" else ""
    if known["expired"]:
        expired = found(
            _NAME,
            f"the password of role {user} has expired: VALID UNTIL {known['valid_until']}",
            f"срок пароля роли {user} истёк: VALID UNTIL {known['valid_until']}",
        )
        return [expired], ""
    if hint != "auth_failed":
        return [], ""
    there = found(
        _NAME,
        f"role {user} exists and may log in: it is the password that differs",
        f"роль {user} есть и входить может: не подходит именно пароль",
    )
    return [there], ""


def _source(case: Case) -> Finding:
    """Say where the password that was refused came from."""
    assert isinstance(case.url, PostgresqlUrl)
    if case.target.password_file is not None:
        file: Path | str = case.target.password_file
        return found(_NAME, f"the password came from {file}", f"пароль взят из {file}")
    if case.url.password is not None:
        return found(_NAME, "the password came from the URL", "пароль взят из URL")
    file = path_of(case.url.parameters)
    return found(_NAME, f"the password came from {file}", f"пароль взят из {file}")


def _user(target: Any) -> str:
    assert isinstance(target.url, PostgresqlUrl)
    return target.url.user


def applies(case: Case) -> bool:
    """Where a login was refused for what it says of itself."""
    return case.failure.hint in ("auth_failed", "role_missing", "role_login_denied")


STEP = Step(_NAME, 41, applies, look, seconds=3.0)
