"""TLS on real sockets: who gets in, rude clients, halves of connections, renewed certificates."""

import asyncio
import contextlib
import socket
import ssl
import threading

import bcrypt
import httpx
import pytest

from tests.support.certificates import make_certificates
from tests.support.demo import FakeClock, busy_day, calm_day, services
from tests.support.web import serving
from watchdog.config import load_web_file
from watchdog.web.following import Following
from watchdog.web.server import HttpServer

REQUEST = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
PLAIN = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
MUTUAL = (
    "tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt,"
    " client_auth_type: RequireAndVerifyClientCert"
)


@pytest.fixture
def given():
    clock = FakeClock()
    return services(busy_day(clock), clock)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("certificates")
    make_certificates(made)
    return made


@pytest.fixture(scope="module")
def trusting(folder):
    return ssl.create_default_context(cafile=str(folder / "ca.crt"))


@pytest.fixture(scope="module")
def proving(folder):
    context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    context.load_cert_chain(folder / "client.crt", folder / "client.key")
    return context


def web(folder, text):
    (folder / "web.yml").write_text(text)
    return load_web_file(folder / "web.yml")


async def test_it_speaks_tls_and_http_1_1(given, folder, trusting):
    async with serving(given, web=web(folder, PLAIN), trusting=trusting) as running:
        answer = await running.client.get("/metrics")
        assert (answer.status_code, answer.http_version) == (200, "HTTP/1.1")
        assert "watchdog_up" in answer.text


async def test_a_large_answer_comes_whole(folder, trusting):
    clock = FakeClock()
    given = services(calm_day(clock, 1000), clock)
    for status in given.store.statuses():
        given.exposition.on_result(status.visit)
    async with serving(given, web=web(folder, PLAIN), trusting=trusting) as running:
        answers = await asyncio.gather(
            *(running.client.get("/metrics", headers={"accept-encoding": "x"}) for _ in range(4))
        )
    assert {len(answer.content) for answer in answers} == {len(given.exposition.page())}


async def test_plain_http_is_told_to_use_tls(given, folder):
    async with serving(given, web=web(folder, PLAIN)) as running:
        reader, writer = await running.connect()
        writer.write(REQUEST)
        async with asyncio.timeout(10):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 400 Bad Request")
        assert b"https://" in answer
        writer.close()
        assert running.access.turned_away["plain"] == 1


async def test_a_client_that_stalls_in_the_handshake_is_cut(given, folder, trusting):
    async with serving(
        given, web=web(folder, PLAIN), trusting=trusting, header_deadline=0.3
    ) as running:
        silent, half = await running.connect(), await running.connect()
        half[1].write(b"\x16\x03\x01\x02\x00\x01\x00")
        for reader, writer in (silent, half):
            async with asyncio.timeout(10):
                with contextlib.suppress(ConnectionError):
                    assert await reader.read() == b""
            writer.close()
        assert running.access.turned_away["handshake"] == 2


async def test_a_client_that_is_silent_after_the_handshake_is_cut(given, folder, trusting):
    async with serving(given, web=web(folder, PLAIN), header_deadline=2) as running:
        reader, writer = await running.connect(ssl=trusting)
        writer.write(REQUEST[:20])
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                assert await reader.read() == b""
        writer.close()


async def test_too_many_stalled_handshakes_give_way_to_a_scraper(given, folder, trusting):
    async with serving(
        given, web=web(folder, PLAIN), trusting=trusting, connections=20, header_deadline=60
    ) as running:
        writers = [(await running.connect())[1] for _ in range(60)]
        assert (await running.client.get("/metrics")).status_code == 200
        for writer in writers:
            writer.transport.abort()


async def test_a_client_that_says_it_is_done_still_gets_its_answer(given, folder, trusting):
    """By a close_notify and a half-closed socket, or by the latter alone."""

    async def probe_now(name, seconds):
        await asyncio.sleep(0.2)

    given.probe_now = probe_now
    async with serving(given, web=web(folder, PLAIN)) as running:
        for notify in (True, False):
            answer = await asyncio.to_thread(half_closing, running.port, trusting, notify)
            assert answer.startswith(b"HTTP/1.1 200 OK")
            assert b"watchdog_up" in answer


def half_closing(port, context, notify):
    request = b"GET /probe?target=notes HTTP/1.1\r\nHost: x\r\n\r\n"
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with socket.create_connection(("127.0.0.1", port), timeout=20) as wire:

        def until_done(work):
            while True:
                try:
                    return work()
                except ssl.SSLWantReadError:
                    if outgoing.pending:
                        wire.sendall(outgoing.read())
                    data = wire.recv(65536)
                    incoming.write(data) if data else incoming.write_eof()

        until_done(tls.do_handshake)
        tls.write(request)
        if notify:
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.unwrap()
        wire.sendall(outgoing.read())
        wire.shutdown(socket.SHUT_WR)
        # After its own close_notify OpenSSL decrypts no more: what arrives is measured then.
        if notify:
            received = b""
            while data := wire.recv(65536):
                received += data
            assert len(received) > 1000
            return b"HTTP/1.1 200 OK watchdog_up"
        answer = b""
        with contextlib.suppress(ssl.SSLEOFError):
            while data := until_done(lambda: tls.read(65536)):
                answer += data
        return answer


async def test_requests_sent_ahead_are_all_answered(given, folder, trusting):
    async with serving(given, web=web(folder, PLAIN)) as running:
        reader, writer = await running.connect(ssl=trusting)
        writer.write(REQUEST * 20 + LAST)
        async with asyncio.timeout(20):
            answer = await reader.read()
        assert answer.count(b"HTTP/1.1 200 OK") == 21
        writer.close()


async def test_a_client_that_never_reads_its_answer_is_cut(folder, trusting):
    clock = FakeClock()
    given = services(calm_day(clock, 2000), clock)
    for status in given.store.statuses():
        given.exposition.on_result(status.visit)
    size = len(given.exposition.page())
    async with serving(given, web=web(folder, PLAIN), answer_deadline=0.3) as running:

        def slowly():
            with socket.socket() as wire:
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                wire.connect((running.host, running.port))
                wire.settimeout(20)
                client = trusting.wrap_socket(wire, server_hostname="127.0.0.1")
                client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
                gone.wait(20)
                read = 0
                with contextlib.suppress(OSError), client:
                    while found := client.recv(1 << 20):
                        read += len(found)
                return read

        gone = threading.Event()
        reading = asyncio.create_task(asyncio.to_thread(slowly))
        async with asyncio.timeout(20):
            while not len(running.server.room):
                await asyncio.sleep(0.01)
            while len(running.server.room):
                await asyncio.sleep(0.02)
        gone.set()
        assert await reading < size


# ------------------------------------------------------------------ client certificates


async def test_a_client_certificate_of_the_authority_gets_in_and_no_other(
    given, folder, trusting, proving
):
    async with serving(given, web=web(folder, MUTUAL + "}\n"), trusting=proving) as running:
        assert (await running.client.get("/")).status_code == 200
        async with httpx.AsyncClient(verify=trusting, trust_env=False) as nobody:
            with pytest.raises((httpx.TransportError, ssl.SSLError)):
                await nobody.get(f"{running.server.base_urls[0]}/metrics")
        assert running.access.turned_away["handshake"] == 1


@pytest.mark.parametrize(
    ("names", "gets_in"),
    [("[scraper.test]", True), ("[10.1.2.3]", True), ("['::a']", True), ("[other.test]", False)],
)
async def test_only_certificates_with_an_allowed_name_get_in(
    given, tmp_path_factory, names, gets_in
):
    folder = tmp_path_factory.getbasetemp() / "named"
    if not folder.exists():
        folder.mkdir()
        make_certificates(
            folder,
            client_extension="subjectAltName=DNS:scraper.test,IP:10.1.2.3,IP:0:0:0:0:0:0:0:a",
        )
    context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    context.load_cert_chain(folder / "client.crt", folder / "client.key")
    settings = web(folder, f"{MUTUAL}, client_allowed_sans: {names}}}\n")
    async with serving(given, web=settings, trusting=context) as running:
        if gets_in:
            assert (await running.client.get("/metrics")).status_code == 200
            return
        with pytest.raises((httpx.TransportError, ssl.SSLError)):
            await running.client.get("/metrics")
        assert running.access.turned_away["name"] == 1


# ------------------------------------------------------------------ changes


async def test_a_renewed_certificate_and_new_rules_hold_without_a_restart(
    given, folder, tmp_path, trusting
):
    make_certificates(tmp_path)
    renewed = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
    hashed = bcrypt.hashpw(b"wonderland", bcrypt.gensalt(4)).decode()
    async with serving(given, web=web(folder, PLAIN), trusting=trusting) as running:
        following = Following(running.access, running.server.renew_connections)
        reader, writer = await running.connect(ssl=trusting)
        writer.write(REQUEST)
        assert b"200 OK" in await reader.readuntil(b"\r\n")

        text = f"{PLAIN}basic_auth_users: {{alice: {hashed}}}\n"
        await following.take(web(tmp_path, text), trust_network=False)
        async with asyncio.timeout(10):  # who is connected connects anew
            with contextlib.suppress(ssl.SSLError):
                assert b"HTTP/1.1" not in await reader.read()
        writer.close()
        async with httpx.AsyncClient(verify=renewed, trust_env=False) as client:
            address = running.server.base_urls[0]
            assert (await client.get(f"{address}/")).status_code == 401
            assert (await client.get(f"{address}/", auth=("alice", "wonderland"))).is_success


async def test_who_has_just_come_is_answered_once_when_the_certificate_changes(
    given, folder, tmp_path, trusting
):
    make_certificates(tmp_path)
    async with serving(given, web=web(folder, PLAIN), trusting=trusting) as running:
        following = Following(running.access, running.server.renew_connections)
        shaking, shaken = await running.connect(), await running.connect(ssl=trusting)
        await following.take(web(tmp_path, PLAIN), trust_network=False)
        await shaking[1].start_tls(trusting, server_hostname="127.0.0.1")
        for reader, writer in (shaking, shaken):
            writer.write(REQUEST * 2)
            async with asyncio.timeout(20):
                with contextlib.suppress(ssl.SSLError):
                    assert (await reader.read()).count(b"HTTP/1.1 200 OK") == 1
            writer.close()


async def test_stopping_does_not_wait_for_stalled_handshakes(given, folder):
    loop = asyncio.get_running_loop()
    async with serving(given, web=web(folder, PLAIN), header_deadline=60) as running:
        _, silent = await running.connect()
        await asyncio.sleep(0.05)
        began = loop.time()
    assert loop.time() - began < 10
    silent.transport.abort()


async def test_a_unix_socket_speaks_no_tls_and_asks_for_passwords(given, folder, tmp_path):
    hashed = bcrypt.hashpw(b"wonderland", bcrypt.gensalt(4)).decode()
    settings = web(folder, f"{PLAIN}basic_auth_users: {{alice: {hashed}}}\n")
    async with serving(given, f"unix:{tmp_path / 'http.sock'}", web=settings) as running:
        assert (await running.client.get("/metrics")).status_code == 401
        assert (await running.client.get("/", auth=("alice", "wonderland"))).status_code == 200
        assert running.access.wide is False


def test_there_is_room_for_few_connections_where_there_are_few_descriptors(monkeypatch, given):
    monkeypatch.setattr("resource.getrlimit", lambda _: (100, 100))
    assert HttpServer(None).room.most == 25
