"""The catalogue is whole, in both languages, and says nothing that it does not know."""

# ruff: noqa: E501, PT018, SIM905 - lists of words

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.hints import family_of, render
from watchdog.hints.catalogue import entries, families, kinds
from watchdog.hints.entry import LANGUAGES, Entry, Family, Rule, Severity, Text
from watchdog.hints.rendering import PLACEHOLDER
from watchdog.model import Kind

CAUSES = {
    "reach": """
        connection_refused localhost_in_container dns_failure docker_host_not_resolvable
        connect_timeout no_route unix_socket_missing not_a_postgres_server
        server_closed_connection
    """.split(),
    "tls": """
        tls_required tls_not_supported tls_cert_invalid
    """.split(),
    "auth": """
        auth_failed no_password peer_auth_failed scram_unsupported_client passfile_permissions
        role_missing role_login_denied hba_rejected database_missing database_not_accepting
    """.split(),
    "capacity": """
        too_many_connections connection_limit_role_db client_pool_exhausted
    """.split(),
    "state": """
        starting_up shutting_down admin_termination server_crashed in_recovery_read_only
        read_only_transaction recovery_conflict
    """.split(),
    "query": """
        statement_timeout lock_timeout idle_in_transaction_timeout query_cancelled deadlock
    """.split(),
    "storage": """
        disk_full temp_file_limit docker_shm_size out_of_memory lock_table_full corruption
        index_corruption wraparound collation_mismatch
    """.split(),
    "privilege": """
        permission_denied_table permission_denied_file missing_replication_privilege
    """.split(),
    "start": """
        data_dir_version_mismatch data_dir_permissions data_dir_invalid
        stale_or_running_postmaster port_in_use bad_config run_as_root
        postgres_password_not_set initdb_script_failed
    """.split(),
    "pooler": """
        pgbouncer_prepared_statement pgbouncer_auth pgbouncer_no_such_database
        pgbouncer_pool_timeout pgbouncer_startup_parameter pgbouncer_max_clients
    """.split(),
    "schema": """
        missing_extension postgres_no_such_table encoding
    """.split(),
    "replication": """
        replication_slot_missing wal_segment_removed wal_archive_failed
    """.split(),
    "backup": """
        version_mismatch_pg_dump archive_version_unsupported dump_newer_than_server
        missing_role_on_restore restore_not_owner restore_into_nonempty restore_wrong_tool
        backup_zero_bytes backup_truncated backup_not_an_archive backup_no_space
        backup_dir_missing backup_target_exists pg_dump_not_found backup_no_matching_tables
        backup_file_missing
    """.split(),
    "sqlite": """
        sqlite_busy sqlite_locked_shared_cache sqlite_notadb sqlite_corrupt
        sqlite_index_corrupt sqlite_cantopen_missing_dir sqlite_cantopen_permission
        sqlite_readonly sqlite_readonly_directory sqlite_full sqlite_ioerr
        sqlite_wal_on_network_fs sqlite_schema_malformed sqlite_too_old_library
        sqlite_no_such_table sqlite_slow_in_docker
    """.split(),
}
OURS = {
    "sqlite_needs_recovery", "driver_not_async", "config_changed_not_recreated", "sqlite_in_production",
    "destination_missing", "different_database", "driver_missing", "internal_error", "backup_timeout",
    "backup_locked", "rpo_missed", "backup_content_differs", "backup_assertion_false", "drill_no_place", "drill_timeout",
    "rto_missed", "restore_in_use", "blind_role", "backup_damaged", "file_system_hangs", "server_not_answering",
    "sqlite_wal_pinned", "sqlite_replaced_in_use", "backup_yielded", "backup_through_pooler",
    "backup_tool_killed", "backup_value_too_large",
    "long_transaction", "sessions_blocked", "forgotten_prepared_transaction", "replication_slot_abandoned",
    "standby_disconnected", "subscription_stopped", "blind_sequences", "superusers", "public_schema_open",
    "sequence_exhausted", "invalid_index", "unused_indexes", "duplicate_indexes", "foreign_key_without_index",
    "extension_outdated", "sqlite_path_is_folder", "backup_failed", "no_backup_yet",
}  # fmt: skip

FACTS = (
    "host port database user path directory target server program version major owner relation"
    " extension slot parameter index service process pid transaction subscription role"
    " alike alike_host blocker holders deleted_copy command"
    " at next reason limit"
).split()
ENTRIES = sorted(entries())


@pytest.mark.parametrize(
    ("kind", "cause"), [(k, c) for k, causes in CAUSES.items() for c in causes]
)
def test_every_cause_has_an_entry_in_its_family(kind: str, cause: str) -> None:
    assert family_of(cause) is Kind(kind)


def test_the_catalogue_holds_the_causes_and_ours_alone() -> None:
    assert set(ENTRIES) == {cause for causes in CAUSES.values() for cause in causes} | OURS


def test_an_unknown_cause_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        family_of("nonsense")
    with pytest.raises(KeyError):
        render("nonsense", {})


@pytest.mark.parametrize("cause", ENTRIES)
def test_both_languages_are_there_and_are_two_languages(cause: str) -> None:
    entry = entries()[cause]
    for language in LANGUAGES:
        text = entry.text(language)
        assert text.title and text.cause and text.steps
        assert not text.title.endswith(".")
    russian = entry.ru.title + entry.ru.cause
    assert re.search("[а-яё]", russian)
    assert not re.search("[а-яё]", entry.en.title + entry.en.cause + "".join(entry.en.steps))
    assert len(entry.ru.steps) == len(entry.en.steps)
    assert all(
        re.search("[а-яё]", step) or step.startswith("`") or "`" in step for step in entry.ru.steps
    )


@pytest.mark.parametrize("cause", ENTRIES)
def test_the_link_is_official_and_well_formed(cause: str) -> None:
    entry = entries()[cause]
    assert not entry.sqlite or entry.sqlite.startswith("https://www.sqlite.org/")
    link = urlsplit(entry.documentation)
    assert link.scheme == "https"
    assert link.hostname in {
        "www.postgresql.org", "www.sqlite.org", "www.pgbouncer.org", "docs.docker.com", "hub.docker.com",
        "docs.sqlalchemy.org", "magicstack.github.io", "docs.python.org", "www.kernel.org",
    }  # fmt: skip
    assert link.path.startswith("/")
    assert " " not in link.geturl()


@pytest.mark.parametrize("cause", ENTRIES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_are_known_ones_and_the_backticks_pair(cause: str, language: str) -> None:
    text = entries()[cause].text(language)
    for line in (text.title, text.cause, *text.steps):
        names = {found["name"] for found in PLACEHOLDER.finditer(line)}
        assert names <= set(FACTS), line
        assert line.count("`") % 2 == 0, line
        assert "  " not in PLACEHOLDER.sub("x", line), line


@given(
    facts=st.dictionaries(
        st.sampled_from(FACTS), st.text(max_size=30) | st.sampled_from(["", "None"]), max_size=8
    ),
    cause=st.sampled_from(ENTRIES),
    language=st.sampled_from(LANGUAGES),
)
def test_rendering_never_leaks_a_placeholder(
    facts: dict[str, str], cause: str, language: str
) -> None:
    clean = {name: value.replace("{", "(").replace("None", "x") for name, value in facts.items()}
    hint = render(cause, clean, language)
    assert hint.steps
    for line in (hint.title, hint.cause, *hint.steps):
        assert not PLACEHOLDER.search(line)
        assert "None" not in line.replace("= NONE", "").replace("=None", "")
        assert "\n" not in line


@pytest.mark.parametrize("cause", ENTRIES)
def test_without_facts_a_hint_still_reads(cause: str) -> None:
    for language in LANGUAGES:
        hint = render(cause, {}, language)
        for line in (hint.title, hint.cause, *hint.steps):
            assert "  " not in line
            assert not re.search(r" [.,;](?:\s|$)", line), line


def test_facts_are_filled_into_the_steps() -> None:
    hint = render("connection_refused", {"host": "db1", "port": "5433"})
    assert "`pg_isready -h db1 -p 5433`" in hint.steps[0]
    assert "db1:5433" in hint.cause


def test_names_are_quoted_where_they_stand_in_commands() -> None:
    steps = render("database_missing", {"database": "my db; rm -rf /", "host": "h"}).steps
    assert any("'my db; rm -rf /'" in step for step in steps)
    steps = render("role_login_denied", {"user": 'o"brien'}).steps
    assert 'ALTER ROLE "o""brien" LOGIN;' in steps[0]


def test_a_fact_can_break_neither_line_nor_backticks() -> None:
    hint = render("connection_refused", {"host": "a`b\nc\x1b[31m"})
    assert all(
        step.count("`") % 2 == 0 and "\n" not in step and "\x1b" not in step for step in hint.steps
    )


def test_secrets_are_masked_in_facts() -> None:
    hint = render("connection_refused", {"host": "postgresql://u:hunter2hunter2@h/db"})
    assert "hunter2hunter2" not in repr(hint)


def test_a_step_whose_fact_is_unknown_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    text = Text("t", "c", ("needs {host}", "needs nothing"))
    entry = Entry("x", "https://www.postgresql.org/", Severity.INFO, text, text)
    monkeypatch.setattr("watchdog.hints.rendering.entries", lambda: {"x": entry})
    assert render("x", {}).steps == ("needs nothing",)
    assert render("x", {"host": "h"}).steps == ("needs h", "needs nothing")


@pytest.mark.parametrize("cause", ENTRIES)
def test_one_step_at_least_needs_no_fact(cause: str) -> None:
    for language in LANGUAGES:
        assert any(
            all(found["bar"] for found in PLACEHOLDER.finditer(step))
            for step in entries()[cause].text(language).steps
        )


def test_two_entries_of_one_id_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    text = Text("t", "c", ("s",))
    entry = Entry("x", "https://www.postgresql.org/", Severity.INFO, text, text, rules=(Rule("1"),))
    monkeypatch.setattr(
        "watchdog.hints.catalogue.families", lambda: (Family(Kind.REACH, (entry, entry)),)
    )
    with pytest.raises(TypeError, match="two hints"):
        entries.__wrapped__()  # type: ignore[attr-defined]


def test_every_file_of_the_catalogue_is_one_family() -> None:
    found = [family.kind for family in families()]
    assert len(found) == len(set(found))
    assert set(found) == set(Kind)
    assert len(kinds()) == len(entries())
