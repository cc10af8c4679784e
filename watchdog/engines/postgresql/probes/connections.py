"""Connections against the limit, and who holds them.

Owns: how close the server is to turning clients away. Sources:
``pg_stat_activity`` (client backends; without ``pg_monitor`` other people's
state is hidden, but not how many they are), the settings ``max_connections``,
``superuser_reserved_connections`` and, from 16 on, ``reserved_connections``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from watchdog.engines import Probe
from watchdog.engines.postgresql import looking
from watchdog.engines.postgresql.session import PostgresqlSession
from watchdog.model import Answer, Failure, Kind, Metric, MetricType, Sample, Scope

_GAUGE: Final = MetricType.GAUGE
LIMIT: Final = Metric(
    "watchdog_postgresql_connections_limit",
    _GAUGE,
    "How many connections the server takes at all (max_connections).",
)
RESERVED: Final = Metric(
    "watchdog_postgresql_connections_reserved",
    _GAUGE,
    "How many of them ordinary roles cannot have"
    " (superuser_reserved_connections + reserved_connections).",
)
USED: Final = Metric(
    "watchdog_postgresql_connections_used",
    _GAUGE,
    "How many client connections there are (pg_stat_activity).",
)
BY_STATE: Final = Metric(
    "watchdog_postgresql_connections",
    _GAUGE,
    'Client connections by state (pg_stat_activity); "hidden" where pg_monitor is missing.',
    ("state",),
)
BY_CLIENT: Final = Metric(
    "watchdog_postgresql_client_connections",
    _GAUGE,
    "Client connections of the ten largest holders (pg_stat_activity);"
    ' all others together are usename "other".',
    ("usename", "datname", "application_name"),
)

SHOWN: Final = 10  # holders told apart; the rest is one series
NEARLY_FULL: Final = 0.9
_HIDDEN: Final = "<insufficient privilege>"

STATES: Final = (
    "active",
    "idle",
    "idle in transaction",
    "idle in transaction (aborted)",
    "fastpath function call",
    "disabled",
)


async def ask(session: PostgresqlSession) -> Answer:
    """Count the connections by state and by holder."""
    return session.make(PROBE.name, await looking.look(session), _answer)


def _answer(session: PostgresqlSession, seen: looking.Sessions) -> Answer:
    rows = seen.holders
    usable = seen.limit - seen.reserved
    used = sum(row["connections"] for row in rows)
    holders = _holders(rows)
    samples = [LIMIT.sample(seen.limit), RESERVED.sample(seen.reserved)]
    samples += [USED.sample(used), *_states(rows), *_clients(holders)]
    facts = {
        "connections": {
            "used": used,
            "usable": usable,
            "limit": seen.limit,
            "holders": [
                {"usename": u, "datname": d, "application_name": a, "connections": n}
                for (u, d, a), n in holders.most_common(SHOWN)
            ],
        }
    }
    troubles: tuple[Failure, ...] = ()
    if used >= NEARLY_FULL * usable:
        troubles = (_nearly_full(session, used, usable, holders),)
    return Answer(tuple(samples), troubles, facts)


_Holder = tuple[str, str, str]


def _holders(rows: Iterable[Any]) -> Counter[_Holder]:
    holders: Counter[_Holder] = Counter()
    for row in rows:
        application = "" if row["application_name"] == _HIDDEN else row["application_name"]
        holders[row["usename"], row["datname"], application] += row["connections"]
    return holders


def _states(rows: Iterable[Any]) -> list[Sample]:
    states: Counter[str] = Counter()
    for row in rows:
        states[row["state"]] += row["connections"]
    # "None are active" is only known where no state is hidden.
    if "hidden" not in states:
        for state in STATES:
            states.setdefault(state, 0)
    return [BY_STATE.sample(n, state) for state, n in sorted(states.items())]


def _clients(holders: Counter[_Holder]) -> list[Sample]:
    largest = holders.most_common(SHOWN)
    others = holders.total() - sum(n for _, n in largest)
    samples = [BY_CLIENT.sample(n, *holder) for holder, n in sorted(largest)]
    if others:
        samples.append(BY_CLIENT.sample(others, "other", "", ""))
    return samples


def _nearly_full(
    session: PostgresqlSession, used: int, usable: int, holders: Counter[_Holder]
) -> Failure:
    who = ", ".join(
        f"{n} by {user or '?'} in {database or '?'}" + (f" ({application})" if application else "")
        for (user, database, application), n in holders.most_common(3)
    )
    return session.trouble(
        Kind.CAPACITY,
        f"{used} of {usable} connections that ordinary roles can have on"
        f" {session.url.server_name} are taken: {who}",
        hint="too_many_connections",
        used=str(used),
        limit=str(usable),
        holders=who,
    )


PROBE: Final = Probe("connections", Scope.SERVER, (LIMIT, RESERVED, USED, BY_STATE, BY_CLIENT), ask)
