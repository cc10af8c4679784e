"""Whether a text speaks of a database of ours, and whether it is an error at all.

Owns: the marks of PostgreSQL, SQLite, other services, prose and quiet
messages. Must not know: the catalogue.

Everything here works on lower-case text with the links taken out.
"""

# ruff: noqa: E501 - the marks are lists of words

from __future__ import annotations

import re
from typing import Final

from watchdog.hints.entry import Needs

_POSTGRESQL: Final = re.compile(
    r"postgres|psql|psycopg|asyncpg|\bpg_|\bpg\b|\bpq[:.]|libpq|pgbouncer|pgpool|pgx|npgsql|pgerror"
    r"|\b54[34]\d\b|\b6432\b|connection to server (?:at|on)|could not connect to server"
    r"|tcp/ip connections on port|sqlalchemy|django\.db|activerecord|sequelize|typeorm|knex|prisma"
    r"|hikari|jdbc|sqlx|gorm|ecto|\bdsn\b|\bdbname=|\bdatabase\b|\bdb_url\b|сервер.? баз|баз[аыеу] данных"
    r"|подключиться к серверу|dbconnection|pgconn|rds\.amazonaws|supabase|neon\.tech|\bdb\b|pgstream"
    r"|diesel|doctrine|hibernate|drizzle|mikro-?orm|sea-?orm|patroni|libpq"
)
_SQLITE: Final = re.compile(r"sqlite|sqlcipher|\.db\b|\.db3\b|\bpragma\b|sqlalchemy|django\.db")
_OTHER: Final = re.compile(
    r"redis|\b6379\b|valkey|memcache|\b11211\b|mysql|mariadb|\b3306\b|pymysql|innodb"
    r"|mongo|\b27017\b|rabbitmq|amqp|\b5672\b|kafka|\b9092\b|zookeeper|elasticsearch|opensearch"
    r"|\b9200\b|cassandra|clickhouse|\bora-\d|sqlserver|mssql|\b1433\b|etcd|consul|vault\b|influx"
    r"|\bhttps?://|\bhttp/\d|\bhttp \d{3}\b|urllib3|requests\.exceptions|httpx|aiohttp|nginx"
    r"|upstream|smtp|\bimap|\bssh\b|sshd|\bldap://|grpc|\bs3\b|boto|celery broker|nats://|websocket"
    r"|\bcurl\b|\bwget\b|\bgit\b|\bapt\b|docker daemon|registry|prometheus|grafana"
)
# Programs that speak of themselves; what else stands in the line is a name.
_THEIRS: Final = re.compile(
    r"\bnpm (?:err|error)|\byarn\b.{0,9}error|\bpip\b|\bcurl: \(|\bssh: |\bgit@|nginx|httpconnectionpool"
    r"|registry(?:-1)?\.|\bwhile connecting to upstream"
)
_LINK: Final = re.compile(
    r"https?://(?:sqlalche\.me|docs\.|www\.postgresql\.org|www\.sqlite\.org|www\.prisma\.io|pris\.ly)\S*"
)

# Level names of messages that report no trouble.
_QUIET: Final = re.compile(
    r"\b(?:notice|debug\d?|hinweis|замечание|отладка)\b ?\]?[:\s]|, skipping\b|, пропускается\b"
)
_PROSE: Final = re.compile(
    r"\bhow (?:do|to|can|should|does)\b|\bwhy (?:do|does|is|am|are)\b|\bwhat (?:does|is|are|causes)\b"
    r"|\bif you\b|\bwhen you\b|\byou (?:can|may|might|will|should|see|get)\b|\b(?:that|this) means\b"
    r"|\busually\b|\btypically\b|\bcommon(?:ly)?\b|\bfor example\b|\bsuch as\b|\bavoid|\bprevent"
    r"|\bhandles?\b|\bhandling of\b|\bretr(?:y|ies) on\b|\bfix(?:es|ed)?[:( ]|\bfeat[:(]|\bchangelog\b"
    r"|\bimproved?\b|\bwhenever\b|\btutorial\b|\bblog\b|\barticle\b|\bguide\b|\bdocumentation\b"
    r"|\bexplain|\bassert\b|\bexpect\(|\bdef test_|\btest_\w+|\bshould (?:not|be|return|raise)\b"
    r"|\bmeans\b|\boccurs when\b|\bhappens when\b|\bread about\b|\bmentions?\b|\btopic\b|\bpodcast\b"
    r"|\bone day\b|\bwe (?:use|used|saw|had|have)\b|\bonce\b.{0,40}\b(?:was|were)\b|\bno longer\b"
    r"|\bкак (?:исправить|избежать|быть)\b|\bесли вы\b|\bобычно\b|\bчто (?:значит|такое)\b"
    r"|\bбывает\b|\bстать[яеи]\b|\bпоч[её]му\b|\bвозника(?:ет|ют)\b|\bозначает\b|\bошибки вида\b"
)
# A line that begins like this is about errors, whatever it quotes.
_PROSE_FROM_THE_START: Final = re.compile(
    r"^\W{0,4}(?:how (?:do|to|can|should)\b|why\b|what (?:does|is|are|causes)\b|if (?:you|your|the|a)\b"
    r"|when (?:you|your|a|an|the|two|postgres|sqlite|multiple|several)|this (?:guide|article|page|section|means)"
    r"|(?:the|this|an?) (?:error|message|following|documentation)\b|we (?:recommend|usually|often|never|used)"
    r"|to (?:avoid|fix|prevent|resolve)\b|tip:|todo\b|fixme\b|fix(?:es|ed)?[(: ]|feat[(:]|chore[(:]|docs[(:]"
    r"|(?:passed|failed|ok|not ok) +(?:tests?[/_]|\d)|tests?/|def \w|assert\b|it\(|describe\(|expect\(|как \w+ть\b"
    r"|(?:\d+[.)] )?\W{0,4}(?:check|verify|ensure|make sure|try|increase|look for|restart|consider|remember) "
    r"|если\b|почему\b|когда\b|что (?:значит|такое|делать)\b|мы \w+)|^\s{0,12}(?:# |//|/\*|--? ?(?:fix|add|improv|handle|retry))"
)
# Words of somebody who tells a story; a message of a program does not say them.
_SOMEBODY: Final = re.compile(
    r"\b(?:i|i'm|we|you|he|they|our|my|your|their|people|users|someone|never|always|often|sometimes|says|said"
    r"|saw|sees|getting|gets|got|because|although|however|мы|вы|я|они|часто|иногда|никогда|потому)\b"
)
_PASTED: Final = re.compile(
    r"\w(?:error|exception|warning): [^.?!]{0,80}$|[?!] *(?:fatal|error): *$"
)
_ERROR_BEFORE: Final = re.compile(
    r"(?:^|[:|>»\])}=]|\b(?:fatal|panic|error|exception|err|важно|ошибка|паника))[\s\"'«`(\[]{0,4}$"
)
_ERROR_SOMEWHERE: Final = re.compile(
    r",(?:error|fatal|panic|log|warning),[0-9a-z]{5},|(?:error|exception|fatal|panic|failed|failure|err|critical|ошибка|важно|паника|сбой)\b[^:\n]{0,60}:"
    r"|traceback \(most recent|\b(?:error|fatal|critical)\b[^\n]{0,12}[\])|]"
)
_WRONG: Final = re.compile(r"error|exception|fatal|fail|panic|unexpected|critical|\bwarn|\berr\b")
# A line of a program's own text.
_PROGRAM: Final = re.compile(
    r"^\s*(?:#define|case [\w.:]+ *:|let |const |var |if ?\(|if \"|elif |else if|while ?\(|except |catch ?\(|\} catch"
    r"|return |import |from \w+ import|def |fn |func |function [^\n]*\{ *$|class \w+[(:{ ]|(?:public|private) (?:static|final|void|async|class) |assert|throw |raise "
    r"|///?|/\*|\*(?: |/)|<!--|expect\(|insert into |update \w+ set |select |create (?:table|role|user|database) |grant "
    r"|alter |drop |delete from )|\.(?:contains|includes|match|startswith|endswith|search|find|test)\("
)
_IN_A_CALL: Final = re.compile(
    r"(?:\b(?:throw|raise)\b[^\n]*|\bnew \w+|\blog\w*\.\w+|console\.\w+|\bprint\w*|\bfmt\.\w+|\berrors?\.\w+"
    r"|panic!?|expect\w*|assert\w*!?|\b(?:it|test|describe|message))\(\s*[a-z]?[\"'`][^\"'`\n]*$"
)
# "… such as `database is locked`", in whatever language.
_QUOTATION: Final = re.compile(r"\w ([\"`«“])[^\"`»”:/\n]{0,60}$")
_HINT_LINE: Final = re.compile(r"\b(?:hint|context):\s")
_LEVEL: Final = re.compile(r"\b(?:error|fatal|panic|warning|log)\b")
_ENDS: Final = re.compile(r"[\s\"'»`]{0,3}(?:$|[\n.,;:()\[\]{}|!<\\-])")
_PORT: Final = re.compile(r":\d{2,5}\b")
_ATTEMPT: Final = re.compile(r"connect|retry|fail|error|wait|подключ|соедин|ошибк")


def without_links(lowered: str) -> str:
    """Return *lowered* without the links that error messages carry to manuals."""
    return _LINK.sub(" ", lowered) if "://" in lowered else lowered


class Surroundings:
    """What stands around a wording in one text; *engine* is known for sure or ""."""

    def __init__(self, lowered: str, engine: str = "", neighbours: str = "") -> None:
        self._text = lowered
        self._engine = engine
        self._neighbours = neighbours

    def allow(self, needs: Needs, start: int, end: int) -> float:
        """Return how far a wording found at *start* to *end* may be believed: 0 is not at all."""
        line_start = self._text.rfind("\n", 0, start) + 1
        line_end = self._text.find("\n", end)
        line = self._text[line_start : line_end if line_end >= 0 else len(self._text)]
        before = self._text[line_start:start]
        if _QUIET.search(line) or _about_errors(line, before):
            return 0.0
        if _HINT_LINE.search(before) and not _LEVEL.search(self._text[:start]):
            return 0.0
        framed = bool(_ERROR_BEFORE.search(before[-40:]) or _ERROR_SOMEWHERE.search(before))
        if not framed and (_PROSE.search(line) or (":" not in before and _SOMEBODY.search(before))):
            return 0.0
        return self._enough(needs, line, end, framed=framed)

    def _enough(self, needs: Needs, line: str, end: int, *, framed: bool) -> float:
        if needs is Needs.NOTHING:
            return 1.0
        if needs is Needs.TROUBLE and not framed and not _WRONG.search(line):
            return 0.0
        if needs in (Needs.POSTGRESQL, Needs.TROUBLE):
            return self._speaks_of(_POSTGRESQL, line, "postgresql")
        if needs is Needs.SQLITE:
            return self._speaks_of(_SQLITE, line, "sqlite")
        if self._engine == "sqlite":
            return 1.0
        ends = bool(_ENDS.match(self._text, end)) or bool(_SQLITE.search(line))
        return 1.0 if framed and ends and not _foreign(line, _SQLITE) else 0.0

    def _speaks_of(self, mark: re.Pattern[str], line: str, engine: str) -> float:
        if self._engine:
            return 1.0 if self._engine == engine else 0.0
        if _THEIRS.search(line):
            return 0.0
        if mark.search(line):
            return 0.0 if _foreign(line, mark) else 1.0
        if _OTHER.search(line):
            return 0.0
        return self._around_it(mark, line)

    def _around_it(self, mark: re.Pattern[str], line: str) -> float:
        """Return how far the rest of the text, or the lines before it, say what *line* is about."""
        if mark.search(self._text):
            return 0.95 if not _foreign(self._text, mark) else 0.0
        near = self._neighbours
        if near and mark.search(near) and _ATTEMPT.search(near):
            return 0.0 if _OTHER.search(near) or _PORT.search(line) else 0.8
        return 0.0


def _about_errors(line: str, before: str) -> bool:
    """Return whether *line* talks about errors; one that is pasted behind its type still is one."""
    if _PROGRAM.search(line) or _IN_A_CALL.search(before):
        return True
    if ":" not in before and _in_a_quotation(before):
        return True
    if not before or not _PROSE_FROM_THE_START.match(line):
        return False
    return before.count('"') % 2 == 1 or not _PASTED.search(before)


def _in_a_quotation(before: str) -> bool:
    found = _QUOTATION.search(before)
    if found is None or _WRONG.search(before):
        return False
    return found[1] not in '"`' or before.count(found[1]) % 2 == 1


def _foreign(text: str, mark: re.Pattern[str]) -> bool:
    """Return whether *text* speaks more of another service than of the one of *mark*."""
    other = _OTHER.search(text)
    if other is None:
        return False
    # A word that fits any database does not outweigh the name of another one.
    names = [found.group() for found in mark.finditer(text)]
    return all(name in _ANY_DATABASE for name in names)


_ANY_DATABASE: Final = frozenset(
    {
        "database",
        "dsn",
        "db",
        "diesel",
        "doctrine",
        "hibernate",
        "drizzle",
        "rds.amazonaws",
        "db_url",
        "sqlalchemy",
        "django.db",
        "activerecord",
        "sequelize",
        "typeorm",
        "knex",
        "prisma",
        "hikari",
        "jdbc",
        "gorm",
        "ecto",
        "sqlx",
        "pragma",
        ".db",
    }
)
