"""Which addresses the host has; for a name that has none, whose name it may be.

Source: the system's resolver, ``/etc/hosts``, the compose file of the working
directory.
"""

from __future__ import annotations

from typing import Final

from watchdog.database_url import PostgresqlUrl
from watchdog.diagnosis import surroundings
from watchdog.diagnosis.blocking import aside
from watchdog.diagnosis.case import Case, Found, Step
from watchdog.diagnosis.words import alike, found, listed
from watchdog.engines.postgresql.resolver import resolve
from watchdog.model import Finding, Kind, Phase

_NAME: Final = "resolve"


async def look(case: Case) -> Found:
    """Resolve the host; leave the addresses for the next steps."""
    assert isinstance(case.url, PostgresqlUrl)
    host, port = case.url.hosts[0]
    try:
        addresses = await resolve(host, port)
    except OSError as error:
        return await _unknown(host, error, case.target.name)
    case.notes["addresses"] = addresses
    names = list(dict.fromkeys(str(each.sockaddr[0]) for each in addresses))
    if names == [host]:
        return Found()
    return Found((found(_NAME, f"{host} is {listed(names)}", f"{host} — это {listed(names)}"),))


async def _unknown(host: str, error: OSError, name: str) -> Found:
    reason = error.strerror or str(error)
    findings = [
        found(
            _NAME,
            f"the name {host} does not resolve here: {reason}",
            f"имя {host} отсюда не разрешается: {reason}",
        )
    ]
    project = await aside(f"compose {name}", surroundings.compose)
    services = project.services if project else {}
    hint = ""
    if project is not None and host in services:
        findings.append(_service(host, services[host], str(project.file)))
        hint = "docker_host_not_resolvable"
    known = await aside(f"/etc/hosts {name}", surroundings.host_names)
    near = alike(host, [*services, *known])
    facts = {}
    if near:
        facts = {"alike_host": near}
        findings.append(
            found(
                _NAME, f"there is a host {near}: is that the one?", f"есть узел {near}: не он ли?"
            )
        )
    return Found(tuple(findings), facts, hint)


def _service(host: str, port: str, file: str) -> Finding:
    if surroundings.in_own_container():
        return found(
            _NAME,
            f"{host} is a service of {file} and this is a container: the service does not run,"
            " or it is in another network",
            f"{host} — сервис из {file}, а мы в контейнере: сервис не запущен или он в другой сети",
        )
    reach_en = f"; from this machine it is localhost:{port}" if port else ""
    reach_ru = f"; с этой машины он доступен как localhost:{port}" if port else ""
    return found(
        _NAME,
        f"{host} is a service of {file}; such names resolve in its containers only, and this"
        f" process runs in none{reach_en}",
        f"{host} — сервис из {file}; такие имена разрешаются только в его контейнерах, а этот"
        f" процесс работает вне контейнера{reach_ru}",
    )


def applies(case: Case) -> bool:
    """Of a host that has to be found: not of a Unix socket, not once a server has answered."""
    if not isinstance(case.url, PostgresqlUrl) or case.url.hosts[0][0].startswith("/"):
        return False
    return case.failure.kind in (Kind.REACH, Kind.TLS, Kind.TIMEOUT) and (
        case.failure.phase in (Phase.RESOLVE, Phase.CONNECT, Phase.TLS, Phase.AUTHENTICATE)
        or case.failure.kind is Kind.REACH
    )


STEP = Step(_NAME, 10, applies, look, seconds=2.0)
