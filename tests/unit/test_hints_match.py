"""Codes lead to causes; where they leave a choice, the text makes it."""

# ruff: noqa: E501, Q000 - one case a line

from __future__ import annotations

import pytest

from watchdog.hints import Evidence, match
from watchdog.hints.catalogue import entries
from watchdog.hints.codes import SQLITE_NAMES, evidence_of
from watchdog.model import Phase

PG = "postgresql"


@pytest.mark.parametrize(
    ("evidence", "cause"),
    [
        (Evidence(PG, Phase.CONNECT, "ECONNREFUSED"), "connection_refused"),
        (Evidence(PG, Phase.CONNECT, "ECONNREFUSED", facts={"host": "localhost", "container": "yes"}), "localhost_in_container"),
        (Evidence(PG, Phase.CONNECT, "ECONNREFUSED", facts={"host": "localhost", "container": "no"}), "connection_refused"),
        (Evidence(PG, Phase.CONNECT, "ECONNREFUSED", facts={"host": "/run/postgresql"}), "unix_socket_missing"),
        (Evidence(PG, Phase.CONNECT, "ENOENT"), "unix_socket_missing"),
        (Evidence(PG, Phase.CONNECT, "ETIMEDOUT"), "connect_timeout"),
        (Evidence(PG, Phase.CONNECT, exception="TimeoutError"), "connect_timeout"),
        (Evidence(PG, Phase.QUERY, exception="TimeoutError"), "server_not_answering"),
        (Evidence(PG, Phase.CONNECT, "EHOSTUNREACH"), "no_route"),
        (Evidence(PG, Phase.CONNECT, "ENETUNREACH"), "no_route"),
        (Evidence(PG, Phase.QUERY, "ECONNRESET"), "server_closed_connection"),
        (Evidence(PG, Phase.RESOLVE, "EAI_NONAME", facts={"host": "db.example.com"}), "dns_failure"),
        (Evidence(PG, Phase.RESOLVE, "EAI_NONAME", facts={"host": "postgres"}), "docker_host_not_resolvable"),
        (Evidence(PG, Phase.RESOLVE, "EAI_AGAIN", facts={"host": "host.docker.internal"}), "docker_host_not_resolvable"),
        (Evidence(PG, Phase.TLS, exception="SSLCertVerificationError"), "tls_cert_invalid"),
        (Evidence(PG, code="28P01", routine="auth_failed"), "auth_failed"),
        (Evidence(PG, code="28000", routine="auth_failed"), "peer_auth_failed"),
        (Evidence(PG, code="28000", routine="ClientAuthentication"), "hba_rejected"),
        (Evidence(PG, code="28000", routine="ClientAuthentication", text='no pg_hba.conf entry for host "1", user "a", database "b", no encryption'), "tls_required"),
        (Evidence(PG, code="28000", routine="ClientAuthentication", text='в pg_hba.conf нет записи для компьютера "1", пользователя "a", базы "b", без шифрования'), "tls_required"),
        (Evidence(PG, code="28000", routine="InitializeSessionUserId"), "role_missing"),
        (Evidence(PG, code="28000", routine="InitializeSessionUserId", text='role "x" is not permitted to log in'), "role_login_denied"),
        (Evidence(PG, code="28000", routine="InitializeSessionUserId", text='для роли "x" вход запрещён'), "role_login_denied"),
        (Evidence(PG, code="3D000"), "database_missing"),
        (Evidence(PG, code="3D000", text="no such database: app"), "pgbouncer_no_such_database"),
        (Evidence(PG, code="55000", routine="CheckMyDatabase"), "database_not_accepting"),
        (Evidence(PG, code="53300"), "too_many_connections"),
        (Evidence(PG, code="53300", routine="InitProcess"), "too_many_connections"),
        (Evidence(PG, code="53300", routine="InitializeSessionUserId"), "connection_limit_role_db"),
        (Evidence(PG, code="53300", routine="CheckMyDatabase"), "connection_limit_role_db"),
        (Evidence(PG, code="57P03"), "starting_up"),
        (Evidence(PG, code="57P03", text="the database system is shutting down"), "shutting_down"),
        (Evidence(PG, code="57P03", text="система баз данных останавливается"), "shutting_down"),
        (Evidence(PG, code="57P03", text="the database system is in recovery mode"), "server_crashed"),
        (Evidence(PG, code="57P01"), "admin_termination"),
        (Evidence(PG, code="57P02"), "server_crashed"),
        (Evidence(PG, code="25006"), "read_only_transaction"),
        (Evidence(PG, code="25006", routine="PreventCommandDuringRecovery"), "in_recovery_read_only"),
        (Evidence(PG, code="40001", routine="ProcessInterrupts"), "recovery_conflict"),
        (Evidence(PG, code="57014"), "statement_timeout"),
        (Evidence(PG, code="57014", text="canceling statement due to user request"), "query_cancelled"),
        (Evidence(PG, code="55P03"), "lock_timeout"),
        (Evidence(PG, code="25P03"), "idle_in_transaction_timeout"),
        (Evidence(PG, code="40P01"), "deadlock"),
        (Evidence(PG, code="53100"), "disk_full"),
        (Evidence(PG, code="53100", text='could not resize shared memory segment "/PostgreSQL.1" to 8 bytes: No space left on device'), "docker_shm_size"),
        (Evidence(PG, code="53200"), "out_of_memory"),
        (Evidence(PG, code="53200", text="out of shared memory"), "lock_table_full"),
        (Evidence(PG, code="53400"), "temp_file_limit"),
        (Evidence(PG, code="42501"), "permission_denied_table"),
        (Evidence(PG, code="XX001"), "corruption"),
        (Evidence(PG, code="XX002"), "index_corruption"),
        (Evidence(PG, code="54000", routine="GetNewTransactionId"), "wraparound"),
        (Evidence(PG, code="42P01"), "postgres_no_such_table"),
        (Evidence(PG, code="22021"), "encoding"),
        (Evidence(PG, code="26000"), "pgbouncer_prepared_statement"),
        (Evidence(PG, code="42P05"), "pgbouncer_prepared_statement"),
        (Evidence(PG, code="08P01", text="unsupported startup parameter: statement_timeout"), "pgbouncer_startup_parameter"),
        (Evidence(PG, code="08P01", text="no such database: app"), "pgbouncer_no_such_database"),
        (Evidence(PG, code="58P01", text='could not access file "$libdir/postgis-3": No such file or directory'), "missing_extension"),
        (Evidence(PG, code="08006", text="could not connect to server: Connection refused"), "connection_refused"),
        (Evidence(PG, code="08006"), "server_closed_connection"),
        (Evidence(PG, code="42501", text="must be owner of table t"), "restore_not_owner"),
        (Evidence(PG, code="42501", text="must be superuser or replication role to start walsender"), "missing_replication_privilege"),
        (Evidence(PG, code="42P01", text='relation "pg_stat_statements" does not exist'), "missing_extension"),
        (Evidence(PG, code="42704", text='type "vector" does not exist'), "missing_extension"),
        (Evidence("sqlite", code="SQLITE_CORRUPT", text="malformed database schema (t)"), "sqlite_schema_malformed"),
        (Evidence(PG, code="EAI_AGAIN", text='could not translate host name "db" to address: Temporary failure'), "docker_host_not_resolvable"),
        (Evidence(PG, code="XX000", text='cache lookup failed'), None),
        (Evidence(PG, code="22012", text="division by zero"), None),
        (Evidence("sqlite", Phase.READ, "SQLITE_BUSY"), "sqlite_busy"),
        (Evidence("sqlite", Phase.READ, "SQLITE_BUSY_SNAPSHOT"), "sqlite_busy"),
        (Evidence("sqlite", Phase.READ, "SQLITE_LOCKED_SHAREDCACHE"), "sqlite_locked_shared_cache"),
        (Evidence("sqlite", Phase.OPEN, "SQLITE_NOTADB"), "sqlite_notadb"),
        (Evidence("sqlite", Phase.READ, "SQLITE_CORRUPT_VTAB"), "sqlite_corrupt"),
        (Evidence("sqlite", Phase.READ, "SQLITE_CORRUPT_INDEX"), "sqlite_index_corrupt"),
        (Evidence("sqlite", Phase.OPEN, "SQLITE_CANTOPEN"), "sqlite_cantopen_missing_dir"),
        (Evidence("sqlite", Phase.STAT, "ENOENT"), "sqlite_cantopen_missing_dir"),
        (Evidence("sqlite", Phase.STAT, "EACCES"), "sqlite_cantopen_permission"),
        (Evidence("sqlite", Phase.OPEN, "SQLITE_PERM"), "sqlite_cantopen_permission"),
        (Evidence("sqlite", Phase.READ, "SQLITE_READONLY"), "sqlite_readonly"),
        (Evidence("sqlite", Phase.READ, "SQLITE_READONLY_DIRECTORY"), "sqlite_readonly_directory"),
        (Evidence("sqlite", Phase.READ, "SQLITE_READONLY_ROLLBACK"), "sqlite_needs_recovery"),
        (Evidence("sqlite", Phase.READ, "SQLITE_FULL"), "sqlite_full"),
        (Evidence("sqlite", Phase.READ, "SQLITE_IOERR_READ"), "sqlite_ioerr"),
        (Evidence("sqlite", Phase.READ, "SQLITE_IOERR_SHMMAP"), "sqlite_wal_on_network_fs"),
        (Evidence("sqlite", Phase.STAT, exception="TimeoutError"), "file_system_hangs"),
        (Evidence("sqlite", Phase.READ, "SQLITE_ERROR", text="no such table: users"), "sqlite_no_such_table"),
        (Evidence(PG, Phase.DUMP, "ENOSPC"), "backup_no_space"),
        (Evidence("sqlite", Phase.COPY, "ENOSPC"), "backup_no_space"),
        (Evidence(PG, Phase.PUBLISH, "EACCES"), "permission_denied_file"),
        (Evidence(PG, Phase.PUBLISH, "EROFS"), "permission_denied_file"),
        (Evidence(PG, Phase.DUMP, "ENOENT"), "backup_dir_missing"),
        (Evidence(PG, Phase.PREFLIGHT, "ENOENT", facts={"program": "pg_dump"}), "pg_dump_not_found"),
        (Evidence(PG, Phase.PUBLISH, "EEXIST"), "backup_target_exists"),
        (Evidence(PG, Phase.DUMP, exception="TimeoutError"), "backup_timeout"),
        (Evidence(PG, code="EADDRINUSE"), "port_in_use"),
        (Evidence(), None),
    ],
)  # fmt: skip
def test_evidence_leads_to_its_cause(evidence: Evidence, cause: str | None) -> None:
    found = match(evidence)
    assert (found[0].id if found else None) == cause, found


def test_best_first_with_honest_confidence() -> None:
    for text in ('password authentication failed for user "x"', ""):
        found = match(Evidence(PG, code="28P01", text=text))
        assert [one.id for one in found][:2] == ["auth_failed", "role_missing"]
        assert [one.confidence for one in found] == sorted(
            (one.confidence for one in found), reverse=True
        )
        assert all(0 < one.confidence <= 1 for one in found)
    assert found[1].confidence < 0.5


def test_a_translated_text_does_not_mislead_a_code() -> None:
    found = match(Evidence(PG, code="3D000", text='データベース"x"は存在しません'))
    assert found[0].id == "database_missing"
    found = match(Evidence(PG, code="42P01", routine="parserOpenTable", text="database is locked"))
    assert found[0].id == "postgres_no_such_table"


def test_every_cause_of_a_rule_can_be_reached_by_it() -> None:
    """A rule that another one of the same code always outranks would be dead."""
    for entry in entries().values():
        for rule in entry.rules:
            evidence = Evidence(
                engine=rule.engine,
                phase=next(iter(rule.phases), None),
                code=next(iter(rule.codes.split()), ""),
                routine=next(iter(rule.routines.split()), ""),
                exception=next(iter(rule.exceptions.split()), ""),
                facts={
                    name: {"yes": "yes"}.get(value, _example(value)) for name, value in rule.facts
                },
            )
            assert entry.id in {one.id for one in match(evidence)}, (entry.id, rule)


def _example(pattern: str) -> str:
    return {"/.*": "/run/x", ".+": "x"}.get(pattern, "localhost")


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("28p01", "28P01"), ("5", "SQLITE_BUSY"), ("261", "SQLITE_BUSY_RECOVERY"), ("14", "SQLITE_CANTOPEN"),
        ("sqlite_full", "SQLITE_FULL"), ("econnrefused", "ECONNREFUSED"), ("EAI_NONAME", "EAI_NONAME"),
        ("53300", "53300"), ("3338", "SQLITE_IOERR_ACCESS"),
    ],
)  # fmt: skip
def test_codes_are_taken_as_people_write_them(written: str, code: str) -> None:
    evidence = evidence_of(written)
    assert evidence is not None
    assert evidence.code == code


@pytest.mark.parametrize("word", ["", "hello", "users", "connection refused", "99999999", "E"])
def test_other_words_are_no_codes(word: str) -> None:
    assert evidence_of(word) is None


def test_the_numbers_of_sqlite_agree_with_the_library() -> None:
    import sqlite3  # noqa: PLC0415

    for number, name in SQLITE_NAMES.items():
        known = getattr(sqlite3, name, number)
        assert known == number, name
