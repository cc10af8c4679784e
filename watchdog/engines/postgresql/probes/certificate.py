"""Until when the server's certificate is valid, from our own handshake.

Owns: that instant, of the certificate that a visit was shown, verified or not;
nothing where a visit comes without TLS.
"""

from __future__ import annotations

from typing import Final

from watchdog.engines import Probe
from watchdog.engines.postgresql.certificates import expiry
from watchdog.engines.postgresql.probes._columns import gauge
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Scope

EXPIRY: Final = gauge(
    "certificate_expiry_timestamp_seconds",
    "When the certificate expires that the server shows us, in Unix time (notAfter, from the TLS"
    " handshake of the visit); absent without TLS.",
)


async def ask(session: PostgresqlSession) -> Answer:
    """Read what the handshake left."""
    until = expiry(session.certificate)
    return Answer() if until is None else Answer((EXPIRY.sample(until.timestamp()),))


PROBE: Final = Probe("certificate", Scope.TARGET, (EXPIRY,), ask)
