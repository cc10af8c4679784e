"""Variables: ``.env``, and targets where there is no file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.secrets import forget_secrets  # noqa: F401 - works by being here
from watchdog.config import Config, Listen, dotenv, load
from watchdog.config.mistakes import Mistakes
from watchdog.errors import ConfigurationError


def alone(folder: Path, **environ: str) -> Config:
    return load(None, environ=environ, cwd=folder)


def targets(config: Config) -> dict[str, str]:
    return {target.name: str(target.url) for target in config.targets}


def complaints(folder: Path, **environ: str) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        alone(folder, **environ)
    return caught.value.mistakes


# ------------------------------------------------------------------ no file


def test_each_variable_that_holds_a_url_becomes_a_target(tmp_path: Path) -> None:
    config = alone(
        tmp_path,
        AGENT_RUNTIME__DB_URL="postgresql://codelab:codelab_password@postgres:5432/agent_runtime",
        AUTH_SERVICE__DB_URL="postgresql+asyncpg://codelab:codelab_password@postgres:5432/auth_db",
        BILLING_DATABASE_URL="sqlite:///billing.db",
        DATABASE_URL="postgres://u@h/My_Shop",
        DB_URL="sqlite:////var/lib/notes.sqlite",
        NOT_A_DB_URL="https://example.com",
        DB_URL_TEMPLATE="postgresql://u@h/template",
    )
    assert targets(config) == {
        "agent-runtime": "postgresql://codelab:***@postgres:5432/agent_runtime",
        "auth-service": "postgresql://codelab:***@postgres:5432/auth_db",
        "billing": f"sqlite:///{tmp_path}/billing.db",
        "my-shop": "postgresql://u@h:5432/My_Shop",
        "notes": "sqlite:////var/lib/notes.sqlite",
    }
    assert config.base_dir == tmp_path
    assert "agent-runtime: found in AGENT_RUNTIME__DB_URL" in config.notes
    assert "my-shop: found in DATABASE_URL" in config.notes
    assert "codelab_password" not in repr(config)


def test_backups_are_off_unless_a_place_is_named(tmp_path: Path) -> None:
    off = alone(tmp_path, DATABASE_URL="sqlite:///a.db")
    assert [target.backup for target in off.targets] == [None]
    assert any(note.startswith("backups are off") for note in off.notes)
    on = alone(tmp_path, DATABASE_URL="sqlite:///a.db", DB_WATCHDOG_BACKUP_DIRECTORY="saved")
    assert [target.backup and target.backup.directory for target in on.targets] == [
        tmp_path / "saved"
    ]
    assert not any(note.startswith("backups are off") for note in on.notes)


def test_equal_urls_are_one_target_with_the_better_name(tmp_path: Path) -> None:
    config = alone(
        tmp_path,
        DATABASE_URL="postgres://u:p@h/shop",
        SHOP_BACKEND_DATABASE_URL="postgresql+asyncpg://u:p@h:5432/shop",
    )
    assert targets(config) == {"shop-backend": "postgresql://u:***@h:5432/shop"}
    assert (
        "shop-backend: SHOP_BACKEND_DATABASE_URL is the same database as DATABASE_URL"
        in config.notes
    )


@pytest.mark.parametrize(
    "variable",
    ["TEST_DATABASE_URL", "SHADOW_DATABASE_URL", "APP_TEST_DB_URL", "test_db_url_DATABASE_URL"],
)
def test_databases_for_tests_are_left_out(tmp_path: Path, variable: str) -> None:
    config = alone(tmp_path, DATABASE_URL="sqlite:///a.db", **{variable: "sqlite:///t.db"})
    assert list(targets(config)) == ["a"]
    assert f"{variable} is left out: it is for tests" in config.notes


def test_words_that_only_contain_test_are_kept(tmp_path: Path) -> None:
    assert list(targets(alone(tmp_path, LATEST_DB_URL="sqlite:///a.db"))) == ["latest"]


def test_others_are_left_out_by_variable_or_by_name(tmp_path: Path) -> None:
    config = alone(
        tmp_path,
        A_DB_URL="sqlite:///a.db",
        B_DB_URL="sqlite:///b.db",
        C_DB_URL="sqlite:///c.db",
        OTHER_THING_DB_URL="sqlite://",
        DB_WATCHDOG_EXCLUDE="A_DB_URL, b gone OTHER_THING",
    )
    assert list(targets(config)) == ["c"]
    assert "A_DB_URL is left out: DB_WATCHDOG_EXCLUDE names it" in config.notes
    assert "DB_WATCHDOG_EXCLUDE names gone, which is not there" in config.notes


def test_a_database_named_by_itself_may_be_left_out_by_that_name(tmp_path: Path) -> None:
    config = alone(
        tmp_path,
        DATABASE_URL="sqlite:///shop.db",
        B_DB_URL="sqlite:///b.db",
        DB_WATCHDOG_EXCLUDE="shop",
    )
    assert list(targets(config)) == ["b"]


def test_other_databases_are_left_out_and_noted(tmp_path: Path) -> None:
    config = alone(tmp_path, A_DB_URL="sqlite:///a.db", SHOP_DATABASE_URL="mysql://u:p@h/d")
    assert list(targets(config)) == ["a"]
    assert (
        "SHOP_DATABASE_URL is left out: mysql:// is neither PostgreSQL nor SQLite" in config.notes
    )


def test_a_quoted_url_is_a_mistake_and_not_overlooked(tmp_path: Path) -> None:
    assert complaints(tmp_path, A_DB_URL='"sqlite:///a.db"') == (
        (
            "environment: A_DB_URL: the quotes are part of the value: remove them "
            "(or name it in DB_WATCHDOG_EXCLUDE)"
        ),
    )


def test_a_database_of_another_alphabet_has_a_name(tmp_path: Path) -> None:
    assert list(targets(alone(tmp_path, DATABASE_URL="sqlite:///данные.db"))) == ["database"]


def test_names_that_collide_are_told_apart_by_their_databases(tmp_path: Path) -> None:
    config = alone(
        tmp_path, APP_DB_URL="postgresql://u@h/main", APP_DATABASE_URL="postgresql://u@h/queue"
    )
    assert sorted(targets(config)) == ["app-main", "app-queue"]


def test_names_that_cannot_be_told_apart_are_a_mistake(tmp_path: Path) -> None:
    assert complaints(
        tmp_path, APP_DB_URL="postgresql://u@h1/main", APP_DATABASE_URL="postgresql://u@h2/main"
    ) == (
        (
            "environment: APP_DB_URL: its target would be named app-main, as that of "
            "APP_DATABASE_URL: rename one of the variables or name one in DB_WATCHDOG_EXCLUDE"
        ),
    )


def test_mistakes_name_the_variable_all_at_once(tmp_path: Path) -> None:
    said = complaints(
        tmp_path,
        A_DB_URL="postgresql://u:hush@h/d?sslmod=x",
        B_DATABASE_URL="sqlite://",
        DB_WATCHDOG_LISTEN="hush",
    )
    assert [line.split(": ")[:2] for line in said] == [
        ["environment", "A_DB_URL"],
        ["environment", "B_DATABASE_URL"],
        ["environment", "DB_WATCHDOG_LISTEN"],
    ]
    assert "hush" not in "".join(said)


def test_nothing_to_watch_is_a_mistake(tmp_path: Path) -> None:
    (said,) = complaints(tmp_path, PATH="/bin")
    assert said.startswith("environment: no configuration file, and no variable")


def test_address_and_log_may_be_set_too(tmp_path: Path) -> None:
    config = alone(
        tmp_path,
        DB_URL="sqlite:///a.db",
        DB_WATCHDOG_LISTEN="0.0.0.0:9000",
        DB_WATCHDOG_LOG_LEVEL="debug",
        DB_WATCHDOG_LOG_FORMAT="json",
        DB_WATCHDOG_LANGUAGE="ru",
    )
    assert config.listen == Listen("0.0.0.0", 9000)
    assert (config.log.level, config.log.format, config.log.language) == ("debug", "json", "ru")


# ------------------------------------------------------------------ .env


def test_env_is_read_and_the_process_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A_DB_URL=sqlite:///env.db\nB_DB_URL=sqlite:///env.db2\n")
    config = alone(tmp_path, B_DB_URL="sqlite:///process.db")
    assert targets(config) == {
        "a": f"sqlite:///{tmp_path}/env.db",
        "b": f"sqlite:///{tmp_path}/process.db",
    }


def test_another_env_file_may_be_named_and_must_be_there(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A_DB_URL=sqlite:///a.db\n")
    (tmp_path / "prod.env").write_text("B_DB_URL=sqlite:///b.db\n")
    config = load(None, environ={}, cwd=tmp_path, env_file=Path("prod.env"))
    assert list(targets(config)) == ["b"]
    with pytest.raises(ConfigurationError, match=r"none\.env:1:1: no such file"):
        load(None, environ={}, cwd=tmp_path, env_file=Path("none.env"))


def test_a_wrong_value_in_env_has_its_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# databases\nA_DB_URL=postgresql://u:hush@h/d?sslmode=on\n")
    (said,) = complaints(tmp_path)
    assert said.startswith(".env:2:1: A_DB_URL: sslmode=on is not known: write one of")
    assert "hush" not in said


def test_lines_of_env_that_cannot_be_read_are_mistakes(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text('A_DB_URL=sqlite:///a.db\nno line\nX=\'open\n9=1\nY="a" b\n')
    assert complaints(tmp_path) == (
        ".env:2:1: write NAME=value, with a name of letters, digits and _",
        ".env:3:3: X: the quote is never closed: write NAME='value'",
        ".env:4:1: write NAME=value, with a name of letters, digits and _",
        '.env:5:3: Y: text follows the closing quote: write NAME="value"',
    )


def test_an_unset_variable_in_env_matters_only_where_its_line_is_used(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("URL=${GONE}\nUNUSED=${GONE}\n")
    (tmp_path / "w.yaml").write_text("targets: [{name: a, url: '${URL}'}]\n")
    with pytest.raises(ConfigurationError) as caught:
        load(Path("w.yaml"), environ={}, cwd=tmp_path)
    assert caught.value.mistakes == (
        ".env:1:1: URL: GONE is not set: set it or write ${GONE:-default}",
        "w.yaml:1:26: targets[0].url: URL is not set: set it or write ${URL:-default}",
    )


def parsed(text: str, **environ: str) -> dict[str, str]:
    mistakes = Mistakes()
    found = dotenv.read(text, ".env", environ, mistakes)
    mistakes.complain()
    return found.values


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("export A=b", "b"),
        ("  A = b  ", "b"),
        ("A=", ""),
        ("A=''", ""),
        ("A=b # comment", "b"),
        ("A=b#c", "b#c"),
        ("A=# comment", ""),
        ("A='b # c'", "b # c"),
        ('A="b # c" # comment', "b # c"),
        ("A='b\nc'", "b\nc"),
        (r'A="b\nc\t\"\\\$"', 'b\nc\t"\\$'),
        (r"A='b\n'", r"b\n"),
        ("A=pa$word", "pa$word"),
        ("A=pa$$word", "pa$$word"),
        ("A=${B}", "bee"),
        ('A="${B}s"', "bees"),
        ("A='${B}'", "${B}"),
        (r'A="\${B}"', "${B}"),
        ("A=${C:-${B}}", "bee"),
        ("A=postgresql://u:p@h/d?sslmode=require&x=y", "postgresql://u:p@h/d?sslmode=require&x=y"),
        ("A=первый\nA=второй", "второй"),
    ],
)
def test_lines_of_env(line: str, value: str) -> None:
    assert parsed(f"\n# first\n{line}\nLAST=1\n", B="bee") == {"A": value, "LAST": "1"}


def test_windows_line_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfA_DB_URL=sqlite:///a.db\r\nB='x'\r\n")
    assert targets(alone(tmp_path)) == {"a": f"sqlite:///{tmp_path}/a.db"}


def test_a_line_may_use_an_earlier_one_and_the_process_wins() -> None:
    text = "PASSWORD=p\nURL=postgresql://u:${PASSWORD}@h/d\n"
    assert parsed(text)["URL"] == "postgresql://u:p@h/d"
    assert parsed(text, PASSWORD="q")["URL"] == "postgresql://u:q@h/d"


@given(st.text(st.characters(exclude_characters="'\r", exclude_categories=["Cs"])))
def test_any_single_quoted_value_is_what_it_says(value: str) -> None:
    assert parsed(f"A='{value}'\n") == {"A": value}


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    mistakes = Mistakes()
    dotenv.read(text, ".env", {}, mistakes)
