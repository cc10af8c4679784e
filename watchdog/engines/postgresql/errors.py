"""What goes wrong on the way to a server before its own error codes can say so.

Owns: the exceptions of this engine; each names its cause in the hint
catalogue. Must not know: how they are reported.
"""

from __future__ import annotations

from watchdog.errors import NotAskedError, WatchdogError
from watchdog.model import Kind


class LineError(WatchdogError):
    """No conversation with a PostgreSQL server came about."""

    kind = Kind.REACH
    cause = ""
    code = ""


class NotPostgresqlError(LineError):
    """Something else answers on that port."""

    cause = "not_a_postgres_server"


class ServerClosedError(LineError):
    """The connection was closed before the server said anything."""

    cause = "server_closed_connection"


class TlsRefusedError(LineError):
    """The URL demands TLS and the server does not offer it."""

    kind = Kind.TLS
    cause = "tls_not_supported"


class TlsSetupError(LineError):
    """The certificates that the URL names cannot be used."""

    kind = Kind.TLS
    cause = "tls_cert_invalid"


class WrongRoleError(LineError):
    """None of the hosts is what ``target_session_attrs`` asks for."""

    kind = Kind.STATE
    cause = ""


class LoginError(LineError):
    """The server has answered and does not let this login in: no other host is tried."""

    kind = Kind.AUTH


class RoleClosedError(LoginError):
    """The role exists, for its password was accepted, and may not log in."""

    cause = "role_login_denied"
    code = "28000"


class NoPasswordError(LoginError):
    """The server asks for a password and there is none."""

    cause = "no_password"
    code = "28P01"


class PassfileIgnoredError(NoPasswordError):
    """There may be one in a password file, but others can read that."""

    cause = "passfile_permissions"


class RoundSpentError(LineError, NotAskedError):
    """The server answers, but so slowly that the round has no time left for this question."""

    kind = Kind.QUERY
