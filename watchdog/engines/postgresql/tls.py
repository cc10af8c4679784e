"""TLS as libpq means it: ``sslmode`` and its companions to an ``SSLContext``.

Owns: the meaning of the TLS parameters of a URL. Must not know: sockets.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from watchdog.database_url import PostgresqlUrl
from watchdog.engines.postgresql.errors import TlsSetupError

_VERSIONS: Final = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}


@dataclass(frozen=True, slots=True)
class Tls:
    """How one attempt negotiates.

    ``optional``: a server without TLS is fine. ``direct``: TLS without asking first.
    """

    context: ssl.SSLContext
    optional: bool = False
    direct: bool = False


async def attempts(url: PostgresqlUrl) -> tuple[Tls | None, ...]:
    """Return the attempts that ``sslmode`` means, in order; ``None`` is one without TLS.

    The second is made when the server rejects the first. Raises
    ``TlsSetupError`` for certificates that cannot be used.
    """
    mode = mode_of(url)
    if mode == "disable":
        return (None,)
    context = await asyncio.to_thread(_context, url, mode)
    if mode == "allow":
        return (None, Tls(context))
    if mode == "prefer":
        return (Tls(context, optional=True), None)
    return (Tls(context, direct=url.parameters.get("sslnegotiation") == "direct"),)


def mode_of(url: PostgresqlUrl) -> str:
    """Return the ``sslmode`` in force: with ``sslrootcert=system`` it is ``verify-full``."""
    default = "verify-full" if url.parameters.get("sslrootcert") == "system" else "prefer"
    return url.parameters.get("sslmode", default)


def _context(url: PostgresqlUrl, mode: str) -> ssl.SSLContext:
    """Build the context; reads files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    root = url.parameters.get("sslrootcert")
    try:
        if mode in ("require", "verify-ca", "verify-full"):
            _load_roots(context, root, mode)
            context.check_hostname = mode == "verify-full"
            _load_revocations(context, url.parameters.get("sslcrl"))
        _load_own(context, url)
        _limit_versions(context, url)
    except (OSError, ValueError) as error:
        raise TlsSetupError(
            f"the certificates of the URL cannot be used ({_reason(error)}): "
            "see to sslrootcert, sslcert, sslkey and their permissions"
        ) from error
    if ssl.HAS_ALPN:
        context.set_alpn_protocols(["postgresql"])
    return context


def _load_roots(context: ssl.SSLContext, root: str | None, mode: str) -> None:
    """Say whom to trust. As libpq: ``require`` verifies too where a root certificate is at hand."""
    if root == "system":
        if mode != "verify-full":
            raise TlsSetupError(
                f"sslrootcert=system with sslmode={mode} proves nothing: write sslmode=verify-full"
            )
        context.load_default_certs()
    else:
        path = Path(root) if root else _home("root.crt")
        if not _is_there(path):
            if mode == "require":
                return
            raise TlsSetupError(
                f"sslmode={mode} needs a root certificate and {path} is not there, or not for us: "
                "write sslrootcert=FILE, or sslrootcert=system"
            )
        context.load_verify_locations(cafile=str(path))
    context.verify_mode = ssl.CERT_REQUIRED


def _load_revocations(context: ssl.SSLContext, revoked: str | None) -> None:
    path = Path(revoked) if revoked else _home("root.crl")
    if revoked or _is_there(path):
        context.load_verify_locations(cafile=str(path))
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN


def _load_own(context: ssl.SSLContext, url: PostgresqlUrl) -> None:
    """Load the client's own certificate, if there is one."""
    named = url.parameters.get("sslcert")
    certificate = Path(named) if named else _home("postgresql.crt")
    if not named and not _is_there(certificate):
        return
    key = url.parameters.get("sslkey") or str(_home("postgresql.key"))
    phrase = url.sslpassword.reveal() if url.sslpassword is not None else ""
    context.load_cert_chain(str(certificate), key, password=lambda: phrase)


def _limit_versions(context: ssl.SSLContext, url: PostgresqlUrl) -> None:
    lowest = url.parameters.get("ssl_min_protocol_version", "TLSv1.2")
    context.minimum_version = _VERSIONS[lowest]
    if highest := url.parameters.get("ssl_max_protocol_version"):
        context.maximum_version = _VERSIONS[highest]


def _home(name: str) -> Path:
    return Path(os.path.expanduser("~/.postgresql"), name)  # noqa: PTH111 - there may be no home


def _is_there(path: Path) -> bool:
    """Whether *path* is there for us; one in a home that is closed to us is not."""
    return os.path.exists(path)  # noqa: PTH110 - Path.exists() raises for a closed folder


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "not readable as a certificate or key"
    return str(error)
