"""What a text speaks of: PostgreSQL, SQLite, or another service.

Owns: the marks of each. Must not know: the catalogue, what is said of them.

Everything here works on lower-case text and the words in it.
"""

# ruff: noqa: E501, SIM905 - lists of words

from __future__ import annotations

import re
from typing import Final, NamedTuple

from watchdog.hints.words import any_of


class Marks(NamedTuple):
    """What gives a service away: strings anywhere, whole words, and patterns."""

    strings: re.Pattern[str]
    words: frozenset[str]
    patterns: re.Pattern[str]

    def within(self, text: str, tokens: set[str]) -> bool:
        """Return whether one of them is in *text*, whose words are *tokens*."""
        return (
            not self.words.isdisjoint(tokens)
            or self.strings.search(text) is not None
            or self.patterns.search(text) is not None
        )


POSTGRESQL: Final = Marks(
    any_of(
        [
            *"postgres psql psycopg asyncpg libpq pgbouncer pgpool pgx npgsql pgerror pgconn".split(),
            *"pgstream supabase neon.tech patroni tokio_postgres".split(),
            "connection to server at",
            "connection to server on",
            "could not connect to server",
            "tcp/ip connections on port",
        ]
    ),
    frozenset("pg 6432 psqlexception postgrex".split()),
    re.compile(r"\b54[34]\d\b|\bpg_|\bpq[:.]|lib/pq"),
)
"""What only PostgreSQL, its drivers and its poolers are called."""

SQLITE: Final = Marks(
    any_of(["sqlite", "sqlcipher"]),
    frozenset({"pragma"}),
    re.compile(r"\.db3?\b"),
)

ANY_DATABASE: Final = Marks(
    any_of(
        "sqlalchemy django.db activerecord sequelize typeorm knex prisma hikari jdbc sqlx gorm ecto dbconnection"
        " rds.amazonaws diesel doctrine hibernate drizzle mikro-orm sea-orm db_url dbname=".split()
    ),
    frozenset("dsn database db".split()),
    re.compile(r"сервер.? баз|баз[аыеу] данных"),
)
"""What is said beside any kind of database: enough where no other service is named."""

OTHER: Final = Marks(
    any_of(
        [
            *"redis valkey memcache mysql mariadb innodb mongo rabbitmq amqp kafka zookeeper elasticsearch".split(),
            *"opensearch cassandra clickhouse sqlserver mssql etcd consul influx http:// https:// urllib3".split(),
            *"requests.exceptions httpx aiohttp nginx upstream smtp sshd ldap:// grpc boto nats:// websocket".split(),
            "celery broker",
            "docker daemon",
        ]
    ),
    frozenset(
        "6379 11211 3306 27017 5672 9092 9200 1433 vault imap imaps ssh s3 curl wget git apt".split()
    ),
    re.compile(r"\bora-\d|\bhttp/\d|\bhttp \d{3}\b"),
)

# Programs that speak of themselves; what else stands in the line is a name.
THEIRS: Final = re.compile(
    r"\bnpm (?:err|error)|\byarn\b.{0,9}error|\bpip\b|\bcurl: \(|\bssh: |\bgit@|nginx|httpconnectionpool"
    r"|registry(?:-1)?\.|\bwhile connecting to upstream"
)
