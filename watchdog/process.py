"""Run a tool: the only place that starts processes.

Owns: the child's process group, deadline, environment, the bounded ends of
its stderr, and that nothing of it survives us. Must not know: which tools
there are and what their messages mean.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from watchdog.errors import WatchdogError
from watchdog.secret import mask

GRACE: Final = 5.0  # seconds between SIGTERM and SIGKILL; a stop of ours has 10 in all
STDERR_TAIL: Final = 16 * 1024
_BETWEEN: Final = b"\n[...]\n"
_DRAIN: Final = 1.0  # seconds for the rest of the pipes once the child has ended

# Everything else is dropped: PG* would silently redirect a dump, NOTIFY_SOCKET
# would let a child speak to systemd for us, and passwords live in the rest.
_INHERITED: Final = frozenset(
    [
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "TMPDIR",
        "TZ",
        "LD_LIBRARY_PATH",
        "KRB5CCNAME",
        "KRB5_CONFIG",
        "KRB5_CLIENT_KTNAME",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "OPENSSL_CONF",
    ]
)
_CARRIES_PASSWORD = re.compile(
    r"://[^/?#\s]*:[^/?#\s]+@|(?:^|\s)(?:ssl)?password\s*=", re.IGNORECASE
)


class ProgramNotFound(WatchdogError):  # noqa: N818 - it reads as what happened
    """The program is not there or may not be executed."""

    def __init__(self, program: str, reason: str = "not found") -> None:
        self.program = program
        super().__init__(f"cannot run {program}: {reason}")


class SecretInArgumentError(WatchdogError, ValueError):
    """An argument carries a password, which every user of the machine could read."""


class DeadlinePassed(WatchdogError):  # noqa: N818 - it reads as what happened
    """The program was ended because it took too long; ``stderr`` is masked."""

    def __init__(self, program: str, seconds: float, stderr: str) -> None:
        self.program = program
        self.seconds = seconds
        self.stderr = stderr
        super().__init__(f"{program} was ended after {seconds:g} s")


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended.

    ``returncode`` is negative for a signal. ``stderr`` is its beginning and end with
    secrets masked; ``raw_stderr`` is for classification alone and is never
    shown: a short password may stand for half of a message once masked.
    ``duration`` is in seconds.
    """

    program: str
    returncode: int
    stderr: str
    duration: float
    raw_stderr: str = field(default="", repr=False)


class _Reader(asyncio.Protocol):
    """One pipe of the child, read as it comes: a full pipe would stop the child."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take
        self.ended = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self._take(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if not self.ended.done():
            self.ended.set_result(None)


class _Ends:
    """The first and the last bytes of a stream: why, and what came of it.

    What stands between may be long: pg_dump quotes the statement that failed,
    with the names of all tables.
    """

    def __init__(self, limit: int) -> None:
        self._head_limit = limit // 4
        self._limit = limit - self._head_limit - len(_BETWEEN)
        self._head = bytearray()
        self._tail = bytearray()
        self._cut = False

    def take(self, data: bytes) -> None:
        room = self._head_limit - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        if len(self._tail) > 2 * self._limit:
            del self._tail[: -self._limit]
            self._cut = True

    def text(self) -> str:
        tail = self._tail[-self._limit :]
        between = _BETWEEN if self._cut or len(tail) < len(self._tail) else b""
        return bytes(self._head + between + tail).decode("utf-8", "replace").strip()


class _Pipe:
    """A pipe of our own: waiting for the child never waits for a grandchild that holds it."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take
        self._read, self.write = os.pipe()
        self._transport: asyncio.ReadTransport | None = None
        self._reader: _Reader | None = None

    async def connect(self) -> None:
        """Start reading; our copy of the writing end is closed first."""
        self._close_write()
        loop = asyncio.get_running_loop()
        reader = _Reader(self._take)
        stream = os.fdopen(self._read, "rb", 0)
        self._read = -1
        self._transport, _ = await loop.connect_read_pipe(lambda: reader, stream)
        self._reader = reader

    async def drain(self) -> None:
        """Wait for the end of the stream, but not for ever."""
        if self._reader is not None:
            await asyncio.wait([self._reader.ended], timeout=_DRAIN)

    def close(self) -> None:
        """Give both ends back."""
        self._close_write()
        if self._transport is not None:
            self._transport.close()
        elif self._read >= 0:
            os.close(self._read)
            self._read = -1

    def _close_write(self) -> None:
        if self.write >= 0:
            os.close(self.write)
            self.write = -1


async def run(  # noqa: PLR0913 - each is a property of the child
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    deadline: float | None = None,
    poll: Callable[[], None] | None = None,
    poll_interval: float = 0.5,
    begun: Callable[[int], None] | None = None,
    stdout: Callable[[bytes], None] | None = None,
    cwd: Path | None = None,
    nice: int = 0,
    grace: float = GRACE,
) -> Completed:
    """Run *argv* to its end and return how that was.

    *env* is added to a clean environment. *deadline* is in seconds; *poll* is
    called every *poll_interval* seconds meanwhile, and what it raises ends
    the program. *begun* is told its process id. *stdout* is handed the output
    as it comes (dropped without).
    Whatever ends this coroutine, cancellation included, ends the program and
    its children first: SIGTERM, after *grace* seconds SIGKILL.

    Raises ``ProgramNotFound``, ``DeadlinePassed``, ``SecretInArgumentError``.
    """
    program = _program(argv)
    command = [*await _prefix(nice), program, *argv[1:]]
    started = time.monotonic()
    said = _Ends(STDERR_TAIL)
    with contextlib.ExitStack() as pipes:
        errors = _Pipe(said.take)
        pipes.callback(errors.close)
        output = _Pipe(stdout) if stdout is not None else None
        if output is not None:
            pipes.callback(output.close)
        process = await _start(command, env, cwd, errors, output)
        try:
            if begun is not None:
                begun(process.pid)
            await errors.connect()
            if output is not None:
                await output.connect()
            await _wait(process, deadline, poll, poll_interval)
            for pipe in filter(None, (errors, output)):
                await pipe.drain()
        except TimeoutError:
            await _end(process, grace)
            raise DeadlinePassed(Path(program).name, deadline or 0.0, mask(said.text())) from None
        finally:
            await _end(process, grace)
        raw = said.text()
    returncode = process.returncode
    assert returncode is not None
    return Completed(
        Path(program).name, returncode, mask(raw), time.monotonic() - started, raw_stderr=raw
    )


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a child: little of ours, English messages, and *extra*."""
    clean = {name: value for name, value in os.environ.items() if name in _INHERITED}
    return {**clean, "LC_ALL": "C", **(extra or {})}


def _program(argv: Sequence[str]) -> str:
    for argument in argv:
        if _CARRIES_PASSWORD.search(argument):
            raise SecretInArgumentError(f"an argument of {argv[0]} carries a password")
    found = shutil.which(argv[0])
    if found is None:
        reason = "not executable" if Path(argv[0]).is_file() else "not found"
        raise ProgramNotFound(argv[0], reason)
    return found


async def _start(
    command: Sequence[str],
    env: Mapping[str, str] | None,
    cwd: Path | None,
    errors: _Pipe,
    output: _Pipe | None,
) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output.write if output else asyncio.subprocess.DEVNULL,
            stderr=errors.write,
            env=environment(env),
            cwd=cwd,
            start_new_session=True,
        )
    except OSError as error:
        raise ProgramNotFound(command[0], error.strerror or str(error)) from error


async def _wait(
    process: asyncio.subprocess.Process,
    deadline: float | None,
    poll: Callable[[], None] | None,
    poll_interval: float,
) -> None:
    async with asyncio.timeout(deadline):
        if poll is None:
            await process.wait()
            return
        waiting = asyncio.ensure_future(process.wait())
        try:
            while not waiting.done():
                await asyncio.wait([waiting], timeout=poll_interval)
                poll()
        finally:
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await waiting


async def _end(process: asyncio.subprocess.Process, grace: float) -> None:
    """End the group if the program still runs; a second cancellation only shortens the grace."""
    if process.returncode is not None:
        return
    cancelled: asyncio.CancelledError | None = None
    _signal(process.pid, signal.SIGTERM)
    # A frozen child takes the SIGTERM only once it may run again.
    _signal(process.pid, signal.SIGCONT)
    try:
        async with asyncio.timeout(grace):
            await process.wait()
    except TimeoutError:
        pass
    except asyncio.CancelledError as error:
        cancelled = error
    _signal(process.pid, signal.SIGKILL)
    await asyncio.shield(process.wait())
    if cancelled is not None:
        raise cancelled


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


async def _prefix(nice: int) -> list[str]:
    """Return the wrappers: children die with us even when we are killed, and give way to others.

    The kernel's parent death signal is set by ``setpriv`` in the child: a
    ``preexec_fn`` may deadlock in a process that has threads.
    """
    wrappers = list(await _death_signal())
    if nice and (program := shutil.which("nice")):
        wrappers += [program, "-n", str(nice)]
    if nice and (program := shutil.which("ionice")):
        wrappers += [program, "-t", "-c", "2", "-n", "7"]  # best effort, the lowest; -t: or not
    return wrappers


_death_signal_prefix: tuple[str, ...] | None = None


async def _death_signal() -> tuple[str, ...]:
    global _death_signal_prefix  # noqa: PLW0603 - it cannot change while we run
    if _death_signal_prefix is None:
        _death_signal_prefix = await _try_setpriv()
    return _death_signal_prefix


async def _try_setpriv() -> tuple[str, ...]:
    program = shutil.which("setpriv")
    if program is None:
        return ()
    prefix = (program, "--pdeathsig", "KILL")
    with contextlib.suppress(OSError):
        process = await asyncio.create_subprocess_exec(
            *prefix,
            "true",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment(),
        )
        if await process.wait() == 0:
            return prefix
    return ()


class Silent(TimeoutError):  # noqa: N818 - it reads as what happened
    """A companion did not answer in time, or is no more."""


class Companion:
    """A child that stays and answers a line with a line, for who may block: a thread.

    It ends when our end of its standard input is closed, whatever ends us.
    Not thread-safe: one thread at a time.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        self._child = subprocess.Popen(  # noqa: S603 - a program of ours, no shell
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
            cwd="/",
            start_new_session=True,  # a Ctrl-C on our terminal is for us to act on
            bufsize=0,
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._child.poll() is None

    def ask(self, request: str, timeout: float) -> str:
        """Return the answer to one line; raises ``Silent`` after *timeout* seconds."""
        stdin, stdout = self._child.stdin, self._child.stdout
        assert stdin is not None
        assert stdout is not None
        deadline = time.monotonic() + timeout
        answer = b""
        try:
            stdin.write(request.encode() + b"\n")
            while not answer.endswith(b"\n"):
                poll = select.poll()
                poll.register(stdout, select.POLLIN)
                if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                    raise Silent(f"no answer in {timeout:g} s")
                piece = os.read(stdout.fileno(), 4096)
                if not piece:
                    raise Silent("it has ended")
                answer += piece
        except BrokenPipeError:
            raise Silent("it has ended") from None
        return answer.decode()

    def end(self) -> None:
        """End it at once; one that hangs in the kernel is left behind."""
        child = self._child
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                stream.close()
        child.kill()
        try:
            child.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            child.returncode = -signal.SIGKILL  # the kernel has it; nothing is left to wait for
