"""The record of an incident and the files that keep it: bounded, private, masked, harmless."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.clock import FakeClock
from tests.support.sqlite import target_of
from watchdog.incidents import Book, Event, Record, is_id, summary
from watchdog.incidents.book import KEPT, new_id
from watchdog.incidents.keeping import Keeping
from watchdog.incidents.record import LARGEST, record_of
from watchdog.model import Failure, Finding, Kind, Phase
from watchdog.secret import Secret

NOW = datetime(2026, 11, 23, 8, 15, tzinfo=UTC)
FAILURE = Failure(
    Kind.SQLITE,
    "database is locked",
    Phase.READ,
    "SQLITE_BUSY",
    "sqlite_busy",
    {"path": "/srv/app.db", "blocker": "python (pid 7)"},
    (Finding("users", "python (pid 7) has it", "файл занят python (pid 7)"),),
)


def record(at: datetime = NOW, *targets: str) -> Record:
    return Record(
        id=new_id(at),
        targets=targets or ("app",),
        engine="sqlite",
        event=Event.DOWN,
        url="sqlite:////srv/app.db",
        server="db1:5432" if len(targets) > 1 else None,
        began_at=at,
        failure=FAILURE,
    )


def put(book: Book, made: Record) -> None:
    book.write(made.place, made.id, made.document())


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    book, made = Book(tmp_path), record()
    made.known["rounds"] = [{"at": "x", "failure": None}]
    made.add_reason(NOW, Failure(Kind.TIMEOUT, "late"))
    made.ended_at = NOW + timedelta(seconds=90)
    put(book, made)
    document = book.document(made.id)
    assert document is not None
    again = record_of(document)
    assert again == made
    assert document["duration_seconds"] == 90
    assert document["rounds"] == made.known["rounds"]


def test_a_reason_is_noted_once_and_bounded() -> None:
    made = record()
    assert not made.add_reason(NOW, FAILURE)
    assert made.add_reason(NOW, Failure(Kind.TIMEOUT, "late"))
    assert not made.add_reason(NOW, Failure(Kind.TIMEOUT, "late, in other words"))
    for number in range(100):
        made.add_reason(NOW, Failure(Kind.QUERY, "q", code=f"{number:05}"))
    assert len(made.reasons) == 20


def test_a_summary_speaks_the_language(tmp_path: Path) -> None:
    book, made = Book(tmp_path), record()
    put(book, made)
    document = book.document(made.id)
    assert document is not None
    english, russian = summary(document), summary(document, "ru")
    assert english["hint"]["findings"] == ["python (pid 7) has it"]
    assert russian["hint"]["findings"] == ["файл занят python (pid 7)"]
    assert "python (pid 7)" in english["hint"]["steps"][0]
    assert english["failure"] == {
        "kind": "sqlite",
        "phase": "read",
        "code": "SQLITE_BUSY",
        "message": "database is locked",
    }


def test_files_and_folders_are_ours_alone(tmp_path: Path) -> None:
    made = record()
    put(Book(tmp_path / "state"), made)
    file = tmp_path / "state" / "incidents" / "app" / f"{made.id}.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert list(file.parent.iterdir()) == [file], "nothing half-written stays"


def test_a_secret_is_not_kept(tmp_path: Path) -> None:
    Secret("hunter2hunter2")
    made = record()
    made.known["evidence"] = {"sessions": [{"statement": "select hunter2hunter2"}]}
    put(Book(tmp_path), made)
    text = next(tmp_path.rglob("*.json")).read_text()
    assert "hunter2" not in text
    assert "***" in text


def test_a_record_is_bounded(tmp_path: Path) -> None:
    made = record()
    made.known |= {"evidence": ["x" * 1000] * 200, "rounds": ["y"], "server_rounds": ["z" * 50_000]}
    document = made.document()
    assert len(json.dumps(document)) <= LARGEST
    assert document["shortened"] is True
    assert document["failure"]["message"] == "database is locked"


def test_the_last_fifty_of_a_target_are_kept(tmp_path: Path) -> None:
    book = Book(tmp_path)
    for number in range(KEPT + 5):
        put(book, record(NOW + timedelta(minutes=number)))
    put(book, record(NOW, "other"))
    kept = book.documents("app")
    assert len(kept) == KEPT
    assert kept[0]["began_at"] > kept[-1]["began_at"] > "2026-11-23T08:19"
    assert len(book.documents("other")) == 1


def test_an_incident_of_a_server_is_found_by_each_of_its_targets(tmp_path: Path) -> None:
    book = Book(tmp_path)
    shared = record(NOW, "shop", "auth")
    put(book, shared)
    put(book, record(NOW + timedelta(minutes=1), "shop"))
    assert shared.place == "@db1_5432"
    assert [len(book.documents(name)) for name in ("shop", "auth", "app")] == [2, 1, 0]
    assert len(book.documents()) == 2
    assert {each.id for each in book.newest()} >= {shared.id}


@pytest.mark.parametrize("rubbish", [b"", b"{", b"[]", b"{}", b'{"id": 1}', b"\xff\xfe"])
def test_a_file_that_is_rubbish_is_left_out(tmp_path: Path, rubbish: bytes) -> None:
    book, made = Book(tmp_path), record()
    put(book, made)
    (tmp_path / "incidents" / "app" / f"{new_id(NOW)}.json").write_bytes(rubbish)
    assert [each["id"] for each in book.documents()] == [made.id]
    assert [each.id for each in book.newest()] == [made.id]


def test_only_ids_are_looked_up(tmp_path: Path) -> None:
    put(Book(tmp_path), record())
    (tmp_path / "secret.json").write_text("{}")
    for word in ("../secret", "../../secret", "", "*", "app"):
        assert not is_id(word)
        assert Book(tmp_path).document(word) is None
    assert Book(tmp_path).documents("../incidents") == []


async def test_a_state_folder_that_cannot_be_written_hurts_nobody(tmp_path: Path) -> None:
    place = tmp_path / "state"
    place.write_text("a file is in the way")
    keeping = Keeping(Book(place), FakeClock())
    opened = keeping.open(Event.DOWN, [target_of("/srv/app.db")], None, FAILURE, {})
    await keeping.flush()
    assert [entry.id for entry in keeping.listed()["app"]] == [opened.id]
    assert await keeping.open_records() == []
    assert await keeping.documents() == []


async def test_what_was_open_is_gone_on_with_by_the_next_process(tmp_path: Path) -> None:
    first = Keeping(Book(tmp_path), FakeClock())
    opened = first.open(Event.DOWN, [target_of("/srv/app.db")], None, FAILURE, {"disk": {}})
    closed = first.open(Event.BACKUP, [target_of("/srv/app.db")], None, FAILURE, {})
    closed.ended_at = NOW
    first.keep(closed)
    await first.flush()
    second = Keeping(Book(tmp_path), FakeClock())
    assert [each.id for each in await second.open_records()] == [opened.id]
    assert {entry.id for entry in second.listed()["app"]} == {opened.id, closed.id}
