"""What the bytes and the locks of a WAL index say."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from watchdog.engines.sqlite import wal_index
from watchdog.engines.sqlite.keeper import Holder, Locks

FREE = (None,) * 9
FRAME = st.integers(0, 2**31)


def locks(
    frames: int,
    backfilled: int,
    marks: tuple[int, ...] = (0,) * 5,
    slots: tuple[Holder | None, ...] = FREE,
    ready: int = 1,
) -> Locks:
    copy = struct.pack("=IIIBBHII24s", 3007000, 0, 42, ready, 0, 4096, frames, 9, b"s" * 24)
    index = copy * 2 + struct.pack("=I5I", backfilled, *marks) + bytes(16)
    return Locks(bytes(100), index, None, slots)


def reading(number: int, pid: int = 7, *, exclusive: bool = False) -> tuple[Holder | None, ...]:
    slots: list[Holder | None] = list(FREE)
    slots[3 + number] = Holder(pid, exclusive)
    return tuple(slots)


@given(FRAME, FRAME)
def test_the_backlog_is_what_is_not_in_the_database(frames: int, backfilled: int) -> None:
    found = wal_index.parse(locks(frames, backfilled))
    assert found is not None
    assert found.backlog == max(0, frames - backfilled)
    assert (found.changes, found.pinned, found.pin) == (42, 0, None)


@given(FRAME, st.tuples(*[FRAME] * 5), st.integers(0, 4))
def test_the_oldest_reader_pins_and_never_more_than_there_is(
    frames: int, marks: tuple[int, ...], number: int
) -> None:
    found = wal_index.parse(locks(frames, 0, marks, reading(number)))
    assert found is not None
    assert found.pin is not None
    assert found.pin.pid == 7
    assert 0 <= found.pinned <= frames
    if number:
        assert found.pinned == max(0, frames - marks[number])


def test_a_mark_that_nobody_took_and_a_moment_s_exclusive_lock_pin_nothing() -> None:
    unused = wal_index.parse(locks(10, 0, (0, 0xFFFFFFFF, 0, 0, 0), reading(1)))
    moment = wal_index.parse(locks(10, 0, (0, 5, 0, 0, 0), reading(1, exclusive=True)))
    assert unused is not None
    assert moment is not None
    assert (unused.pin, moment.pin) == (None, None)


@given(st.binary(max_size=140))
def test_any_bytes_are_an_index_or_none(data: bytes) -> None:
    wal_index.parse(Locks(b"", data, None, FREE))


def test_half_written_and_unready_indexes_are_none() -> None:
    whole = locks(10, 0)
    torn = bytearray(whole.index)
    torn[16] ^= 1
    assert wal_index.parse(Locks(b"", bytes(torn), None, FREE)) is None
    assert wal_index.parse(locks(10, 0, ready=0)) is None


def test_a_reader_of_another_namespace_pins_without_a_name() -> None:
    found = wal_index.parse(locks(10, 0, (0, 3, 0, 0, 0), reading(1, pid=-1)))
    assert found is not None
    assert found.pin == wal_index.Pin(0, 3)


def test_an_old_or_empty_header_names_no_library() -> None:
    assert wal_index.library(bytes(100)) == ""
    assert wal_index.library(b"") == ""
    assert wal_index.library(bytes(96) + (3040001).to_bytes(4, "big")) == "3.40.1"
