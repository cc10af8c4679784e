"""Steps are for the place where the reader is."""

from __future__ import annotations

import pytest

from watchdog.hints import render
from watchdog.hints.catalogue import entries
from watchdog.hints.entry import LANGUAGES
from watchdog.hints.place import CONDITION, ROWS, here, place_of


@pytest.mark.parametrize(
    ("facts", "place"),
    [
        ({}, set()),
        ({"host": "postgres", "container": "yes"}, {"container", "compose"}),
        ({"host": "postgres", "container": "no"}, {"host"}),
        ({"host": "localhost", "container": "no"}, {"host", "here"}),
        ({"host": "/run/postgresql", "container": "no"}, {"host", "here"}),
        ({"host": "localhost", "container": "yes"}, {"container"}),
        ({"host": "db.example.com", "container": "no"}, {"host", "elsewhere"}),
        ({"host": "10.0.0.5", "port": "6432"}, {"elsewhere", "pooler"}),
        ({"surroundings": "systemd here nonsense"}, {"systemd", "here"}),
        ({"engine": "sqlite", "path": "/b/x.dump"}, {"sqlite"}),
        ({"path": "/b/app/20261123T030000Z-ab12cd.dump"}, {"postgresql"}),
        ({"path": "/b/app/20261123T030000Z-ab12cd.sqlite"}, {"sqlite"}),
        ({"backups": "none"}, {"bare"}),
        ({"engine": "here", "path": "/srv/app.db"}, set()),
    ],
)
def test_the_facts_say_where_we_are(facts: dict[str, str], place: set[str]) -> None:
    assert place_of(facts) == place


def test_a_step_is_left_out_only_where_something_else_is_known() -> None:
    assert here("anywhere", frozenset()) == "anywhere"
    assert here("{@compose}x", frozenset()) == "x"
    assert here("{@compose}x", frozenset({"compose"})) == "x"
    assert here("{@compose}x", frozenset({"systemd"})) is None
    assert here("{@compose}x", frozenset({"here"})) == "x"
    assert here("{@sqlite}{@compose}x", frozenset({"sqlite"})) == "x"
    assert here("{@sqlite}{@compose}x", frozenset({"sqlite", "systemd"})) is None
    assert here("{@sqlite}{@compose}x", frozenset({"postgresql"})) is None
    assert here("{@!pooler}x", frozenset()) is None
    assert here("{@!pooler}x", frozenset({"pooler"})) == "x"


def test_in_compose_the_steps_name_the_service_and_no_unit() -> None:
    facts = {"host": "maindb", "port": "5432", "container": "yes"}
    steps = " ".join(render("connection_refused", facts).steps)
    assert "docker compose up -d maindb" in steps
    assert "systemctl" not in steps


def test_behind_a_pooler_the_pooler_is_named() -> None:
    facts = {"host": "10.0.0.5", "port": "6432", "container": "no"}
    assert any("pgbouncer.ini" in step for step in render("connection_refused", facts).steps)
    assert not any("pgbouncer.ini" in step for step in render("connection_refused", {}).steps)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_to_do_about_another_database_is_of_its_engine(language: str) -> None:
    of_file = render("different_database", {"engine": "sqlite", "target": "app"}, language)
    of_server = render("different_database", {"engine": "postgresql", "target": "app"}, language)
    assert "ls -li" in of_file.steps[0]
    assert not any("pg_control_system" in step or "docker" in step for step in of_file.steps)
    assert "pg_control_system" in of_server.steps[0]
    assert not any("sqlite3" in step for step in of_server.steps)
    assert not (language == "ru" and "system identifier" in of_file.cause)


def test_the_page_to_read_is_of_the_engine() -> None:
    cut = {"path": "/b/app/20261123T030000Z-ab12cd.sqlite", "target": "wal"}
    hint = render("backup_truncated", cut)
    assert hint.documentation.startswith("https://www.sqlite.org/")
    assert "`db-watchdog verify --all`" in hint.steps[1]
    assert "postgresql.org" in render("backup_truncated", {"path": "/b/x.dump"}).documentation


@pytest.mark.parametrize("cause", sorted(entries()))
def test_conditions_are_known_ones_and_never_leak(cause: str) -> None:
    entry = entries()[cause]
    for language in LANGUAGES:
        for step in entry.text(language).steps:
            found = CONDITION.match(step)
            assert found is not None or "{@" not in step
            assert found is None or any(found["place"] in row for row in ROWS)
        for row in ROWS:
            for place in row:
                hint = render(cause, {"surroundings": place}, language)
                assert hint.steps
                assert not any("{@" in step for step in hint.steps)
    conditions = [
        [CONDITION.match(step) is not None for step in entry.text(language).steps]
        for language in LANGUAGES
    ]
    assert conditions[0] == conditions[1]


@pytest.mark.parametrize(
    "cause", ["database_missing", "sqlite_cantopen_missing_dir", "sqlite_corrupt"]
)
def test_nobody_is_told_to_restore_where_there_is_nothing_to_restore(cause: str) -> None:
    def restores(steps: tuple[str, ...]) -> bool:
        return any("db-watchdog restore" in step for step in steps)

    assert restores(render(cause, {}).steps)
    assert not restores(render(cause, {"backups": "none"}).steps)
