"""What the driver raises becomes a failure: no error is lost, and codes decide, not texts."""

from __future__ import annotations

import errno
import socket
import ssl

import asyncpg
import pytest

from watchdog.database_url import PostgresqlUrl
from watchdog.engines.postgresql import errors
from watchdog.engines.postgresql.failures import classify, facts_of, timed_out
from watchdog.model import ActionFailed, Failure, Kind, Phase
from watchdog.secret import Secret

URL = PostgresqlUrl((("db.example", 5432),), "watchdog", "shop", Secret("very-S3cret-word"))
FACTS = facts_of(URL, "the-shop")


def from_server(code: str, routine: str = "", text: str = "что-то случилось") -> Exception:
    fields = {"S": "FATAL", "V": "FATAL", "C": code, "M": text, "R": routine}
    error: Exception = asyncpg.PostgresError.new(fields)  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    ("code", "routine", "kind", "hint"),
    [
        ("28P01", "auth_failed", Kind.AUTH, "auth_failed"),
        ("28000", "InitializeSessionUserId", Kind.AUTH, "role_missing"),
        ("28000", "ClientAuthentication", Kind.AUTH, "hba_rejected"),
        ("3D000", "InitPostgres", Kind.AUTH, "database_missing"),
        ("55000", "InitPostgres", Kind.AUTH, "database_not_accepting"),
        ("53300", "InitProcess", Kind.CAPACITY, "too_many_connections"),
        ("53300", "CheckMyDatabase", Kind.CAPACITY, "connection_limit_role_db"),
        ("57P01", "ProcessInterrupts", Kind.STATE, "admin_termination"),
        ("57P03", "ProcessStartupPacket", Kind.STATE, "starting_up"),
    ],
)
def test_codes_and_routines_decide_whatever_the_language(
    code: str, routine: str, kind: Kind, hint: str
) -> None:
    failure = classify(from_server(code, routine), Phase.AUTHENTICATE, FACTS)
    assert (failure.kind, failure.code, failure.hint) == (kind, code, hint)
    assert failure.phase is Phase.AUTHENTICATE


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("08006", Kind.REACH),
        ("42501", Kind.PRIVILEGE),
        ("53100", Kind.STORAGE),
        ("57014", Kind.QUERY),
        ("XX001", Kind.STORAGE),
        ("22012", Kind.QUERY),
        ("ZZ999", Kind.QUERY),
    ],
)
def test_a_code_keeps_its_kind_with_or_without_a_cause(code: str, kind: Kind) -> None:
    failure = classify(from_server(code), Phase.QUERY, FACTS)
    assert (failure.kind, failure.code) == (kind, code)


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ECONNREFUSED, "connection_refused"),
        (errno.EHOSTUNREACH, "no_route"),
        (errno.ECONNRESET, "server_closed_connection"),
        (errno.ETIMEDOUT, "connect_timeout"),
    ],
)
def test_errnos_are_told_by_name(number: int, hint: str) -> None:
    failure = classify(OSError(number, "?"), Phase.CONNECT, FACTS)
    assert failure.kind is Kind.REACH
    assert (failure.code, failure.hint) == (errno.errorcode[number], hint)


def test_several_errors_in_one_are_looked_into() -> None:
    error = OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 5432, 0, 0)")
    assert classify(error, Phase.CONNECT, FACTS).code == "ECONNREFUSED"


def test_a_name_that_does_not_resolve() -> None:
    failure = classify(socket.gaierror(socket.EAI_NONAME, "?"), Phase.RESOLVE, FACTS)
    assert (failure.kind, failure.phase, failure.code) == (Kind.REACH, Phase.RESOLVE, "EAI_NONAME")
    assert failure.hint == "dns_failure"


def test_a_certificate_that_does_not_verify() -> None:
    failure = classify(ssl.SSLCertVerificationError("bad"), Phase.TLS, FACTS)
    assert (failure.kind, failure.hint) == (Kind.TLS, "tls_cert_invalid")


@pytest.mark.parametrize(
    ("error", "kind", "hint"),
    [
        (errors.NotPostgresqlError("x"), Kind.REACH, "not_a_postgres_server"),
        (errors.TlsRefusedError("x"), Kind.TLS, "tls_not_supported"),
        (errors.TlsSetupError("x"), Kind.TLS, "tls_cert_invalid"),
        (errors.NoPasswordError("x"), Kind.AUTH, "no_password"),
        (errors.RoleClosedError("x"), Kind.AUTH, "role_login_denied"),
        (asyncpg.ConnectionDoesNotExistError("x"), Kind.REACH, "server_closed_connection"),
        (asyncpg.InterfaceError("connection is closed"), Kind.REACH, "server_closed_connection"),
        (ConnectionResetError("unexpected"), Kind.REACH, "server_closed_connection"),
    ],
)
def test_what_no_server_says(error: Exception, kind: Kind, hint: str) -> None:
    failure = classify(error, Phase.AUTHENTICATE, FACTS)
    assert (failure.kind, failure.hint) == (kind, hint)


def test_only_a_defect_of_ours_is_internal() -> None:
    failure = classify(KeyError("oops"), Phase.QUERY, FACTS)
    assert (failure.kind, failure.hint) == (Kind.INTERNAL, "")
    assert "KeyError" in failure.message


def test_what_was_classified_stays_as_it_is() -> None:
    known = Failure(Kind.STORAGE, "full")
    assert classify(ActionFailed(known), Phase.QUERY, FACTS) is known


@pytest.mark.parametrize(
    ("phase", "hint"),
    [
        (Phase.RESOLVE, "dns_failure"),
        (Phase.CONNECT, "connect_timeout"),
        (Phase.TLS, "connect_timeout"),
        (Phase.AUTHENTICATE, "connect_timeout"),
        (Phase.QUERY, "server_not_answering"),
    ],
)
def test_a_deadline_says_where_it_struck(phase: Phase, hint: str) -> None:
    failure = timed_out(phase, 2.5, FACTS)
    assert (failure.kind, failure.phase, failure.hint) == (Kind.TIMEOUT, phase, hint)
    assert "2.5 s" in failure.message
    assert "db.example:5432" in failure.message


def test_a_passing_timeout_error_is_a_timeout_and_the_kernels_is_not() -> None:
    assert classify(TimeoutError(), Phase.QUERY, FACTS).kind is Kind.TIMEOUT
    assert classify(TimeoutError(), Phase.TLS, FACTS).hint == "connect_timeout"
    kernel = TimeoutError(errno.ETIMEDOUT, "Connection timed out")
    assert classify(kernel, Phase.CONNECT, FACTS).kind is Kind.REACH


def test_no_secret_gets_out() -> None:
    error = from_server("XX000", text='invalid "very-S3cret-word" in very-S3cret-word')
    failure = classify(error, Phase.QUERY, FACTS)
    assert "very-S3cret-word" not in failure.message
    assert "very-S3cret-word" not in repr(failure)
    assert "very-S3cret-word" not in str(FACTS)
