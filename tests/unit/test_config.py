"""The configuration: which file, what its values mean, and what targets become."""
# ruff: noqa: E501 - the example is the one that users were given

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.secrets import forget_secrets  # noqa: F401 - works by being here
from watchdog.config import Config, Listen, load, scalars
from watchdog.database_url import PostgresqlUrl, SqliteUrl
from watchdog.errors import ConfigurationError
from watchdog.model import Keep, Objectives, SessionMode, Target

CONTRACT = """\
listen: 127.0.0.1:10187           # [::1]:10187, 0.0.0.0:10187, unix:/run/db-watchdog/http.sock
log: {format: auto, level: info, language: en}      # auto = console on a terminal
defaults:
  probe:  {interval: 15s, timeout: 5s, connect_interval: 60s, session: held}       # held | per-round
  backup: {schedule: "0 3 * * *", timezone: UTC, directory: backups, keep: {last: 3, daily: 7, weekly: 4, monthly: 3}}
targets:
  - name: agent-runtime
    url: ${AGENT_RUNTIME__DB_URL:-sqlite:///data/agent_runtime.db}
    labels: {team: codelab}
    backup: {schedule: "@every 6h"}
  - name: auth-service
    url: ${AUTH_SERVICE__DB_URL:-sqlite:///data/auth.db}
    backup: false
"""


def configured(folder: Path, text: str, **environ: str) -> Config:
    (folder / "w.yaml").write_text(text)
    return load(Path("w.yaml"), environ=environ, cwd=folder)


def only(config: Config) -> Target:
    (target,) = config.targets
    return target


def one(folder: Path, keys: str, **environ: str) -> Target:
    """Return the target of a file that has one, with *keys* beside its name and URL."""
    text = f"targets:\n  - name: a\n    url: sqlite:///a.db\n    {keys}\n"
    return only(configured(folder, text, **environ))


# ------------------------------------------------------------------ the contract's example


def test_the_contracts_example_means_what_it_says(tmp_path: Path) -> None:
    config = configured(tmp_path, CONTRACT)
    assert config.listen == Listen("127.0.0.1", 10187)
    assert (config.log.format, config.log.level, config.log.language) == ("auto", "info", "en")
    assert not config.reload_over_http
    agent, auth = config.targets
    assert (agent.name, agent.engine) == ("agent-runtime", "sqlite")
    assert agent.url == SqliteUrl(str(tmp_path / "data/agent_runtime.db"))
    assert agent.labels == {"team": "codelab"}
    assert (agent.probe.interval, agent.probe.timeout, agent.probe.connect_interval) == (15, 5, 60)
    assert agent.probe.session is SessionMode.HELD
    assert agent.backup is not None
    assert agent.backup.schedule == "@every 6h"
    assert agent.backup.timezone == "UTC"
    assert agent.backup.directory == tmp_path / "backups"
    assert agent.backup.keep == Keep(last=3, daily=7, weekly=4, monthly=3)
    assert auth.backup is None


def test_a_variable_takes_the_place_of_the_default(tmp_path: Path) -> None:
    url = "postgresql+asyncpg://codelab:codelab_password@postgres:5432/agent_runtime"
    target = configured(tmp_path, CONTRACT, AGENT_RUNTIME__DB_URL=url).targets[0]
    assert target.url.masked == "postgresql://codelab:***@postgres:5432/agent_runtime"
    assert "codelab_password" not in repr(target)


def test_everything_has_a_default_but_targets(tmp_path: Path) -> None:
    config = configured(tmp_path, "targets: [{name: a, url: 'sqlite:///a.db'}]\n")
    assert config.listen == Listen()
    target = only(config)
    assert target.probe.interval == 15
    assert target.backup is None


# ------------------------------------------------------------------ which file


def test_the_search_goes_option_variable_folder_then_environment_alone(tmp_path: Path) -> None:
    def named(name: str) -> str:
        return f"targets: [{{name: {name}, url: 'sqlite:///a.db'}}]\n"

    environ = {"DATABASE_URL": "sqlite:///found.db"}
    alone = load(None, environ=environ, cwd=tmp_path)
    assert (only(alone).name, alone.file) == ("found", None)
    assert "environment only" in alone.source

    (tmp_path / "config").mkdir()
    (tmp_path / "config/watchdog.yaml").write_text(named("folder"))
    local = load(None, environ=environ, cwd=tmp_path)
    assert only(local).name == "folder"
    assert local.source == str(tmp_path / "config/watchdog.yaml")

    (tmp_path / "by_variable.yaml").write_text(named("variable"))
    environ["DB_WATCHDOG_CONFIG"] = "by_variable.yaml"
    by_variable = load(None, environ=environ, cwd=tmp_path)
    assert only(by_variable).name == "variable"
    assert "$DB_WATCHDOG_CONFIG" in by_variable.source

    (tmp_path / "by_option.yaml").write_text(named("option"))
    by_option = load(Path("by_option.yaml"), environ=environ, cwd=tmp_path)
    assert only(by_option).name == "option"
    assert "--config" in by_option.source


def test_relative_paths_begin_at_the_files_folder(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/w.yaml").write_text(CONTRACT)
    config = load(Path("etc/w.yaml"), environ={}, cwd=tmp_path)
    assert config.base_dir == tmp_path / "etc"
    assert config.targets[0].url == SqliteUrl(str(tmp_path / "etc/data/agent_runtime.db"))


@pytest.mark.parametrize(
    "option", [None, "config/watchdog.yaml", "./config/../config/watchdog.yaml"]
)
def test_relative_paths_begin_at_the_working_directory_for_its_own_file(
    tmp_path: Path, option: str | None
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/watchdog.yaml").write_text(CONTRACT)
    config = load(Path(option) if option else None, environ={}, cwd=tmp_path)
    assert config.base_dir == tmp_path
    assert config.targets[0].url == SqliteUrl(str(tmp_path / "data/agent_runtime.db"))


# ------------------------------------------------------------------ values


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("15s", 15), ("5m", 300), ("1h30m", 5400), ("7d", 604800), ("1.5h", 5400)],
)
def test_durations(text: str, seconds: float) -> None:
    assert scalars.duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "number"),
    [("10MiB", 10 * 1024**2), ("5GB", 5 * 10**9), ("1 kB", 1000), ("512B", 512), ("1.5KiB", 1536)],
)
def test_sizes(text: str, number: int) -> None:
    assert scalars.size(text) == number


@pytest.mark.parametrize("text", ["15", "-5s", "5 minutes", "5S", "", "s", "1h 30m"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match=r"write"):
        scalars.duration(text)


@pytest.mark.parametrize("text", ["10", "10M", "10mib", "-1MB", "MB"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(ValueError, match=r"write"):
        scalars.size(text)


def test_a_span_that_is_not_whole_is_rounded() -> None:
    spans = [scalars.span(seconds) for seconds in (10 / 3, 1 / 3, 1.5, 0.9999, 100.001, 0.05)]
    assert spans == ["3.33s", "333.3ms", "1.5s", "999.9ms", "100s", "50ms"]


@given(st.integers(0, 10_000_000))
def test_a_span_reads_back(seconds: int) -> None:
    assert scalars.duration(scalars.span(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "listen"),
    [
        ("0.0.0.0:10187", Listen("0.0.0.0", 10187)),
        ("'[::1]:10187'", Listen("::1", 10187)),
        ("localhost:0", Listen("localhost", 0)),
        ("unix:/run/db-watchdog/http.sock", Listen("", 0, Path("/run/db-watchdog/http.sock"))),
    ],
)
def test_listen_forms(tmp_path: Path, text: str, listen: Listen) -> None:
    config = configured(tmp_path, f"listen: {text}\n{CONTRACT.partition(chr(10))[2]}")
    assert config.listen == listen
    assert str(config.listen) == text.strip("'")


def test_words_are_not_what_yaml_makes_of_them(tmp_path: Path) -> None:
    target = one(tmp_path, "labels: {a: no, b: 1:30, c: 1.10, d: 0x1F, e: 2026-11-23, f: ~x}")
    assert target.labels == {
        "a": "no",
        "b": "1:30",
        "c": "1.10",
        "d": "0x1F",
        "e": "2026-11-23",
        "f": "~x",
    }


def test_a_mapping_that_is_all_commented_out_is_not_there(tmp_path: Path) -> None:
    config = configured(
        tmp_path,
        "log:\n  # level: debug\nweb:\ndefaults:\n  probe:\n  backup:\n"
        "targets:\n  - name: a\n    url: sqlite:///a.db\n    labels:\n    probe:\n    backup:\n",
    )
    assert only(config).backup is None


def test_anchors_and_merge_keys_work(tmp_path: Path) -> None:
    config = configured(
        tmp_path,
        "x-slow: &slow {interval: 5m}\n"
        "targets:\n"
        "  - {name: a, url: 'sqlite:///a.db', probe: *slow}\n"
        "  - {name: b, url: 'sqlite:///b.db', probe: {<<: *slow, timeout: 9s}}\n",
    )
    assert [target.probe.interval for target in config.targets] == [300, 300]
    assert config.targets[1].probe.timeout == 9


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("${SET}", "value"),
        ("a${SET}b", "avalueb"),
        ("${SET:-x}", "value"),
        ("${UNSET:-x}", "x"),
        ("${EMPTY:-x}", "x"),
        ("${EMPTY}", ""),
        ("${UNSET:-${SET}}", "value"),
        ("${UNSET:-}", ""),
        ("${SET:?needed}", "value"),
        ("$$", "$"),
        ("$${SET}", "${SET}"),
        ("pa$word$", "pa$word$"),
        ("${SET:-${UNSET}}", "value"),
    ],
)
def test_expansion(tmp_path: Path, written: str, read: str) -> None:
    target = one(tmp_path, f"labels: {{a: '{written}'}}", SET="value", EMPTY="")
    assert target.labels["a"] == read


def test_a_value_with_yaml_in_it_stays_a_value(tmp_path: Path) -> None:
    target = one(tmp_path, "labels: {a: '${X}'}", X="b}\n  c: [d # e")
    assert target.labels["a"] == "b}\n  c: [d # e"


# ------------------------------------------------------------------ probes and backups


def test_defaults_are_merged_key_by_key_and_the_target_wins(tmp_path: Path) -> None:
    config = configured(
        tmp_path,
        "defaults:\n"
        "  probe: {interval: 30s, timeout: 9s}\n"
        "  backup: {directory: b, schedule: '@daily', keep: {last: 3, daily: 7}}\n"
        "targets:\n"
        "  - {name: a, url: 'sqlite:///a.db', probe: {interval: 1m}, backup: {keep: {last: 5}}}\n"
        "  - {name: b, url: 'sqlite:///b.db', backup: true}\n"
        "  - {name: c, url: 'sqlite:///c.db', backup: false}\n"
        "  - {name: d, url: 'sqlite:///d.db', backup: {keep: {daily: ~}}}\n",
    )
    a, b, c, d = config.targets
    assert (a.probe.interval, a.probe.timeout) == (60, 9)
    assert a.backup is not None
    assert b.backup is not None
    assert d.backup is not None
    assert a.backup.keep == Keep(last=5, daily=7)
    assert a.backup.schedule == "@daily"
    assert b.backup.keep == Keep(last=3, daily=7)
    assert c.backup is None
    assert d.backup.keep == Keep(last=3)


def test_defaults_may_turn_backups_off_and_a_target_on(tmp_path: Path) -> None:
    config = configured(
        tmp_path,
        "defaults: {backup: false}\n"
        "targets:\n"
        "  - {name: a, url: 'sqlite:///a.db'}\n"
        "  - {name: b, url: 'sqlite:///b.db', backup: {directory: /b}}\n",
    )
    assert config.targets[0].backup is None
    assert config.targets[1].backup is not None
    assert config.targets[1].backup.directory == Path("/b")


@pytest.mark.parametrize(
    ("probe", "timeout", "connect_interval"),
    [
        ("{interval: 3s}", 2, 60),
        ("{interval: 5m}", 5, 300),
        ("{interval: 5m, timeout: 1m}", 60, 300),
    ],
)
def test_what_a_probe_does_not_say_follows_its_interval(
    tmp_path: Path, probe: str, timeout: float, connect_interval: float
) -> None:
    target = one(tmp_path, f"probe: {probe}")
    assert (target.probe.timeout, target.probe.connect_interval) == (timeout, connect_interval)


def test_under_systemd_backups_have_a_place(tmp_path: Path) -> None:
    target = one(tmp_path, "backup: true", STATE_DIRECTORY="/var/lib/db-watchdog:/x")
    assert target.backup is not None
    assert target.backup.directory == Path("/var/lib/db-watchdog/backups")
    config = load(Path("w.yaml"), environ={"STATE_DIRECTORY": "/var/lib/w"}, cwd=tmp_path)
    assert config.state_directory == Path("/var/lib/w")


def test_the_variable_of_the_state_directory_goes_before_the_file_and_that_is_said(
    tmp_path: Path,
) -> None:
    text = "state_directory: /srv/file\ntargets: [{name: a, url: 'sqlite:///a.db'}]\n"
    assert configured(tmp_path, text).state_directory == Path("/srv/file")
    config = configured(tmp_path, text, DB_WATCHDOG_STATE_DIRECTORY="/srv/variable")
    assert config.state_directory == Path("/srv/variable")
    assert any("/srv/file is not used" in note for note in config.notes)
    config = configured(tmp_path, text, DB_WATCHDOG_STATE_DIRECTORY="/srv/file")
    assert not config.notes


def test_every_key_of_a_backup(tmp_path: Path) -> None:
    target = only(
        configured(
            tmp_path,
            "targets:\n"
            "  - name: a\n"
            "    url: postgresql://u:p@pooler:6432/d\n"
            "    backup:\n"
            "      directory: /b\n"
            "      url: postgresql://u@server/d\n"
            "      schedule: 30 2 * * MON-FRI\n"
            "      timezone: Europe/Berlin\n"
            "      spread: 60m\n"
            "      run_on_start: true\n"
            "      timeout: 2h\n"
            "      keep: {last: 1, hourly: 2, daily: 3, weekly: 4, monthly: 5, yearly: 6}\n",
        )
    )
    backup = target.backup
    assert backup is not None
    assert isinstance(backup.url, PostgresqlUrl)
    assert backup.url.server_name == "server:5432"
    assert backup.url.password is not None, "the target's password serves the same user"
    assert backup.url.password.reveal() == "p"
    assert (backup.schedule, backup.timezone) == ("30 2 * * MON-FRI", "Europe/Berlin")
    assert (backup.spread, backup.run_on_start, backup.timeout) == (3600, True, 7200)
    assert backup.keep == Keep(1, 2, 3, 4, 5, 6)


# ------------------------------------------------------------------ passwords


def test_a_password_file_gives_the_url_its_password(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(" p:a@ss \n")
    secret.chmod(0o600)
    config = configured(
        tmp_path, "targets: [{name: a, url: 'postgresql://u@h/d', password_file: password}]\n"
    )
    target = only(config)
    assert isinstance(target.url, PostgresqlUrl)
    assert target.url.password is not None
    assert target.url.password.reveal() == " p:a@ss "
    assert target.password_file == secret
    assert config.notes == ()
    assert "p:a@ss" not in repr(config)


def test_a_password_file_that_others_can_read_is_noted(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hush-hush")
    secret.chmod(0o644)
    config = configured(
        tmp_path, "targets: [{name: a, url: 'postgresql://u@h/d', password_file: password}]\n"
    )
    assert config.notes == (f"a: {secret} can be read by others (mode 0644): chmod 600 {secret}",)


def test_a_password_in_both_places_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("one")
    with pytest.raises(ConfigurationError, match="remove one of them"):
        configured(
            tmp_path, "targets: [{name: a, url: 'postgresql://u:p@h/d', password_file: password}]\n"
        )


def test_pgpassword_yields_to_a_password_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("from-file")
    config = configured(
        tmp_path,
        "targets: [{name: a, url: 'postgresql://u@h/d', password_file: password}]\n",
        PGPASSWORD="from-variable",
    )
    url = only(config).url
    assert isinstance(url, PostgresqlUrl)
    assert url.password is not None
    assert url.password.reveal() == "from-file"


# ------------------------------------------------------------------ notes


def test_the_same_database_twice_is_noted(tmp_path: Path) -> None:
    config = configured(
        tmp_path,
        "targets:\n"
        "  - {name: a, url: 'postgresql://u:p@h/d'}\n"
        "  - {name: b, url: 'postgres://u:p@h:5432/d'}\n",
    )
    assert config.notes == ("the same database is watched 2 times: a, b",)


def test_keys_of_the_applications_driver_are_noted(tmp_path: Path) -> None:
    config = configured(
        tmp_path,
        "targets: [{name: a, url: 'postgresql+asyncpg://u@h/d?prepared_statement_cache_size=0'}]\n",
    )
    assert config.notes == ("a: not used from the URL: prepared_statement_cache_size",)


@pytest.mark.parametrize(
    ("schedule", "rpo", "gap"),
    [("0 3 * * *", "6h", "1d1h"), ("@every 6h", "6h", "6h"), ("0 3 * * *", "26h", "")],
)
def test_a_schedule_too_sparse_for_its_objective_is_noted(
    tmp_path: Path, schedule: str, rpo: str, gap: str
) -> None:
    config = configured(
        tmp_path,
        "targets:\n"
        "  - name: a\n"
        "    url: sqlite:///a.db\n"
        "    backup:\n"
        f"      {{schedule: '{schedule}', timezone: Europe/Berlin, directory: b,"
        f" objectives: {{rpo: {rpo}, rto: 15m}}}}\n",
    )
    (target,) = config.targets
    assert target.backup is not None
    assert target.backup.objectives == Objectives(scalars.duration(rpo), 900.0)
    assert [gap in note for note in config.notes] == ([True] if gap else [])


def test_min_free_is_a_rule_and_takes_a_size(tmp_path: Path) -> None:
    target = one(tmp_path, "backup: {directory: b, keep: {min_free: 50GB}}")
    assert target.backup is not None
    assert target.backup.keep == Keep(last=None, min_free=50 * 10**9)


# ------------------------------------------------------------------ the shipped file


def test_the_shipped_file_watches_two_sqlite_databases_with_backups() -> None:
    root = Path(__file__).parents[2]
    config = load(root / "config/watchdog.yaml", environ={}, cwd=root, env_file=Path(os.devnull))
    assert [target.name for target in config.targets] == ["agent-runtime", "auth-service"]
    assert [target.url for target in config.targets] == [
        SqliteUrl(str(root / "data/agent_runtime.db")),
        SqliteUrl(str(root / "data/auth.db")),
    ]
    assert all(target.backup is not None for target in config.targets)
    assert config.notes == ()
