"""The server cannot be reached, or the connection does not stay.

Owns: the entries of the family ``reach``.
"""

# ruff: noqa: E501 - patterns and commands stay on one line

from __future__ import annotations

from watchdog.hints.entry import (
    POSTGRESQL,
    Entry,
    Family,
    Needs,
    Rule,
    Severity,
    Text,
    Wording,
)
from watchdog.model import Kind, Phase

_LOOPBACK = r"localhost|127\.0\.0\.1|::1|\[::1\]"
_BARE_NAME = r"[a-z0-9_-]+|host\.docker\.internal"

FAMILY = Family(
    Kind.REACH,
    (
        Entry(
            "connection_refused",
            POSTGRESQL + "server-start.html#CLIENT-CONNECTION-PROBLEMS",
            Severity.CRITICAL,
            en=Text(
                "Nothing is listening on that host and port",
                "The machine answered, but no server accepts connections at"
                " {host|the host}:{port|5432}: the server is down, listens on another port, or"
                " only on another address.",
                (
                    "Is the server running and listening? `pg_isready -h {host|HOST} -p {port|5432}`",
                    (
                        "{@!pooler}Is it PgBouncer's port? `systemctl status pgbouncer`, and see"
                        " `listen_addr` and `listen_port` in pgbouncer.ini"
                    ),
                    (
                        "{@compose}With Docker Compose: `docker compose ps {service|postgres}`, then"
                        " `docker compose up -d {service|postgres}` and `docker compose logs --tail 50 {service|postgres}`"
                    ),
                    (
                        "{@systemd}With systemd, on the database's host: `systemctl status postgresql`, then"
                        " `systemctl start postgresql`"
                    ),
                    (
                        "Compare host and port of the URL with what the server uses: `SHOW port;` and"
                        " `SHOW listen_addresses;` (in a container also the `ports:` of the service)"
                    ),
                ),
            ),
            ru=Text(
                "На этом адресе и порту никто не слушает",
                "Машина ответила, но по адресу {host|сервера}:{port|5432} подключений никто не"
                " принимает: сервер не запущен, слушает другой порт или другой адрес.",
                (
                    "Запущен ли сервер? `pg_isready -h {host|HOST} -p {port|5432}`",
                    (
                        "{@!pooler}Это порт PgBouncer? `systemctl status pgbouncer`; сверьте"
                        " `listen_addr` и `listen_port` в pgbouncer.ini"
                    ),
                    (
                        "{@compose}Если он в Docker Compose: `docker compose ps {service|postgres}`, затем"
                        " `docker compose up -d {service|postgres}` и `docker compose logs --tail 50 {service|postgres}`"
                    ),
                    (
                        "{@systemd}Если он под systemd, на машине с базой: `systemctl status postgresql`, затем"
                        " `systemctl start postgresql`"
                    ),
                    (
                        "Сверьте адрес и порт в URL с настройками сервера: `SHOW port;` и"
                        " `SHOW listen_addresses;` (у контейнера ещё и `ports:` сервиса)"
                    ),
                ),
            ),
            rules=(
                Rule("ECONNREFUSED"),
                Rule("08001", confidence=0.4),
                Rule(exceptions="ConnectionRefusedError"),
            ),
            wordings=(
                Wording("can't reach database server", confidence=0.85),
                Wording("connectionrefusederror", needs=Needs.POSTGRESQL),
                Wording("connection refused", needs=Needs.POSTGRESQL),
                Wording("econnrefused", needs=Needs.POSTGRESQL),
                Wording(
                    "connect call failed", r"errno 111|multiple exceptions", needs=Needs.POSTGRESQL
                ),
                Wording("actively refused it", needs=Needs.POSTGRESQL),
                Wording("refused. check that the hostname and port are correct", confidence=0.95),
                Wording("could not connect to server", confidence=0.5, needs=Needs.POSTGRESQL),
                Wording("no response", r":\d+ - no response|^no response$", 0.5, Needs.POSTGRESQL),
                Wording(
                    "connectionrefused",
                    r"kind: connectionrefused",
                    confidence=0.9,
                    needs=Needs.POSTGRESQL,
                ),
                Wording("errno 111", r"errno 111\b", confidence=0.9, needs=Needs.POSTGRESQL),
                Wording("errno 61", r"errno 61\b", confidence=0.9, needs=Needs.POSTGRESQL),
                Wording("10061", r"10061\)", confidence=0.8, needs=Needs.POSTGRESQL),
                Wording(
                    "refused",
                    r"connection to [\w.:\[\]-]{2,80} refused",
                    confidence=0.9,
                    needs=Needs.POSTGRESQL,
                ),
                Wording(
                    "failed to connect to",
                    r"npgsqlexception[^\n]*failed to connect to",
                    confidence=0.6,
                ),
                Wording("is the server running on", r"accepting", confidence=0.6),
            ),
        ),
        Entry(
            "localhost_in_container",
            "https://docs.docker.com/compose/how-tos/networking/",
            Severity.CRITICAL,
            en=Text(
                "In a container, localhost is the container itself",
                "The URL says {host|localhost}, but inside a container that is the container, not"
                " the machine or the neighbour where the database runs.",
                (
                    (
                        "Put the database's Compose service name in place of {host|localhost} in the"
                        " URL, for instance `postgresql://{user|USER}@postgres:5432/{database|DATABASE}`"
                    ),
                    (
                        "Is the database on the machine itself? Use `host.docker.internal` as host; on"
                        ' Linux add `extra_hosts: ["host.docker.internal:host-gateway"]` to the service'
                    ),
                    (
                        "Make the containers anew, so that they get the changed URL:"
                        " `docker compose up -d`"
                    ),
                ),
            ),
            ru=Text(
                "Внутри контейнера localhost — это сам контейнер",
                "В URL указан {host|localhost}, но внутри контейнера это сам контейнер, а не"
                " машина и не соседний контейнер, где работает база.",
                (
                    (
                        "Замените {host|localhost} в URL на имя сервиса базы из docker-compose.yml,"
                        " например `postgresql://{user|USER}@postgres:5432/{database|DATABASE}`"
                    ),
                    (
                        "База работает на самой машине? Укажите `host.docker.internal`; на Linux"
                        ' добавьте сервису `extra_hosts: ["host.docker.internal:host-gateway"]`'
                    ),
                    "Пересоздайте контейнеры, чтобы они получили новый URL: `docker compose up -d`",
                ),
            ),
            rules=(
                Rule("ECONNREFUSED", confidence=0.3),
                Rule(
                    "ECONNREFUSED",
                    facts=(("container", "yes"), ("host", _LOOPBACK)),
                    confidence=0.95,
                ),
            ),
            wordings=(
                Wording(  # as docker compose shows it: said from within a container
                    "refused",
                    r"^[\w.-]{1,64} +\| [^\n]*(?:localhost|127\.0\.0\.1|::1)[^\n]*refused"
                    r"|^[\w.-]{1,64} +\| [^\n]*refused[^\n]*(?:localhost|127\.0\.0\.1|::1)",
                    0.93,
                    Needs.POSTGRESQL,
                ),
                Wording(
                    "refused",
                    r"(?:localhost|127\.0\.0\.1|\[?::1\b)[^\n]{0,80}refused"
                    r"|refused[^\n]{0,80}(?:localhost|127\.0\.0\.1|::1)",
                    0.5,
                    Needs.POSTGRESQL,
                ),
                Wording(
                    "connect call failed",
                    r"'(?:127\.0\.0\.1|::1|localhost)'",
                    0.5,
                    Needs.POSTGRESQL,
                ),
                Wording(
                    "econnrefused",
                    r"econnrefused (?:127\.0\.0\.1|::1)",
                    confidence=0.5,
                    needs=Needs.POSTGRESQL,
                ),
                Wording(
                    "can't reach database server",
                    r"server at `?(?:localhost|127\.0\.0\.1)",
                    confidence=0.5,
                ),
            ),
        ),
        Entry(
            "dns_failure",
            POSTGRESQL + "libpq-connect.html#LIBPQ-CONNECT-HOST",
            Severity.CRITICAL,
            en=Text(
                "The host name does not resolve",
                "No address is known for {host|the host in the URL}: it is misspelt, its record is"
                " gone, or the name server does not answer.",
                (
                    "Is it {alike_host}? Then write that host into the URL",
                    "Resolve it on the machine where this runs: `getent hosts {host|HOST}`",
                    "Check the spelling of the host in the URL",
                    "If every name fails, look at the name server: `cat /etc/resolv.conf`",
                ),
            ),
            ru=Text(
                "Имя узла не разрешается в адрес",
                "Для имени {host|из URL} адрес не найден: опечатка, запись пропала или не отвечает"
                " DNS-сервер.",
                (
                    "Может быть, {alike_host}? Тогда исправьте узел в URL",
                    "Проверьте имя на той же машине: `getent hosts {host|HOST}`",
                    "Сверьте написание узла в URL",
                    "Если не разрешается ни одно имя, дело в DNS-сервере: `cat /etc/resolv.conf`",
                ),
            ),
            rules=(
                Rule("EAI_NONAME EAI_AGAIN EAI_NODATA EAI_FAIL ENOTFOUND"),
                Rule(exceptions="gaierror"),
                Rule(phases=(Phase.RESOLVE,)),
            ),
            wordings=(
                Wording("could not translate host name", confidence=0.85),
                Wording("name or service not known", needs=Needs.POSTGRESQL),
                Wording("name does not resolve", needs=Needs.POSTGRESQL),
                Wording("temporary failure in name resolution", needs=Needs.POSTGRESQL),
                Wording("nodename nor servname provided", needs=Needs.POSTGRESQL),
                Wording(
                    "getaddrinfo", r"getaddrinfo (?:failed|enotfound|eai_)", needs=Needs.POSTGRESQL
                ),
                Wording("no such host", r"no such host(?: is known)?\b", needs=Needs.POSTGRESQL),
                Wording("unknownhostexception", needs=Needs.POSTGRESQL),
                Wording("no address associated with hostname", needs=Needs.POSTGRESQL),
                Wording("failed to resolve host", needs=Needs.POSTGRESQL),
                Wording("dns lookup failed", needs=Needs.POSTGRESQL),
                Wording("could not resolve host", needs=Needs.POSTGRESQL),
                Wording("non-existing domain", confidence=0.9, needs=Needs.POSTGRESQL),
                Wording("nxdomain", confidence=0.85, needs=Needs.POSTGRESQL),
                Wording(
                    "failed to lookup address information", confidence=0.9, needs=Needs.POSTGRESQL
                ),
                Wording(
                    "server misbehaving",
                    r"lookup [^\n]*server misbehaving",
                    confidence=0.85,
                    needs=Needs.POSTGRESQL,
                ),
                Wording("unknown host", confidence=0.8, needs=Needs.POSTGRESQL),
            ),
        ),
        Entry(
            "docker_host_not_resolvable",
            "https://docs.docker.com/compose/how-tos/networking/",
            Severity.CRITICAL,
            en=Text(
                "The service name does not resolve",
                "{host|The host} looks like the name of a container, and such a name is known only"
                " inside its network and only while that container runs.",
                (
                    (
                        "Is the database's container up? `docker compose ps {host|postgres}`, then"
                        " `docker compose up -d {host|postgres}`"
                    ),
                    (
                        "Are both services in one network? Put them under the same `networks:` of"
                        " docker-compose.yml; the host in the URL is the service's name there"
                    ),
                    (
                        "For `host.docker.internal` on Linux add to the service:"
                        ' `extra_hosts: ["host.docker.internal:host-gateway"]`'
                    ),
                    (
                        '{@host}Does this run outside Docker? Publish the port (`ports: ["5432:5432"]`) and'
                        " use `localhost` as host"
                    ),
                ),
            ),
            ru=Text(
                "Имя сервиса не разрешается",
                "{host|Узел} похож на имя контейнера, а такое имя известно только внутри его сети и"
                " только пока контейнер работает.",
                (
                    (
                        "Запущен ли контейнер базы? `docker compose ps {host|postgres}`, затем"
                        " `docker compose up -d {host|postgres}`"
                    ),
                    (
                        "В одной ли сети оба сервиса? Укажите им одну сеть в `networks:` файла"
                        " docker-compose.yml; узел в URL — это имя сервиса оттуда"
                    ),
                    (
                        "Для `host.docker.internal` на Linux добавьте сервису:"
                        ' `extra_hosts: ["host.docker.internal:host-gateway"]`'
                    ),
                    (
                        '{@host}Программа работает вне Docker? Опубликуйте порт (`ports: ["5432:5432"]`) и'
                        " укажите узел `localhost`"
                    ),
                ),
            ),
            rules=(
                Rule("EAI_NONAME EAI_AGAIN ENOTFOUND", confidence=0.3),
                Rule(
                    "EAI_NONAME EAI_AGAIN EAI_NODATA EAI_FAIL ENOTFOUND",
                    facts=(("host", _BARE_NAME),),
                    confidence=0.95,
                ),
                Rule(exceptions="gaierror", facts=(("host", _BARE_NAME),), confidence=0.95),
            ),
            wordings=(
                Wording(
                    "host name",
                    r"translate host name [\"'«](?:[a-z0-9_-]+|host\.docker\.internal)[\"'»]",
                    0.96,
                ),
                Wording(
                    "getaddrinfo",
                    r"getaddrinfo (?:enotfound|eai_again) (?:[a-z0-9_-]+|host\.docker\.internal)(?![\w.-])",
                    0.95,
                    Needs.POSTGRESQL,
                ),
                Wording(
                    "lookup ",
                    r"lookup (?:[a-z0-9_-]+|host\.docker\.internal)(?: on [\d.:]+)?:",
                    0.95,
                    Needs.POSTGRESQL,
                ),
                Wording(
                    "unknownhostexception",
                    r"unknownhostexception: (?:[a-z0-9_-]+|host\.docker\.internal)(?![\w.-])",
                    0.95,
                    Needs.POSTGRESQL,
                ),
                Wording(
                    "failed to resolve host",
                    r"resolve host '(?:[a-z0-9_-]+|host\.docker\.internal)'",
                    0.95,
                    Needs.POSTGRESQL,
                ),
                Wording(
                    "nxdomain",
                    r"tcp connect \((?:[a-z0-9_-]+|host\.docker\.internal):\d+\): non-existing domain",
                    confidence=0.96,
                    needs=Needs.POSTGRESQL,
                ),
                Wording(
                    "server misbehaving",
                    r"lookup (?:[a-z0-9_-]+|host\.docker\.internal) on",
                    confidence=0.95,
                    needs=Needs.POSTGRESQL,
                ),
            ),
        ),
        Entry(
            "connect_timeout",
            POSTGRESQL + "libpq-connect.html#LIBPQ-CONNECT-CONNECT-TIMEOUT",
            Severity.CRITICAL,
            en=Text(
                "No answer to the connection attempt",
                "Nothing came back from {host|the host}:{port|5432} in time: a firewall drops the"
                " packets, the address is wrong, the server is frozen or overloaded, or what"
                " listens there is no PostgreSQL.",
                (
                    "Try it from this machine: `pg_isready -h {host|HOST} -p {port|5432} -t 5`",
                    (
                        "Check the firewall or security group between here and"
                        " {host|the host}:{port|5432}, and the address itself"
                    ),
                    (
                        "If other machines are stuck too, look at the server: load, memory, disk"
                        " (`uptime`, `dmesg | tail`)"
                    ),
                ),
            ),
            ru=Text(
                "На попытку подключения никто не ответил",
                "От {host|сервера}:{port|5432} вовремя ничего не пришло: пакеты отбрасывает"
                " межсетевой экран, адрес неверен, сервер завис или перегружен, или там слушает"
                " вовсе не PostgreSQL.",
                (
                    "Попробуйте с этой же машины: `pg_isready -h {host|HOST} -p {port|5432} -t 5`",
                    (
                        "Проверьте межсетевой экран или группу безопасности на пути к"
                        " {host|серверу}:{port|5432} и сам адрес"
                    ),
                    (
                        "Если и другим не подключиться, посмотрите на сам сервер: нагрузка, память,"
                        " диск (`uptime`, `dmesg | tail`)"
                    ),
                ),
            ),
            rules=(
                Rule("ETIMEDOUT"),
                Rule(exceptions="TimeoutError ConnectionTimeout", phases=(Phase.CONNECT,)),
            ),
            wordings=(
                Wording(
                    "the operation has timed out", r"npgsql[^\n]*connect|connect[^\n]*npgsql", 0.8
                ),
                Wording("connecttimeout", confidence=0.6, needs=Needs.POSTGRESQL),
                Wording("connection timed out", needs=Needs.POSTGRESQL),
                Wording("timeout expired", needs=Needs.POSTGRESQL),
                Wording("connection timeout expired", needs=Needs.POSTGRESQL, confidence=0.95),
                Wording("etimedout", needs=Needs.POSTGRESQL),
                Wording("i/o timeout", r"dial\b[^\n]*i/o timeout", needs=Needs.POSTGRESQL),
                Wording("timed out", r"connect[^\n]{0,60}timed out", 0.85, Needs.POSTGRESQL),
                Wording("timeouterror", r"connect", 0.6, Needs.POSTGRESQL),
                Wording("timeout during connection attempt", confidence=0.93),
                Wording("errno 110", r"errno 110\b", confidence=0.9, needs=Needs.POSTGRESQL),
                Wording("errno 60", r"errno 60\b", confidence=0.9, needs=Needs.POSTGRESQL),
                Wording("10060", r"10060\)", confidence=0.8, needs=Needs.POSTGRESQL),
                Wording("connect timed out", confidence=0.9, needs=Needs.POSTGRESQL),
                Wording("connection terminated due to connection timeout", confidence=0.95),
                Wording(
                    "context deadline exceeded",
                    r"failed to connect to[^\n]*context deadline exceeded|dial[^\n]*context deadline exceeded",
                    confidence=0.9,
                    needs=Needs.POSTGRESQL,
                ),
                Wording(
                    "context deadline exceeded",
                    r"failed to connect to `[^\n]*context deadline exceeded",
                    confidence=0.9,
                ),
                Wording("p1002", r"\bp1002\b", confidence=0.8),
                Wording("was reached but timed out", confidence=0.9),
                Wording(
                    "the connection attempt failed",
                    r"psqlexception|08001|^\W*the connection attempt failed\W*$",
                    confidence=0.45,
                ),
            ),
        ),
        Entry(
            "no_route",
            POSTGRESQL + "server-start.html#CLIENT-CONNECTION-PROBLEMS",
            Severity.CRITICAL,
            en=Text(
                "The network knows no way to the host",
                "There is no route to {host|the host}: a VPN is down, the address belongs to"
                " another network, or the host's firewall rejects us.",
                (
                    "Which way would packets go? `ip route get {host|ADDRESS}`",
                    "Is the VPN or the Docker network up, and is the address still right?",
                    "On the database's host, look at the firewall: `iptables -L -n` or `nft list ruleset`",
                ),
            ),
            ru=Text(
                "В сети нет пути к этому узлу",
                "Нет маршрута до {host|узла}: не поднят VPN, адрес из другой сети или нас"
                " отвергает межсетевой экран на узле.",
                (
                    "Куда пошли бы пакеты? `ip route get {host|ADDRESS}`",
                    "Поднят ли VPN или сеть Docker и верен ли ещё адрес?",
                    (
                        "На машине с базой посмотрите межсетевой экран: `iptables -L -n` или"
                        " `nft list ruleset`"
                    ),
                ),
            ),
            rules=(Rule("EHOSTUNREACH ENETUNREACH EHOSTDOWN ENETDOWN EADDRNOTAVAIL"),),
            wordings=(
                Wording("no route to host", needs=Needs.POSTGRESQL),
                Wording("network is unreachable", needs=Needs.POSTGRESQL),
                Wording("host is unreachable", needs=Needs.POSTGRESQL),
                Wording("ehostunreach", needs=Needs.POSTGRESQL),
                Wording("enetunreach", needs=Needs.POSTGRESQL),
                Wording("noroutetohostexception", confidence=0.9, needs=Needs.POSTGRESQL),
                Wording("errno 113", r"errno 113\b", confidence=0.93, needs=Needs.POSTGRESQL),
                Wording("errno 101", r"errno 101\b", confidence=0.93, needs=Needs.POSTGRESQL),
                Wording("errno 65", r"errno 65\b", confidence=0.93, needs=Needs.POSTGRESQL),
                Wording("cannot assign requested address", confidence=0.9, needs=Needs.POSTGRESQL),
                Wording("eaddrnotavail", confidence=0.9, needs=Needs.POSTGRESQL),
            ),
        ),
        Entry(
            "unix_socket_missing",
            POSTGRESQL + "runtime-config-connection.html#GUC-UNIX-SOCKET-DIRECTORIES",
            Severity.CRITICAL,
            en=Text(
                "The server's Unix socket is not there",
                "There is no socket file where we looked: the server is not running, keeps"
                " its socket elsewhere, or the URL names no host at all.",
                (
                    "{@host}Is the server running on this machine? `systemctl status postgresql`",
                    (
                        "Where is its socket? `ls -l /var/run/postgresql /tmp/.s.PGSQL.*` and"
                        " `SHOW unix_socket_directories;`"
                    ),
                    (
                        "Is the database in a container or on another machine? Name its host in the"
                        " URL: `postgresql://{user|USER}@HOST:{port|5432}/{database|DATABASE}`"
                    ),
                ),
            ),
            ru=Text(
                "Нет Unix-сокета сервера",
                "Файла сокета нет: сервер не запущен, держит сокет в другом каталоге или в URL"
                " вовсе не указан узел.",
                (
                    "{@host}Запущен ли сервер на этой машине? `systemctl status postgresql`",
                    (
                        "Где его сокет? `ls -l /var/run/postgresql /tmp/.s.PGSQL.*` и"
                        " `SHOW unix_socket_directories;`"
                    ),
                    (
                        "База в контейнере или на другой машине? Укажите узел в URL:"
                        " `postgresql://{user|USER}@HOST:{port|5432}/{database|DATABASE}`"
                    ),
                ),
            ),
            rules=(
                Rule("ECONNREFUSED", confidence=0.3),
                Rule("ENOENT", phases=(Phase.CONNECT,), engine="postgresql"),
                Rule("ECONNREFUSED", facts=(("host", r"/.*"),), confidence=0.95),
            ),
            wordings=(
                Wording(
                    ".s.pgsql.",
                    r"no such file or directory|нет такого файла|\.s\.pgsql\.\d+\"?\?",
                    0.95,
                ),
                Wording(".s.pgsql.", r"connection refused|в соединении отказано", 0.92),
                Wording("on unix domain socket", confidence=0.85),
                Wording(".s.pgsql.", r"enoent", confidence=0.95),
            ),
        ),
        Entry(
            "not_a_postgres_server",
            POSTGRESQL + "protocol-flow.html",
            Severity.CRITICAL,
            en=Text(
                "Something other than PostgreSQL answers there",
                "What listens on {host|the host}:{port|the port} does not speak PostgreSQL's"
                " protocol: a web server, Redis, or another database.",
                (
                    "Correct the port in the URL (PostgreSQL's own is 5432, PgBouncer's 6432)",
                    "Who listens there? On the database's host: `ss -ltnp 'sport = :{port|5432}'`",
                ),
            ),
            ru=Text(
                "Там отвечает не PostgreSQL",
                "Программа на {host|узле}:{port|порту} не говорит по протоколу PostgreSQL: это"
                " веб-сервер, Redis или другая база.",
                (
                    "Исправьте порт в URL (у PostgreSQL обычно 5432, у PgBouncer — 6432)",
                    "Кто там слушает? На машине с базой: `ss -ltnp 'sport = :{port|5432}'`",
                ),
            ),
            rules=(Rule(exceptions="ProtocolError", confidence=0.7),),
            wordings=(
                Wording("received invalid response to ssl negotiation", confidence=0.95),
                Wording("received invalid response to gssapi negotiation", confidence=0.95),
                Wording(
                    "expected authentication request from server, but received", confidence=0.95
                ),
                Wording("unexpected response from server during ssl negotiation", confidence=0.95),
                Wording("invalid length of startup packet", confidence=0.7),
                Wording(
                    "unexpected message type", r"unexpected message type", 0.6, Needs.POSTGRESQL
                ),
                Wording(
                    "unexpected postgresql", r"unexpected postgresql (?:message|response)", 0.8
                ),
                Wording("protocol error", r"protocol error\.?[^\n]{0,20}session setup failed", 0.9),
                Wording(
                    "unexpected connection_lost",
                    r"unexpected connection_lost",
                    0.4,
                    Needs.POSTGRESQL,
                ),
                Wording("unexpected postgres ssl response", confidence=0.93),
                Wording("error establishing an ssl connection", confidence=0.6),
                Wording(
                    "pq: unexpected message",
                    r"expected (?:readyforquery|authentication)",
                    confidence=0.8,
                ),
                Wording("unexpected message", r"pq: unexpected message", confidence=0.6),
                Wording("received unknown response", r"sslrequest|ssl request", confidence=0.9),
                Wording("first received character was", confidence=0.9),
            ),
        ),
        Entry(
            "server_closed_connection",
            POSTGRESQL + "runtime-config-connection.html#GUC-TCP-KEEPALIVES-IDLE",
            Severity.WARNING,
            en=Text(
                "The connection was cut",
                "The other end closed the connection without a word: the server crashed or"
                " restarted, or a proxy or firewall on the way cut an idle connection.",
                (
                    (
                        "Look at the server's log at that minute: `journalctl -u postgresql -n 100` or"
                        " `docker compose logs --tail 100 {service|postgres}`"
                    ),
                    (
                        "No crash there? Look at idle timeouts of whatever is on the way (PgBouncer,"
                        " HAProxy, cloud load balancer, NAT)"
                    ),
                    (
                        "Keep idle connections alive: `keepalives_idle=60` in the client's URL or"
                        " `tcp_keepalives_idle = 60` on the server"
                    ),
                ),
            ),
            ru=Text(
                "Соединение оборвалось",
                "Другая сторона молча закрыла соединение: сервер упал или перезапустился, либо"
                " простаивающее соединение разорвал прокси или межсетевой экран.",
                (
                    (
                        "Посмотрите журнал сервера за эту минуту: `journalctl -u postgresql -n 100` или"
                        " `docker compose logs --tail 100 {service|postgres}`"
                    ),
                    (
                        "Падения не было? Проверьте тайм-ауты простоя у всего, что стоит на пути"
                        " (PgBouncer, HAProxy, балансировщик, NAT)"
                    ),
                    (
                        "Не давайте соединениям засыпать: `keepalives_idle=60` в URL клиента или"
                        " `tcp_keepalives_idle = 60` на сервере"
                    ),
                ),
            ),
            rules=(
                Rule("ECONNRESET EPIPE ECONNABORTED 57P05", confidence=0.85),
                # Drivers put every lost or refused connection under these.
                Rule("08006 08003 08000", confidence=0.5),
                Rule(
                    exceptions="ConnectionResetError BrokenPipeError ConnectionAbortedError"
                    " ConnectionDoesNotExistError IncompleteReadError",
                    confidence=0.85,
                ),
            ),
            wordings=(
                Wording("driver: bad connection", confidence=0.8),
                Wording("pq: unexpected eof", confidence=0.85),
                Wording("server closed the connection unexpectedly"),
                Wording("connection was closed in the middle of operation"),
                Wording("ssl connection has been closed unexpectedly"),
                Wording("ssl syscall error: eof detected"),
                Wording("connection reset by peer", needs=Needs.POSTGRESQL, confidence=0.85),
                Wording("econnreset", needs=Needs.POSTGRESQL, confidence=0.85),
                Wording("broken pipe", needs=Needs.POSTGRESQL, confidence=0.8),
                Wording("connection terminated unexpectedly", needs=Needs.POSTGRESQL),
                Wording("unexpected eof on client connection", confidence=0.6),
                Wording("an i/o error occurred while sending to the backend"),
                Wording("connection is closed", r"connection is closed", 0.6, Needs.POSTGRESQL),
                Wording("connection already closed", confidence=0.7, needs=Needs.POSTGRESQL),
                Wording("the connection is lost", confidence=0.7, needs=Needs.POSTGRESQL),
                Wording("no connection to the server", confidence=0.7),
                Wording("could not receive data from server", confidence=0.93),
                Wording("connection_lost", r"unexpected connection_lost\(\) call", 0.7),
                Wording("idle-session timeout", confidence=0.9),
                Wording("this connection has been closed", confidence=0.85),
                Wording(
                    "end of the stream",
                    r"attempted to read past the end of the stream",
                    confidence=0.9,
                    needs=Needs.POSTGRESQL,
                ),
                Wording("pqsocket() can't get socket descriptor", confidence=0.9),
                Wording(
                    "unexpected eof",
                    r"(?:receive message|pgconn|pgx|read:|error:)[^\n]*unexpected eof|unexpected eof[^\n]*(?:pgx|pgconn|receive message)",
                    confidence=0.85,
                    needs=Needs.POSTGRESQL,
                ),
                Wording(
                    "tcp recv",
                    r"tcp recv[^\n]*(?:closed|:timeout)",
                    confidence=0.85,
                    needs=Needs.POSTGRESQL,
                ),
                Wording(
                    "tcp send",
                    r"tcp send[^\n]*(?:closed|:timeout)",
                    confidence=0.85,
                    needs=Needs.POSTGRESQL,
                ),
                Wording("could not send data to server", confidence=0.85),
                Wording("ssl syscall error", confidence=0.92),
                Wording(
                    "decryption failed or bad record mac", confidence=0.8, needs=Needs.POSTGRESQL
                ),
                Wording(
                    "connection reset",
                    r"(?:java\.net\.)?socketexception: connection reset",
                    confidence=0.85,
                    needs=Needs.POSTGRESQL,
                ),
                Wording(
                    "unexpectedly closed the connection", confidence=0.85, needs=Needs.POSTGRESQL
                ),
                Wording(
                    "connection has been closed",
                    r"connection (?:has been|was) closed unexpectedly",
                    confidence=0.85,
                    needs=Needs.POSTGRESQL,
                ),
                Wording("connection to client lost", confidence=0.8),
                Wording("connection was closed by the pool", confidence=0.7),
                Wording(
                    "connection was closed by the server", confidence=0.85, needs=Needs.POSTGRESQL
                ),
                Wording(
                    "unexpected end of file",
                    r"communicating with (?:the )?database",
                    confidence=0.9,
                ),
                Wording("connection closed", confidence=0.75, needs=Needs.TROUBLE),
                Wording("conn closed", confidence=0.8, needs=Needs.POSTGRESQL),
                Wording("connection ended unexpectedly", confidence=0.9),
                Wording("client has encountered a connection error", confidence=0.9),
                Wording("server has closed the connection", confidence=0.9),
                Wording("connection was closed", confidence=0.75, needs=Needs.TROUBLE),
                Wording("connection lost", confidence=0.75, needs=Needs.TROUBLE),
                Wording("lost connection", confidence=0.75, needs=Needs.TROUBLE),
                Wording("connection reset", confidence=0.8, needs=Needs.TROUBLE),
                Wording(
                    "ssl recv",
                    r"ssl (?:recv|send)[^\n]*(?:closed|:timeout)",
                    confidence=0.9,
                    needs=Needs.POSTGRESQL,
                ),
                Wording(
                    "ssl send",
                    r"ssl (?:recv|send)[^\n]*(?:closed|:timeout)",
                    confidence=0.9,
                    needs=Needs.POSTGRESQL,
                ),
                Wording("client was closed and is not queryable", confidence=0.8),
                Wording(
                    "connectionreset",
                    r"kind: connectionreset",
                    confidence=0.9,
                    needs=Needs.POSTGRESQL,
                ),
                Wording(
                    "unexpectedeof", r"kind: unexpectedeof", confidence=0.9, needs=Needs.POSTGRESQL
                ),
                Wording(
                    "aborted by the software in your host machine",
                    confidence=0.85,
                    needs=Needs.POSTGRESQL,
                ),
                Wording(
                    "forcibly closed by the remote host", confidence=0.9, needs=Needs.POSTGRESQL
                ),
                Wording(
                    "existing connection was forcibly closed",
                    confidence=0.9,
                    needs=Needs.POSTGRESQL,
                ),
                Wording("p1017", r"\bp1017\b", confidence=0.88),
                Wording("eofexception", confidence=0.8, needs=Needs.POSTGRESQL),
                Wording(
                    "connection terminated unexpectedly",
                    r"^\W*(?:error\W+)?connection terminated unexpectedly\W*$",
                    confidence=0.85,
                ),
            ),
        ),
    ),
)
