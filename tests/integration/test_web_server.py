"""The listener on real sockets: addresses, slow and rude clients, stopping."""

import asyncio
import contextlib
import signal
import socket

import pytest

from tests.support.demo import FakeClock, busy_day, calm_day, services
from tests.support.web import serving
from watchdog.web.application import build
from watchdog.web.server import HttpServer, ListenError


@pytest.fixture
def given():
    clock = FakeClock()
    return services(busy_day(clock), clock)


async def test_it_serves_on_a_unix_socket_and_removes_it_afterwards(given, tmp_path):
    path = tmp_path / "http.sock"
    async with serving(given, f"unix:{path}") as running:
        assert (await running.client.get("/healthz")).status_code == 200
        assert path.stat().st_mode & 0o777 == 0o660
    assert not path.exists()


async def test_it_serves_on_ipv6(given):
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        async with serving(given, "[::1]:0") as running:
            assert running.server.addresses[0].startswith("[::1]:")
            assert (await running.client.get("/healthz")).status_code == 200
    except* ListenError as errors:
        pytest.skip(str(errors.exceptions[0]))


async def test_a_stale_unix_socket_is_replaced_and_a_live_one_is_not(given, tmp_path):
    path = tmp_path / "http.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    async with serving(given, f"unix:{path}") as running:
        assert (await running.client.get("/healthz")).status_code == 200
        with pytest.raises(ListenError, match="another process has it"):
            await HttpServer(build(given)).start(f"unix:{path}")
        assert (await running.client.get("/healthz")).status_code == 200


async def test_a_file_in_place_of_the_socket_stays(given, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    with pytest.raises(ListenError, match=r"notes\.txt"):
        await HttpServer(build(given)).start(f"unix:{path}")
    assert path.read_text() == "mine"


async def test_a_taken_port_is_named_with_what_to_do(given):
    async with serving(given) as running:
        address = running.server.addresses[0]
        with pytest.raises(ListenError) as error:
            await HttpServer(build(given)).start(address)
    assert address in str(error.value)
    assert f"sport = :{running.port}" in str(error.value)


@pytest.mark.parametrize(
    ("listen", "says"),
    [
        ("203.0.113.7:10187", "no such address"),
        ("no-such-host.invalid:10187", "does not resolve"),
        ("nonsense", "ADDRESS:PORT"),
        ("127.0.0.1:99999", "ADDRESS:PORT"),
        ("unix:/no/such/folder/http.sock", "folder does not exist"),
    ],
)
async def test_a_wrong_address_says_what_to_write(given, listen, says):
    with pytest.raises(ListenError, match=says) as error:
        await HttpServer(build(given)).start(listen)
    assert listen in str(error.value)


async def test_a_silent_client_is_cut(given):
    async with serving(given, header_deadline=0.2) as running:
        reader, writer = await running.connect()
        async with asyncio.timeout(2):
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
        writer.close()


async def test_a_client_that_drips_its_request_is_cut(given):
    async with serving(given, header_deadline=0.3) as running:
        reader, writer = await running.connect()
        began = asyncio.get_running_loop().time()
        with contextlib.suppress(ConnectionError):
            for byte in b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: aaaaaaaaaaaaaaaaaaaa":
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.02)
        assert asyncio.get_running_loop().time() - began < 1.2
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()


async def test_a_second_request_that_drips_is_cut_too(given):
    async with serving(given, header_deadline=0.3) as running:
        reader, writer = await running.connect()
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in await reader.readuntil(b"\r\n")
        writer.write(b"GET /healthz HTTP/1.1\r\nHo")
        async with asyncio.timeout(2):
            with contextlib.suppress(ConnectionError):
                await reader.read()
        writer.close()


async def test_an_idle_kept_alive_connection_is_not_cut_by_the_header_deadline(given):
    async with serving(given, header_deadline=0.1) as running:
        reader, writer = await running.connect()
        for _ in range(2):
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            size = next(
                int(line.split(b":")[1])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length")
            )
            await reader.readexactly(size)
            await asyncio.sleep(0.25)
        writer.close()


async def test_a_client_that_never_reads_its_answer_is_cut():
    clock = FakeClock()
    given = services(calm_day(clock, 2000), clock)
    for status in given.store.statuses():
        given.exposition.on_result(status.visit)
    size = len(given.exposition.page())
    assert size > 4_000_000
    async with serving(given, answer_deadline=0.3) as running:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect((running.host, running.port))
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            await asyncio.sleep(1.0)
            client.settimeout(2)
            read = 0
            with contextlib.suppress(ConnectionError):
                while found := await asyncio.to_thread(client.recv, 1 << 20):
                    read += len(found)
        assert read < size


async def test_a_half_closed_client_gets_its_answer(given):
    async def probe_now(name, seconds):
        await asyncio.sleep(0.1)

    given.probe_now = probe_now
    async with serving(given) as running:
        reader, writer = await running.connect()
        writer.write(b"GET /probe?target=notes HTTP/1.1\r\nHost: x\r\n\r\n")
        writer.write_eof()
        async with asyncio.timeout(5):
            answer = await reader.read()
        assert b"watchdog_up" in answer
        writer.close()


async def test_a_client_that_leaves_during_a_probe_harms_nobody(given):
    released = asyncio.Event()

    async def probe_now(name, seconds):
        await released.wait()

    given.probe_now = probe_now
    async with serving(given) as running:
        _, writer = await running.connect()
        writer.write(b"GET /probe?target=notes HTTP/1.1\r\nHost: x\r\n\r\n")
        await writer.drain()
        writer.transport.abort()
        await asyncio.sleep(0.05)
        released.set()
        assert (await running.client.get("/healthz")).status_code == 200


async def test_too_many_silent_clients_give_way_to_a_scraper(given):
    async with serving(given, connections=20, header_deadline=30) as running:
        writers = [(await running.connect())[1] for _ in range(60)]
        answer = await running.client.get("/metrics")
        assert answer.status_code == 200
        for writer in writers:
            writer.transport.abort()


async def test_headers_have_a_largest_size(given):
    async with serving(given) as running:
        reader, writer = await running.connect()
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 70_000)
        async with asyncio.timeout(5):
            with contextlib.suppress(ConnectionError):
                answer = await reader.read()
                assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
        writer.close()


async def test_what_is_not_http_gets_a_refusal(given):
    async with serving(given) as running:
        reader, writer = await running.connect()
        writer.write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
        async with asyncio.timeout(5):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 400")
        writer.close()


async def test_requests_sent_ahead_are_all_answered(given):
    async with serving(given) as running:
        reader, writer = await running.connect()
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(5):
            answer = await reader.read()
        assert answer.count(b"HTTP/1.1 200 OK") == 3
        writer.close()


async def test_many_scrapes_at_once_are_all_answered(given):
    async with serving(given) as running:
        answers = await asyncio.gather(*(running.client.get("/metrics") for _ in range(80)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1


async def test_signals_are_left_alone(given):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with serving(given) as running:
        await running.client.get("/healthz")
        during = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert during == before


async def test_stopping_is_quick_with_silent_clients_and_a_probe_under_way(given):
    async def probe_now(name, seconds):
        await asyncio.Event().wait()

    given.probe_now = probe_now
    loop = asyncio.get_running_loop()
    async with serving(given) as running:
        _, silent = await running.connect()
        _, probing = await running.connect()
        probing.write(b"GET /probe?target=notes HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(0.05)
        began = loop.time()
    assert loop.time() - began < 4
    for writer in (silent, probing):
        writer.transport.abort()


async def test_it_may_be_stopped_before_it_runs(given):
    server = HttpServer(build(given))
    await server.start("127.0.0.1:0")
    server.stop()
    async with asyncio.timeout(5):
        await server.run()
