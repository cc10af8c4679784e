"""Database URLs: every form, what each key means, and the password out of sight."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support.secrets import forget_secrets  # noqa: F401 - works by being here
from watchdog.database_url import (
    PARAMETERS,
    DatabaseUrlError,
    PostgresqlUrl,
    SqliteUrl,
    engine_of,
    masked,
    parse,
)
from watchdog.secret import Secret, mask

BASE = Path("/base")


def postgresql(text: str, **environ: str) -> PostgresqlUrl:
    url = parse(text, environ=environ, base_dir=BASE)
    assert isinstance(url, PostgresqlUrl)
    return url


def sqlite(text: str) -> SqliteUrl:
    url = parse(text, environ={}, base_dir=BASE)
    assert isinstance(url, SqliteUrl)
    return url


def refusal(text: str, **environ: str) -> str:
    with pytest.raises(DatabaseUrlError) as caught:
        parse(text, environ=environ, base_dir=BASE)
    return str(caught.value)


def read(text: str) -> tuple[SqliteUrl | PostgresqlUrl | None, str]:
    """Return the URL, or what the refusal says."""
    try:
        return parse(text, environ={}, base_dir=BASE), ""
    except DatabaseUrlError as error:
        return None, str(error)


def password_of(url: PostgresqlUrl) -> str | None:
    return url.password.reveal() if url.password else None


def test_all_that_is_wrong_with_the_query_is_named_at_once() -> None:
    told = refusal("postgresql://u@h:5432/d?sslmode=always&replication=true&foo=bar&port=1&user=v")
    for word in ("sslmode=always", "replication is not possible", "'foo'", "port is", "user is"):
        assert word in told


# ------------------------------------------------------------------ SQLite


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("sqlite:///data/agent_runtime.db", "/base/data/agent_runtime.db"),
        ("sqlite:////var/lib/app.db", "/var/lib/app.db"),
        ("sqlite+aiosqlite:///data/auth.db", "/base/data/auth.db"),
        ("sqlite+pysqlite:////auth.db", "/auth.db"),
        ("SQLite:///x.db", "/base/x.db"),
        ("  sqlite:///x.db\n", "/base/x.db"),
        ("sqlite:///./x.db", "/base/x.db"),
        ("sqlite:///../x.db", "/x.db"),
        ("sqlite:///my%20file%3F.db", "/base/my file?.db"),
        ("sqlite:///100%.db", "/base/100%.db"),
        ("sqlite:///данные.db", "/base/данные.db"),
        ("sqlite:///a#b.db", "/base/a#b.db"),
        ("sqlite:///file:data/x.db?mode=ro&uri=true", "/base/data/x.db"),
        ("sqlite:///file:/data/x.db?cache=shared", "/data/x.db"),
        ("sqlite:///file:///data/x.db", "/data/x.db"),
    ],
)
def test_a_sqlite_url_names_its_file(text: str, path: str) -> None:
    assert sqlite(text).path == path


def test_query_keys_of_the_application_are_named_and_not_used() -> None:
    assert sqlite("sqlite:///x.db?timeout=5&check_same_thread=false").ignored == (
        "check_same_thread",
        "timeout",
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sqlite://", "memory"),
        ("sqlite:///", "memory"),
        ("sqlite:///:memory:", "memory"),
        (":memory:", "memory"),
        ("sqlite:///file::memory:?cache=shared", "memory"),
        ("sqlite:///x?mode=memory", "memory"),
        ("sqlite://x.db", "three slashes"),
        ("sqlite:x.db", "write the file as sqlite:///"),
        ("/data/x.db", "write the file as sqlite:///"),
        ("file:/data/x.db?mode=ro", "write sqlite:////absolute.db"),
        ("sqlite:///data/", "names a folder"),
        ("sqlite:///~/x.db", "write the whole path"),
        ("sqlite:///x%00.db", "NUL"),
        ("sqlite:///x%FF.db", "not UTF-8"),
        ("sqlite:///x.db?moed=ro", "did you mean mode?"),
        ("sqlite:///x.db?vfs=unix-none", "vfs= is not possible"),
        ("sqlite:///x.db?key=hush", "encrypted"),
        ("sqlite+pysqlcipher://:hush@/x.db", "only plain SQLite files"),
        ("jdbc:sqlite:/x.db", "JDBC"),
    ],
)
def test_a_sqlite_url_that_cannot_be_used_says_what_to_write(text: str, says: str) -> None:
    said = refusal(text)
    assert says in said
    assert "hush" not in said


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_any_file_name_survives_the_url(name: str) -> None:
    path = "/x/" + name.replace("/", "-")
    assume(path == os.path.normpath(path))
    url = sqlite(f"sqlite:///{quote(path)}")
    assert url.path == path
    assert sqlite(url.masked) == url


# ------------------------------------------------------------------ PostgreSQL


@pytest.mark.parametrize(
    "scheme",
    [
        "postgresql",
        "postgres",
        "postgresql+asyncpg",
        "postgresql+psycopg2",
        "postgresql+psycopg",
        "postgresql+pg8000",
        "postgresql+psycopg2cffi",
        "POSTGRESQL",
    ],
)
def test_any_driver_suffix_means_postgresql(scheme: str) -> None:
    url = postgresql(f"{scheme}://codelab:codelab_password@postgres:5432/agent_runtime")
    assert url.hosts == (("postgres", 5432),)
    assert (url.user, password_of(url), url.database) == (
        "codelab",
        "codelab_password",
        "agent_runtime",
    )
    assert url.masked == str(url) == "postgresql://codelab:***@postgres:5432/agent_runtime"
    assert url.server_name == "postgres:5432"
    assert engine_of(f"{scheme}://x") == "postgresql"


@pytest.mark.parametrize(
    ("text", "hosts", "server"),
    [
        ("postgresql://u@h/d", (("h", 5432),), "h:5432"),
        ("postgresql://u@h:6432/d", (("h", 6432),), "h:6432"),
        ("postgresql://u@h1:1,h2:2/d", (("h1", 1), ("h2", 2)), "h1:1,h2:2"),
        ("postgresql://u@h1,h2:2/d", (("h1", 5432), ("h2", 2)), "h1:5432,h2:2"),
        ("postgresql://u@h1,h2/d?port=7", (("h1", 7), ("h2", 7)), "h1:7,h2:7"),
        ("postgresql://u@/d?host=h1,h2&port=7,8", (("h1", 7), ("h2", 8)), "h1:7,h2:8"),
        ("postgresql://u@/d?host=h1:7&host=h2:8", (("h1", 7), ("h2", 8)), "h1:7,h2:8"),
        ("postgresql://u@[::1]/d", (("::1", 5432),), "[::1]:5432"),
        ("postgresql://u@[fe80::1%25eth0]:7/d", (("fe80::1%eth0", 7),), "[fe80::1%eth0]:7"),
        ("postgresql://u@/d?host=::1", (("::1", 5432),), "[::1]:5432"),
        ("postgresql://u@/d?host=[::1]:7", (("::1", 7),), "[::1]:7"),
        (
            "postgresql://u@/d?host=/run/postgresql",
            (("/run/postgresql", 5432),),
            "/run/postgresql:5432",
        ),
        ("postgresql:///d?host=/tmp/&port=7&user=u", (("/tmp", 7),), "/tmp:7"),
        ("postgresql://u@%2Frun%2Fpostgresql/d", (("/run/postgresql", 5432),), None),
        ("postgresql://u@%2Ftmp:7/d", (("/tmp", 7),), "/tmp:7"),
        ("postgresql://u@/d?host=/tmp/.s.PGSQL.7", (("/tmp", 7),), "/tmp:7"),
        ("postgresql+pg8000://u@/d?unix_sock=/tmp/.s.PGSQL.7", (("/tmp", 7),), "/tmp:7"),
        ("postgresql://u@/d?host=/cloudsql/p:r:i", (("/cloudsql/p:r:i", 5432),), None),
        ("postgresql://u@/d?hostaddr=10.0.0.1", (("10.0.0.1", 5432),), "10.0.0.1:5432"),
        ("postgresql://u@my_host.svc-1/d", (("my_host.svc-1", 5432),), None),
        ("postgresql://u@сервер/d", (("сервер", 5432),), None),
    ],
)
def test_hosts_are_found_in_every_form(
    text: str, hosts: tuple[tuple[str, int], ...], server: str | None
) -> None:
    url = postgresql(text)
    assert url.hosts == hosts
    assert server in (None, url.server_name)
    assert postgresql(url.masked).hosts == hosts


@pytest.mark.parametrize(
    ("text", "password"),
    [
        ("postgresql://u:p%40ss@h/d", "p@ss"),
        ("postgresql://u:p@ss@h/d", "p@ss"),
        ("postgresql://u:p:ss@h/d", "p:ss"),
        ("postgresql://u:p/ss@h/d", "p/ss"),
        ("postgresql://u:123/4@h/d", "123/4"),
        ("postgresql://u:p?ss@h/d", "p?ss"),
        ("postgresql://u:p#ss@h/d", "p#ss"),
        ("postgresql://u:p&ss=1@h/d", "p&ss=1"),
        ("postgresql://u:100%@h/d", "100%"),
        ("postgresql://u:a+b@h/d", "a+b"),
        ("postgresql://u:a b@h/d", "a b"),
        ("postgresql://u:пароль@h/d", "пароль"),
        ("postgresql://u:a@b/c@h/d", "a@b/c"),
        ("postgresql://u@h/d?password=p%26s", "p&s"),
        ("postgresql://u:@h/d", None),
        ("postgresql://u@h/d", None),
    ],
)
def test_a_password_may_hold_what_can_still_be_told_apart(text: str, password: str | None) -> None:
    url = postgresql(text)
    assert (url.user, password_of(url), url.database) == ("u", password, "d")
    assert url.hosts == (("h", 5432),)


def test_a_user_may_be_an_address() -> None:
    url = postgresql("postgresql://me@azure:pw@azure.example.com/d?sslmode=require")
    assert (url.user, password_of(url), url.hosts[0][0]) == ("me@azure", "pw", "azure.example.com")


def test_a_query_may_hold_an_at_sign() -> None:
    url = postgresql("postgresql://u:p@h/d?application_name=me@here")
    assert (password_of(url), url.parameters["application_name"]) == ("p", "me@here")


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://u:a@hush/c@h",
        "postgresql://u:123/hush@h",
        "postgresql://u:p@h/my@hush",
        "postgresql://u:hush@h:port/d",
        "postgresql://u:hush",
        "postgresql://u:hush@h/d/e",
        "postgresql://u:hush@h h/d",
        "postgresql://u:hush@h:99999/d",
        "postgresql://u:hush@h:0/d",
        "postgresql://u:hush@h1,,h2/d",
        "postgresql://u:hush@h/d?sslmode",
        "postgresql://u:hush%00@h/d",
        "postgresql://u:hush%FF@h/d",
        "postgresql://u:hush@h/d?password=other",
        "postgresql://u:hush@h/d?host=other",
        "postgresql://u:hush@h:1/d?port=2",
        "postgresql://u:hush@h1,h2/d?port=1,2,3",
        "postgresql://u:hush@/d?host=run/postgresql",
        "postgresql://u:hush@/d?host=@abstract",
        "postgresql://u:hush@h/d?passwrd=hush",
        "jdbc:postgresql://h/d?user=u&password=hush",
        "host=h password=hush",
        "'postgresql://u:hush@h/d'",
        "pgsql://u:hush@h/d",
        "mysql://u:hush@h/d",
        "postgresql:/u:hush@h/d",
        "u:hush@h/d",
    ],
)
def test_a_refusal_never_shows_the_password(text: str) -> None:
    said = refusal(text)
    assert "hush" not in said
    assert "other" not in said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the URL is empty"),
        ("postgresql://u:a@b/c@h", "percent-encode"),
        ("postgresql://h/d?slmode=require", "did you mean sslmode?"),
        ("postgresql://h/d?search_paht=x", "options=-csearch_paht%3D"),
        ("postgresql://h/d?ssl=true", "write sslmode=require"),
        ("postgresql://h/d?sslmode=requre", "write one of disable, allow"),
        ("postgresql://h/d?channel_binding=require", "channel_binding=prefer"),
        ("postgresql://h/d?gssencmode=require", "write sslmode=require"),
        ("postgresql://h/d?search_path=app", "write options="),
        ("postgresql://h/d?connect_timeout=5s", "whole number"),
        ("postgresql://h/d?hostaddr=10.0.0.1", "write one of them"),
        ("postgresql://h/d?sslcrldir=/x", "sslcrl=FILE"),
        ("postgresql://h/d?replication=database", "ordinary connection"),
        ("jdbc:postgresql://h/d", "this is a JDBC URL: write postgresql://"),
        ("host=h dbname=d", "keyword string"),
        ('"postgresql://h/d"', "remove them"),
        ("pgsql://h/d", "write postgresql://"),
        ("mysql://h/d", "not a database that can be watched"),
    ],
)
def test_a_refusal_says_what_to_write(text: str, says: str) -> None:
    assert says in refusal(text)


_any = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(user=_any, password=_any, database=_any)
def test_any_characters_survive_percent_encoding(user: str, password: str, database: str) -> None:
    text = "postgresql://{}:{}@h:1/{}".format(
        *(quote(part, safe="") for part in (user, password, database))
    )
    url = postgresql(text)
    assert (url.user, password_of(url), url.database) == (user, password, database)
    shown = postgresql(url.masked)
    assert (shown.user, password_of(shown), shown.database) == (user, "***", database)
    assert masked(text) == url.masked


@given(before=_any, after=_any, user=_any, database=_any)
def test_the_password_is_in_no_text_of_the_url(
    before: str, after: str, user: str, database: str
) -> None:
    sign = "hunter2hush"
    password = before + sign + after
    encoded = quote(password, safe="")
    text = f"postgresql://{quote(user, safe='')}:{encoded}@h/{quote(database, safe='')}"
    url = postgresql(text)
    for shown in (str(url), repr(url), url.masked, masked(text), url.libpq_conninfo()):
        assert sign not in shown
    assert sign not in str(url.libpq_environment())


@given(before=_any, after=_any)
def test_a_raw_password_is_read_whole_or_refused_and_never_shown(before: str, after: str) -> None:
    sign = "hunter2hush"
    password = before + sign + after
    text = f"postgresql://u:{password}@h/d"
    assert sign not in masked(text)
    url, said = read(text)
    assert sign not in said
    if url is None:
        return
    assert isinstance(url, PostgresqlUrl)
    assert sign not in repr(url)
    assert (url.user, url.hosts, url.database) == ("u", (("h", 5432),), "d")


@given(st.text())
def test_any_text_at_all_is_a_url_or_a_plain_refusal(text: str) -> None:
    for candidate in (text, f"postgresql://{text}", f"sqlite://{text}", f"postgresql://h/d?{text}"):
        assert isinstance(masked(candidate), str)
        url, said = read(candidate)
        assert said or url is not None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "postgresql+asyncpg://u:p@h/d?sslmode=require&password=x",
            "postgresql+asyncpg://u:***@h/d?sslmode=require&password=***",
        ),
        ("postgresql://u:a@b/c@h", "postgresql://***"),
        (
            "postgresql://h/d?sslpassword=x&unknown=y",
            "postgresql://h/d?sslpassword=***&unknown=***",
        ),
        ("mysql://u:p@h/d", "mysql://***"),
        ("jdbc:postgresql://h/d?password=p", "jdbc:postgresql://***"),
        ("sqlite:///x.db", "sqlite:///x.db"),
        ("sqlite+pysqlcipher://:p@/x.db", "sqlite+pysqlcipher://***"),
        ("sqlite:///x.db?key=p", "sqlite://***"),
        ("password=p", "***"),
    ],
)
def test_masked_keeps_what_is_harmless(text: str, shown: str) -> None:
    assert masked(text) == shown


# ------------------------------------------------------------------ what is not given


def test_pg_variables_fill_what_the_url_does_not_say() -> None:
    url = postgresql(
        "postgresql://",
        PGHOST="h1,h2",
        PGPORT="7",
        PGUSER="u",
        PGPASSWORD="p",
        PGDATABASE="d",
        PGSSLMODE="verify-full",
        PGSSLROOTCERT="certs/ca.pem",
        PGPASSFILE="/x/pgpass",
    )
    assert url.hosts == (("h1", 7), ("h2", 7))
    assert (url.user, password_of(url), url.database) == ("u", "p", "d")
    assert dict(url.parameters) == {
        "passfile": "/x/pgpass",
        "sslmode": "verify-full",
        "sslrootcert": "/base/certs/ca.pem",
    }


def test_the_url_has_the_say_over_pg_variables() -> None:
    url = postgresql(
        "postgresql://u:p@h:1/d?sslmode=disable",
        PGHOST="other",
        PGPORT="9",
        PGUSER="other",
        PGPASSWORD="other",
        PGDATABASE="other",
        PGSSLMODE="require",
        PGHOSTADDR="10.9.9.9",
    )
    assert (url.hosts, url.user, password_of(url), url.database) == ((("h", 1),), "u", "p", "d")
    assert url.parameters["sslmode"] == "disable"


def test_a_pg_variable_that_is_wrong_is_named() -> None:
    assert refusal("postgresql://h/d", PGSSLMODE="on").startswith("PGSSLMODE: sslmode=on")


def test_without_anything_the_account_names_user_and_database() -> None:
    account = pwd.getpwuid(os.geteuid()).pw_name
    url = postgresql("postgresql:///")
    assert (url.user, url.database) == (account, account)
    assert url.hosts[0][0].startswith("/")


def test_the_database_is_the_users_by_default() -> None:
    assert postgresql("postgresql://u@h").database == "u"


def test_a_service_stands_for_its_parameters(tmp_path: Path) -> None:
    file = tmp_path / "services"
    file.write_text(
        "# comment\n[other]\nhost=wrong\n\n[prod]\nhost=db1\nport=7\nuser=u\npassword=p\n"
        "dbname=d\nsslmode=require\n[last]\nhost=wrong\n"
    )
    url = postgresql("postgresql://?service=prod", PGSERVICEFILE=str(file), PGHOST="env")
    assert url.server_name == "db1:7"
    assert (url.user, password_of(url), url.database) == ("u", "p", "d")
    assert url.parameters["sslmode"] == "require"
    own = postgresql("postgresql://me@h/mine?service=prod", PGSERVICEFILE=str(file))
    assert (own.user, own.hosts[0][0], own.database) == ("me", "h", "mine")
    assert postgresql("postgresql://", PGSERVICEFILE=str(file), PGSERVICE="prod") == url


def test_a_service_is_looked_for_at_home_then_in_the_systems_folder(tmp_path: Path) -> None:
    (tmp_path / "pg_service.conf").write_text("[sys]\nhost=s\n")
    (tmp_path / ".pg_service.conf").write_text("[mine]\nhost=m\n")
    environ = {"HOME": str(tmp_path), "PGSYSCONFDIR": str(tmp_path)}
    assert postgresql("postgresql://?service=mine", **environ).server_name == "m:5432"
    assert postgresql("postgresql://?service=sys", **environ).server_name == "s:5432"
    said = refusal("postgresql://?service=none", **environ)
    assert "'none' is not defined" in said
    assert str(tmp_path / ".pg_service.conf") in said


def test_a_service_that_cannot_be_used_names_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "services"
    file.write_text("[a]\nhost h\n[b]\nldap://x\n[c]\npasswd=hush\n")
    assert f"{file}:2: write KEY=VALUE" in refusal(
        "postgresql://?service=a", PGSERVICEFILE=str(file)
    )
    assert "LDAP" in refusal("postgresql://?service=b", PGSERVICEFILE=str(file))
    said = refusal("postgresql://?service=c", PGSERVICEFILE=str(file))
    assert "did you mean password?" in said
    assert "hush" not in said


# ------------------------------------------------------------------ parameters


def test_each_key_is_an_address_honoured_ignored_or_refused_with_advice() -> None:
    for name, parameter in PARAMETERS.items():
        if parameter.same:
            assert PARAMETERS[parameter.same].same == "", name
        elif "*" in parameter.refused:
            assert not parameter.tools, name
        elif parameter.ignored:
            assert not parameter.tools, name
            assert not parameter.session, name
        else:
            honoured = parameter.address or parameter.session or parameter.tools
            assert honoured or parameter.refused, name
        for advice in parameter.refused.values():
            assert any(word in advice for word in ("write", "remove", "use")), name


def test_parameters_have_libpqs_names_and_absolute_paths() -> None:
    url = postgresql(
        "postgresql://u:p@h/d?ssl=verify-ca&sslrootcert=ca.pem&sslkey=~/k.pem&connect_timeout=3"
        "&options=-cgeqo%3Doff&sslpassword=hush",
        HOME="/home/u",
    )
    assert dict(url.parameters) == {
        "sslmode": "verify-ca",
        "sslrootcert": "/base/ca.pem",
        "sslkey": "/home/u/k.pem",
        "connect_timeout": "3",
        "options": "-cgeqo=off",
    }
    assert url.tls_parameters() == {
        "sslmode": "verify-ca",
        "sslrootcert": "/base/ca.pem",
        "sslkey": "/home/u/k.pem",
    }
    assert url.server_settings() == {"options": "-cgeqo=off"}
    assert url.sslpassword == Secret("hush")
    assert "hush" not in repr(url) + url.libpq_conninfo() + str(url.libpq_environment())


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("-c%20geqo%3Doff%20-c%20jit%3Doff", "-c geqo=off -c jit=off"),
        ("-c+geqo%3Doff+-c+jit%3Doff", "-c geqo=off -c jit=off"),
        ("-ctimezone%3DEtc/GMT%2B3", "-ctimezone=Etc/GMT+3"),
        ("-ctimezone=Etc/GMT+3", "-ctimezone=Etc/GMT+3"),
    ],
)
def test_a_plus_between_options_is_a_space(written: str, meant: str) -> None:
    assert postgresql(f"postgresql://u@h/d?options={written}").parameters["options"] == meant


def test_keys_of_the_applications_driver_are_named_and_not_used() -> None:
    url = postgresql(
        "postgresql+asyncpg://u@h/d?prepared_statement_cache_size=0&command_timeout=60&schema=public"
    )
    assert url.ignored == ("command_timeout", "prepared_statement_cache_size", "schema")
    assert url.parameters == {}
    assert url == postgresql("postgresql://u@h/d")


def test_the_systems_certificates_are_a_file_for_every_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    url = postgresql("postgresql://u@h/d?sslrootcert=system")
    assert url.parameters["sslrootcert"] == str(bundle)
    assert url.parameters["sslmode"] == "verify-full"
    assert "verify-full" in refusal("postgresql://u@h/d?sslrootcert=system&sslmode=require")


def test_the_connection_string_is_quoted() -> None:
    url = postgresql("postgresql://o'hara%5C:p@h1,h2/my%20db?application_name=a'b")
    assert url.libpq_conninfo(passfile="/x/p") == (
        r"host='h1,h2' port='5432,5432' user='o\'hara\\' dbname='my db'"
        r" application_name='a\'b' passfile='/x/p'"
    )
    assert url.libpq_environment() == {
        "PGHOST": "h1,h2",
        "PGPORT": "5432,5432",
        "PGUSER": "o'hara\\",
        "PGDATABASE": "my db",
        "PGAPPNAME": "a'b",
    }


def test_an_older_client_is_not_given_what_it_does_not_know() -> None:
    url = postgresql("postgresql://u@h/d?sslnegotiation=direct&sslmode=require")
    assert "sslnegotiation" not in url.libpq_parameters(client=16)
    assert "sslnegotiation" in url.libpq_parameters(client=17)
    assert "sslnegotiation" in url.libpq_parameters()


def test_the_passfile_has_its_escapes() -> None:
    url = postgresql("postgresql://u@h/d").with_password(Secret(r"p:a\s@s %#"))
    assert url.passfile_text() == "*:*:*:*:p\\:a\\\\s@s %#\n"
    with pytest.raises(DatabaseUrlError, match="no password"):
        postgresql("postgresql://u@h/d").passfile_text()
    with pytest.raises(DatabaseUrlError, match="line break"):
        url.with_password(Secret("a\nhush")).passfile_text()


def test_a_password_that_is_a_public_name_does_not_hide_the_name() -> None:
    postgresql("postgresql://postgres:postgres@localhost/postgres")
    postgresql("postgresql://publicname:publicname@h/d")
    assert mask("engine=postgresql user publicname") == "engine=postgresql user publicname"


def test_urls_are_equal_whatever_the_driver() -> None:
    first = postgresql("postgresql://u:p@h/d")
    assert first == postgresql("postgres://u:p@h:5432/d")
    assert hash(first) == hash(postgresql("postgresql+asyncpg://u:p@h/d"))
    assert first != postgresql("postgresql://u:q@h/d")
    assert first.with_database("e").database == "e"
