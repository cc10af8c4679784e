"""The parts of a restore that need no server: names, lists, complaints, contents, scripts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.cli._restoring import line
from watchdog.engines.postgresql import archive, archived, contents, swap
from watchdog.engines.postgresql.administration import literal, quoted
from watchdog.engines.postgresql.archive import Wanted
from watchdog.engines.postgresql.properties import elements
from watchdog.process import Completed

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


# ------------------------------------------------------------------ names


@given(st.text(min_size=1, max_size=63).filter(lambda name: len(name.encode()) <= 63))
def test_names_fit_and_differ_from_the_database_s_own(name: str) -> None:
    for made in (swap.unfinished_name(name), swap.aside_name(name, NOW)):
        assert len(made.encode()) <= 63
        assert made != name


def test_long_names_that_begin_alike_are_told_apart() -> None:
    one, other = "б" * 30 + "1", "б" * 30 + "2"
    assert swap.unfinished_name(one) != swap.unfinished_name(other)
    assert swap.aside_name("app", NOW) == "app_before_20261123T030000Z"


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("", []),
        ("public", ["public"]),
        ('"$user", public', ["$user", "public"]),
        ('a, "b,c", "d ""e"""', ["a", "b,c", 'd "e"']),
        ('""', [""]),
    ],
)
def test_a_list_setting_is_taken_apart(value: str, names: list[str]) -> None:
    assert elements(value) == names


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
def test_quoted_names_come_back_whole(names: list[str]) -> None:
    assert elements(", ".join(map(quoted, names))) == names


def test_literals_survive_any_setting_of_the_server() -> None:
    assert literal("it's") == "'it''s'"
    assert literal("a\\b'c") == "E'a\\\\b''c'"


# ------------------------------------------------------------------ complaints


def ended(stderr: str, status: int = 1) -> Completed:
    return Completed("pg_restore", status, stderr, 1.0, raw_stderr=stderr)


TIMEOUT = """\
pg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter "x"
Command was: SET transaction_timeout = 0;
"""
OWNER = """\
pg_restore: while PROCESSING TOC:
pg_restore: from TOC entry 215; 1259 16390 TABLE account owner
pg_restore: error: could not execute query: ОШИБКА:  роль "owner" не существует
Command was: ALTER TABLE public.account OWNER TO owner;
"""
EXTENSION = """\
pg_restore: error: could not execute query: ERROR:  must be owner of extension plpgsql
Command was: COMMENT ON EXTENSION plpgsql IS 'PL/pgSQL';
"""
LOST = """\
pg_restore: error: could not execute query: ERROR:  relation "a" does not exist
Command was: ALTER TABLE ONLY public.a ADD CONSTRAINT a_pkey PRIMARY KEY (id);
"""
SHORT = "pg_restore: error: could not read from input file: end of file\n"


def ignored(count: int) -> str:
    return f"pg_restore: warning: errors ignored on restore: {count}\n"


def test_silence_is_success() -> None:
    assert archive.judge(ended("", 0), Wanted()).ok


def test_owners_are_in_the_way_whatever_the_server_s_language_is() -> None:
    verdict = archive.judge(ended(OWNER), Wanted())
    assert (verdict.ok, verdict.roles, verdict.patience) == (False, True, False)
    assert not archive.judge(ended(OWNER), Wanted(owners=False)).roles


def test_what_is_harmless_asks_for_patience_and_is_forgiven_then() -> None:
    assert archive.judge(ended(TIMEOUT), Wanted()).patience
    patient = Wanted(patient=True)
    assert archive.judge(ended(TIMEOUT + ignored(1)), patient).ok
    verdict = archive.judge(ended(TIMEOUT + EXTENSION + ignored(2)), patient)
    assert verdict.ok
    assert "COMMENT ON EXTENSION plpgsql" in verdict.notes[0]


@pytest.mark.parametrize(
    "said",
    [
        LOST + ignored(1),
        TIMEOUT + LOST + ignored(2),
        SHORT,
        TIMEOUT + ignored(9),
        TIMEOUT,
        "killed",
    ],
    ids=["lost", "one of two", "cut", "not all were seen", "no count", "no word of pg_restore"],
)
def test_what_is_fatal_is_never_forgiven(said: str) -> None:
    verdict = archive.judge(ended(said), Wanted(patient=True))
    assert (verdict.ok, verdict.patience) == (False, False)


def test_a_patient_restore_is_never_in_one_transaction() -> None:
    assert "--single-transaction" in Wanted().options
    for wanted in (Wanted(patient=True), Wanted(jobs=2)):
        assert "--single-transaction" not in wanted.options
    assert "--exit-on-error" not in Wanted(patient=True).options


# ------------------------------------------------------------------ contents


LISTING = """\
;     dbname: x
7; 2615 16411 SCHEMA - shop postgres
890; 1247 16413 TYPE shop mood postgres
;\tdepends on: 7
261; 1255 16547 FUNCTION public trg() postgres
222; 1259 16513 TABLE public orders postgres
220; 1259 16500 TABLE shop users postgres
;\tdepends on: 7 890
225; 1259 16536 VIEW public bought postgres
;\tdepends on: 222 220
223; 1259 16524 TABLE public part postgres
224; 1259 16527 TABLE public part_1 postgres
;\tdepends on: 223
2485; 0 0 TABLE ATTACH public part_1 postgres
;\tdepends on: 224 223
2664; 0 16513 TABLE DATA public orders postgres
;\tdepends on: 222
2662; 0 16500 TABLE DATA shop users postgres
;\tdepends on: 220
2665; 0 16527 TABLE DATA public part_1 postgres
;\tdepends on: 224
2494; 2606 16508 CONSTRAINT shop users users_pkey postgres
;\tdepends on: 220
2506; 2606 16519 FK CONSTRAINT public orders orders_u_fkey postgres
;\tdepends on: 2494 222 220
2507; 2620 16548 TRIGGER public orders t postgres
;\tdepends on: 222 261
"""


def selected(*chosen: int) -> tuple[set[int], tuple[str, ...]]:
    found = contents.select(contents.parse(LISTING), set(chosen))
    return {int(each.split(";")[0]) for each in found.text.splitlines()}, found.notes


def test_a_table_brings_what_it_needs_and_what_hangs_on_it() -> None:
    assert selected(220) == ({7, 890, 220, 2662, 2494}, ())
    numbers, notes = selected(222)
    assert numbers == {222, 2664, 261, 2507}
    assert "orders_u_fkey" in notes[0]
    assert selected(222, 220)[0] >= {2506, 2494, 222, 220}


def test_partitions_come_with_their_table_and_a_partition_with_the_definition_of_it() -> None:
    assert selected(223)[0] == {223, 224, 2485, 2665}
    assert selected(224)[0] == {223, 224, 2485, 2665}


def test_the_order_of_the_archive_is_kept() -> None:
    text = contents.select(contents.parse(LISTING), {222, 220}).text.splitlines()
    assert text == [each for each in LISTING.splitlines() if each in text]


# ------------------------------------------------------------------ what an archive says


SCRIPT = r"""
-- Name: o'dd "x;y; Type: DATABASE
\restrict abc'def
CREATE DATABASE "o'dd ""x;y" WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE = 'C';
ALTER DATABASE "o'dd ""x;y" OWNER TO owner;
\connect -reuse-previous=on "dbname='o\'dd ""x;y'"
SET client_encoding = 'UTF8';
ALTER DATABASE "o'dd ""x;y" SET "app.x" TO E'it''s; \\ y
z';
ALTER ROLE plain IN DATABASE "o'dd ""x;y" SET work_mem TO '5MB';
ALTER DATABASE "o'dd ""x;y" IS_TEMPLATE = true;
COMMENT ON DATABASE "o'dd ""x;y" IS '-- no; comment';
"""


def test_the_script_of_an_archive_is_repeated_under_another_name() -> None:
    found = archived.parse(SCRIPT)
    assert found.creation('n"') == (
        "create database \"n\"\"\" template template0 ENCODING = 'UTF8' LOCALE = 'C'"
    )
    assert list(found.dressing("new", owners=True)) == [
        "ALTER DATABASE \"new\" SET \"app.x\" TO E'it''s; \\\\ y\nz'",
        "ALTER ROLE plain IN DATABASE \"new\" SET work_mem TO '5MB'",
        "COMMENT ON DATABASE \"new\" IS '-- no; comment'",
        'ALTER DATABASE "new" OWNER TO owner',
    ]
    assert [each[:9] for each in found.dressing("new", owners=False)] == ["ALTER DAT", "COMMENT O"]


def test_an_archive_that_says_nothing_gives_a_plain_database() -> None:
    assert archived.parse("").creation("n") == 'create database "n" template template0'


# ------------------------------------------------------------------ how far it is


def test_a_line_tells_rate_and_time_left() -> None:
    assert line(10 << 20, 40 << 20, 10.0) == "10.0 MiB of 40.0 MiB taken in, 1.0 MiB/s, 30 s left"
    assert line(0, 40 << 20, 10.0) == "0 B of 40.0 MiB taken in, 0 B/s"
    assert line(40, 40, 75.0) == "building indexes and constraints, 1 m 15 s so far"
