"""Which PostgreSQL sockets there are on this machine, where the one of the URL is not.

Source: the folder of the URL and those that PostgreSQL uses by default.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from watchdog.database_url import PostgresqlUrl
from watchdog.diagnosis import surroundings
from watchdog.diagnosis.blocking import aside
from watchdog.diagnosis.case import Case, Found, Step
from watchdog.diagnosis.words import found, listed
from watchdog.model import Kind

_NAME: Final = "unix_socket"


async def look(case: Case) -> Found:
    """Look at the socket's folder, and where else there are sockets."""
    assert isinstance(case.url, PostgresqlUrl)
    host, port = case.url.hosts[0]
    return await aside(f"unix_socket {case.target.name}", lambda: _look(Path(host), port))


def _look(folder: Path, port: int) -> Found:
    path = folder / f".s.PGSQL.{port}"
    findings = []
    if not folder.is_dir():
        findings.append(
            found(
                _NAME,
                f"{folder} does not exist, so that there is no {path}",
                f"каталога {folder} нет, поэтому нет и {path}",
            )
        )
    elif not path.exists():
        findings.append(found(_NAME, f"there is no {path}", f"файла {path} нет"))
    elif not os.access(path, os.R_OK | os.W_OK):
        seen = path.stat()
        mode = f"{stat.S_IMODE(seen.st_mode):04o}"
        findings.append(
            found(
                _NAME,
                f"{path} may not be used by uid {os.geteuid()}: mode {mode}, owner"
                f" {seen.st_uid}:{seen.st_gid}",
                f"uid {os.geteuid()} не может пользоваться {path}: права {mode}, владелец"
                f" {seen.st_uid}:{seen.st_gid}",
            )
        )
    else:
        findings.append(
            found(
                _NAME,
                f"{path} is there, left behind: no server listens on it",
                f"{path} на месте, но остался от прежнего сервера: его никто не слушает",
            )
        )
    others = [f"{at}/.s.PGSQL.{number}" for number, at in surroundings.socket_ports().items()]
    others = [each for each in others if each != str(path)]
    if others:
        findings.append(
            found(
                _NAME,
                f"on this machine there are the sockets {listed(others)}",
                f"на этой машине есть сокеты {listed(others)}",
            )
        )
    return Found(tuple(findings))


def applies(case: Case) -> bool:
    """Of a URL that names a folder in place of a host."""
    if not isinstance(case.url, PostgresqlUrl) or not case.url.hosts[0][0].startswith("/"):
        return False
    return case.failure.kind is Kind.REACH


STEP = Step(_NAME, 21, applies, look, seconds=1.5)
