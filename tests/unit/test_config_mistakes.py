"""A table of bad configurations: each with the exact lines that a person sees."""
# ruff: noqa: E501 - the lines are shown as a person sees them

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.config import load
from watchdog.errors import ConfigurationError

TARGET = "targets: [{name: a, url: 'sqlite:///a.db'}]\n"
FORMS = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"


def mistakes(folder: Path, text: str | bytes, **environ: str) -> list[str]:
    content = text.encode() if isinstance(text, str) else text
    (folder / "w.yaml").write_bytes(content)
    (folder / "pw").write_text("hush")
    with pytest.raises(ConfigurationError) as caught:
        load(Path("w.yaml"), environ=environ, cwd=folder)
    return list(caught.value.mistakes)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        # --- the file as a whole
        ("", ["w.yaml:1:1: the file is empty: write at least targets:"]),
        ("# only a comment\n", ["w.yaml:1:1: the file is empty: write at least targets:"]),
        (
            "- a\n",
            ["w.yaml:1:1: the file must be a mapping: write KEY: VALUE lines, like targets:"],
        ),
        (
            "listen: 127.0.0.1:1\n",
            ["w.yaml:1:1: targets: is missing: write targets: with a list of databases"],
        ),
        (
            "targets: []\n",
            ["w.yaml:1:10: targets: is empty: write at least one target with name: and url:"],
        ),
        (b"a: \xff\n", ["w.yaml:1:4: not UTF-8: save it as UTF-8"]),
        ("a: \x07\n", ["w.yaml:1:4: a character that YAML does not allow: remove it"]),
        (TARGET + "---\na: 1\n", ["w.yaml:2:1: only one document is read: remove the second ---"]),
        # --- syntax
        ("log:\n\tlevel: info\n", ["w.yaml:2:1: a tab is not allowed here: indent with spaces"]),
        (
            "defaults: {backup: {schedule: @every 6h}}\n",
            ["w.yaml:1:31: a value cannot begin with this character: put the value in quotes"],
        ),
        (
            "defaults:\n  backup:\n    schedule: * * * * *\n",
            ["w.yaml:3:16: a * begins an alias in YAML: put the value in quotes"],
        ),
        (
            "log: level: info\n",
            ["w.yaml:1:11: a second ': ' in one line: put the value in quotes"],
        ),
        (
            "log: {level: info\n" + TARGET,
            ["w.yaml:2:8: a bracket or comma is missing, or put the value in quotes"],
        ),
        (
            "listen: [::1]:10187\n",
            ["w.yaml:1:10: put the value in quotes"],
        ),
        (TARGET + "targets: []\n", ["w.yaml:2:1: targets: is there twice, first in line 1"]),
        (
            "log: {level: info, level: debug}\n" + TARGET,
            ["w.yaml:1:20: log.level: is there twice, first in line 1"],
        ),
        (
            "log: {level: !secret info}\n" + TARGET,
            ["w.yaml:1:14: log.level: a ! begins a tag in YAML: put the value in quotes"],
        ),
        ("log: {<<: 5}\n" + TARGET, ["w.yaml:1:7: log: << takes a mapping: write <<: *ANCHOR"]),
        ("log: {? [a] : 1}\n" + TARGET, ["w.yaml:1:9: log: a key must be a word"]),
        # --- keys
        (
            "lisen: 1\n" + TARGET,
            ["w.yaml:1:1: lisen: unknown key, did you mean listen?"],
        ),
        (
            "defaults: {probe: {intervall: 15s}}\n" + TARGET,
            ["w.yaml:1:20: defaults.probe.intervall: unknown key, did you mean interval?"],
        ),
        (
            "defaults: {probe: {Interval: 15s}}\n" + TARGET,
            ["w.yaml:1:20: defaults.probe.Interval: unknown key, did you mean interval?"],
        ),
        (
            "log: {colour: red}\n" + TARGET,
            ["w.yaml:1:7: log.colour: unknown key, known are format, level, language"],
        ),
        (
            "interval: 15s\ntargets:\n  - {name: a, url: 'sqlite:///a.db', schedule: '@daily', daily: 1}\n",
            [
                "w.yaml:1:1: interval: unknown key here, did you mean defaults.probe.interval?",
                "w.yaml:3:38: targets[0].schedule: unknown key here, did you mean backup.schedule?",
                "w.yaml:3:58: targets[0].daily: unknown key here, did you mean backup.keep.daily?",
            ],
        ),
        (
            "targets:\n  - url: sqlite:///a.db\n",
            ["w.yaml:2:5: targets[0].name: is missing: write name: agent-runtime"],
        ),
        (
            "targets:\n  - name: a\n",
            [
                (
                    "w.yaml:2:5: targets[0].url: is missing: write url: "
                    "postgresql://codelab@postgres:5432/agent_runtime"
                )
            ],
        ),
        (
            "log: info\ntargets: a\n",
            [
                "w.yaml:1:6: log: must be a mapping: write KEY: VALUE lines below it, indented",
                (
                    "w.yaml:2:10: targets: must be a list: write each entry on its own line, "
                    "beginning with '- '"
                ),
            ],
        ),
        (
            "targets: [a]\n",
            [
                (
                    "w.yaml:1:11: targets[0]: must be a mapping: write KEY: VALUE lines below it, "
                    "indented"
                )
            ],
        ),
        # --- values
        (
            "defaults: {probe: {interval: 15, timeout: soon}}\n" + TARGET,
            [
                (
                    "w.yaml:1:30: defaults.probe.interval: '15' has no unit (ms, s, m, h, d): "
                    "write it like 15s"
                ),
                (
                    "w.yaml:1:43: defaults.probe.timeout: 'soon' is no duration: "
                    "write 500ms, 15s, 5m, 1h30m or 7d"
                ),
            ],
        ),
        (
            "defaults: {probe: {interval: 1ms}}\n" + TARGET,
            [
                "w.yaml:1:30: defaults.probe.interval: 1ms is out of range: write 100ms to 7d",
            ],
        ),
        (
            "defaults: {probe: {interval: 5s, timeout: 5s}}\n" + TARGET,
            [
                (
                    "w.yaml:1:43: defaults.probe.timeout: 5s is not shorter than the interval of 5s: "
                    "write a shorter timeout or a longer interval"
                )
            ],
        ),
        (
            (
                "defaults: {probe: {timeout: 5s}}\n"
                "targets:\n  - {name: a, url: 'sqlite:///a.db', probe: {interval: 2s}}\n"
            ),
            [
                (
                    "w.yaml:1:29: defaults.probe.timeout: 5s is not shorter than the interval of 2s: "
                    "write a shorter timeout or a longer interval (for target a)"
                )
            ],
        ),
        (
            "listen: 10187\n" + TARGET,
            [
                (
                    "w.yaml:1:9: listen: '10187' is no address: write HOST:PORT like 127.0.0.1:10187 "
                    "or 0.0.0.0:10187, [::1]:10187 in quotes, or unix:/run/db-watchdog/http.sock"
                )
            ],
        ),
        (
            "log: {format: xml, level: INFO, language: de}\n" + TARGET,
            [
                "w.yaml:1:15: log.format: 'xml' is not known: write auto or console or json",
                (
                    "w.yaml:1:27: log.level: 'INFO' is not known: "
                    "write debug or info or warning or error"
                ),
                "w.yaml:1:43: log.language: 'de' is not known: write en or ru",
            ],
        ),
        (
            "web: {reload: yes}\n" + TARGET,
            ["w.yaml:1:15: web.reload: 'yes' is neither: write true or false"],
        ),
        (
            "web: {reload: }\n" + TARGET,
            ["w.yaml:1:7: web.reload: has no value: write one, or remove the key"],
        ),
        (
            "targets:\n  - {name: Agent Runtime, url: 'sqlite:///a.db'}\n",
            [
                (
                    "w.yaml:2:12: targets[0].name: 'Agent Runtime' is no name: write at most 63 of "
                    "a-z, 0-9, . _ -, the first a letter or digit"
                )
            ],
        ),
        (
            "targets:\n  - {name: a, url: 'sqlite:///a.db'}\n  - {name: a, url: 'sqlite:///b.db'}\n",
            ["w.yaml:3:12: targets[1].name: two targets are named a (first in line 2): rename one"],
        ),
        (
            (
                "log: {levle: info}\ntargets:\n  - {name: a, url: 'sqlite:///a.db'}\n"
                "  - {name: a, url: 'postgresql://u:hush@h/d', password_file: none}\n"
            ),
            [
                "w.yaml:1:7: log.levle: unknown key, did you mean level?",
                "w.yaml:4:12: targets[1].name: two targets are named a (first in line 3): rename one",
                "w.yaml:4:62: targets[1].password_file: 'none' is not there: make it, with mode 0600",
            ],
        ),
        (
            "targets:\n  - {name: a, url: 'mysql://u:hush@h/d'}\n",
            [
                (
                    "w.yaml:2:20: targets[0].url: mysql:// is not a database that can be watched: "
                    f"write {FORMS} or sqlite:///FILE"
                )
            ],
        ),
        (
            "targets:\n  - {name: a, url: [b]}\n",
            [
                (
                    "w.yaml:2:20: targets[0].url: must be a single value, not a list: "
                    "put it in quotes if it is meant as text"
                )
            ],
        ),
        (
            "targets:\n  - {name: a, url: 'sqlite:///a.db', labels: {__x: 1, 9: 1, target: b}}\n",
            [
                (
                    "w.yaml:2:47: targets[0].labels.__x: is no label of Prometheus: "
                    "write letters, digits and _, no digit first"
                ),
                (
                    "w.yaml:2:55: targets[0].labels.9: is no label of Prometheus: "
                    "write letters, digits and _, no digit first"
                ),
                "w.yaml:2:61: targets[0].labels.target: is a label of our own: write another name",
            ],
        ),
        # --- backups
        (
            "defaults: {backup: {directory: b, schedule: 0 25 * * *, timezone: Mars}}\n" + TARGET,
            [
                "w.yaml:1:45: defaults.backup.schedule: hour '25': write a number from 0 to 23",
                (
                    "w.yaml:1:67: defaults.backup.timezone: unknown time zone 'Mars': write one like "
                    "Europe/Berlin or UTC (on a machine without time zones install tzdata)"
                ),
            ],
        ),
        (
            "defaults: {backup: {directory: b, keep: {last: 0, dayly: 7}}}\n" + TARGET,
            [
                "w.yaml:1:51: defaults.backup.keep.dayly: unknown key, did you mean daily?",
            ],
        ),
        (
            "defaults: {backup: {directory: b, keep: {last: 0}}}\n" + TARGET,
            [
                (
                    "w.yaml:1:41: defaults.backup.keep: keeps nothing: write at least one number "
                    "above 0, like last: 3"
                )
            ],
        ),
        (
            "defaults: {backup: {directory: b, keep: {last: -1}}}\n" + TARGET,
            [
                (
                    "w.yaml:1:48: defaults.backup.keep.last: '-1' is no count: "
                    "write a whole number from 0 on"
                )
            ],
        ),
        (
            "defaults: {backup: {directory: s3://bucket}}\n" + TARGET,
            [
                (
                    "w.yaml:1:32: defaults.backup.directory: 's3://bucket' is a URL: "
                    "write a folder or file of this machine"
                )
            ],
        ),
        (
            "targets:\n  - name: a\n    url: sqlite:///a.db\n    backup: {schedule: '@daily'}\n",
            [
                (
                    "w.yaml:4:13: targets[0].backup.directory: is missing: "
                    "write directory: FOLDER, or backup: false"
                )
            ],
        ),
        (
            "targets:\n  - {name: a, url: 'sqlite:///a.db', backup: off}\n",
            [
                (
                    "w.yaml:2:46: targets[0].backup: 'off' is not possible: "
                    "write false, true, or a mapping with schedule:"
                )
            ],
        ),
        (
            (
                "targets:\n  - {name: a, url: 'sqlite:///a.db', backup: "
                "{directory: b, url: 'postgresql://h/d'}}\n"
            ),
            ["w.yaml:2:66: targets[0].backup.url: is not of the engine sqlite as the target's url"],
        ),
        # --- passwords
        (
            "targets:\n  - {name: a, url: 'postgresql://u@h/d', password_file: none}\n",
            ["w.yaml:2:57: targets[0].password_file: 'none' is not there: make it, with mode 0600"],
        ),
        (
            "targets:\n  - {name: a, url: 'sqlite:///a.db', password_file: pw}\n",
            ["w.yaml:2:53: targets[0].password_file: SQLite has no passwords: remove it"],
        ),
        (
            "targets:\n  - {name: a, url: 'postgresql://u:hush@h/d?sslmod=require'}\n",
            [
                (
                    "w.yaml:2:20: targets[0].url: unknown key 'sslmod' in the query: "
                    "did you mean sslmode?"
                )
            ],
        ),
    ],
)
def test_mistakes_read_like_this(tmp_path: Path, text: str | bytes, lines: list[str]) -> None:
    expected = [line.replace("{folder}", str(tmp_path)) for line in lines]
    assert mistakes(tmp_path, text) == expected


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("${URL}", "URL is not set: set it or write ${URL:-default}"),
        ("${URL:?ask the database people}", "URL is not set: ask the database people"),
        ("${EMPTY:?ask the database people}", "EMPTY is not set: ask the database people"),
        (
            "${EMPTY}",
            "is empty (the value of ${EMPTY} is): write a value, or remove the key",
        ),
        (
            "${URL",
            (
                "a ${ is never closed: write ${NAME}, ${NAME:-default}, ${NAME:?text}, "
                "or $$ for a dollar sign"
            ),
        ),
        (
            "${URL-x}",
            (
                "'-' after ${URL is not known: write ${NAME}, ${NAME:-default}, ${NAME:?text}, "
                "or $$ for a dollar sign"
            ),
        ),
        (
            "${}",
            (
                "no name of a variable follows ${: write ${NAME}, ${NAME:-default}, ${NAME:?text}, "
                "or $$ for a dollar sign"
            ),
        ),
        (
            "${WRONG}",
            (
                f"mysql:// is not a database that can be watched: write {FORMS} or sqlite:///FILE "
                "(in the value of ${WRONG})"
            ),
        ),
    ],
)
def test_a_variable_that_is_wrong_is_named_and_its_value_is_not_shown(
    tmp_path: Path, url: str, line: str
) -> None:
    text = f"targets:\n  - name: a\n    url: '{url}'\n"
    said = mistakes(tmp_path, text, EMPTY="", WRONG="mysql://u:hush@h/d")
    assert said == [f"w.yaml:3:10: targets[0].url: {line}"]


def test_a_value_that_came_from_a_variable_is_never_quoted(tmp_path: Path) -> None:
    text = (
        "listen: ${X}\n"
        "log: {format: '${X}'}\n"
        "defaults: {probe: {interval: '${X}'}, backup: {schedule: '${X}', keep: {last: '${X}'}}}\n"
        "web: {reload: '${X}'}\n"
        "targets: [{name: '${X}', url: '${X}'}]\n"
    )
    said = mistakes(tmp_path, text, X="hunter2 HUSH")
    assert len(said) == 8
    assert "hunter2" not in "\n".join(said)
    assert all("HUSH" not in line for line in said)


def test_all_mistakes_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = (
        "listen: nowhere\n"
        "defaults: {probe: {intervall: 1s}}\n"
        "targets:\n"
        "  - {name: A, url: 'sqlite://'}\n"
        "  - {nme: b, url: '${NOT_SET}', probe: {interval: 5}}\n"
    )
    said = mistakes(tmp_path, text)
    assert [line.split(": ")[0] for line in said] == [
        "w.yaml:1:9",
        "w.yaml:2:20",
        "w.yaml:4:12",
        "w.yaml:4:20",
        "w.yaml:5:5",
        "w.yaml:5:6",
        "w.yaml:5:19",
        "w.yaml:5:51",
    ]


def test_a_mistake_in_defaults_is_one_mistake_however_many_targets(tmp_path: Path) -> None:
    text = "defaults: {probe: {interval: 15}}\ntargets:\n" + "".join(
        f"  - {{name: t{number}, url: 'sqlite:///{number}.db'}}\n" for number in range(20)
    )
    assert len(mistakes(tmp_path, text)) == 1


_EXAMPLE = """\
listen: 127.0.0.1:10187
log: {format: auto, level: info}
defaults:
  probe:  {interval: 15s, timeout: 5s}
  backup: {schedule: "0 3 * * *", directory: backups, keep: {last: 3, daily: 7}}
targets:
  - name: agent-runtime
    url: ${AGENT_URL:-sqlite:///data/agent_runtime.db}
    labels: {team: codelab}
  - name: auth-service
    url: sqlite:///data/auth.db
    backup: false
"""
_SPLINTERS = [
    *"[]{}:,&*!?|>'\"#%@`~$ \n\t-",
    "- ", ": ", "&a ", "*a", "<<: ", "!!binary ", "---\n", "${", "${A}", "null", "0x1", "\x00", "é",
]  # fmt: skip


@given(
    st.lists(
        st.tuples(st.integers(0, len(_EXAMPLE)), st.integers(0, 9), st.sampled_from(_SPLINTERS)),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_is_done_to_a_file_its_mistakes_have_places(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int, str]]
) -> None:
    text = _EXAMPLE
    for at, cut, splinter in changes:
        text = text[:at] + splinter + text[at + cut :]
    folder = tmp_path_factory.getbasetemp()
    (folder / "w.yaml").write_text(text)
    try:
        load(Path("w.yaml"), environ={"A": "x"}, cwd=folder)
    except ConfigurationError as error:
        places = [re.match(r"w\.yaml:\d+:\d+: \S", mistake) for mistake in error.mistakes]
        assert places
        assert all(places)


def test_aliases_that_unfold_without_end_are_refused(tmp_path: Path) -> None:
    levels = [f"x-{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    text = "x-0: &a0 [lol]\n" + "\n".join(levels) + "\n" + TARGET
    assert mistakes(tmp_path, text) == ["w.yaml:1:1: aliases unfold into more than 100000 values"]


def test_an_anchor_that_contains_itself_is_refused(tmp_path: Path) -> None:
    assert "w.yaml:1:6: x-a[0]: an anchor that contains itself" in mistakes(
        tmp_path, "x-a: &a [*a]\n" + TARGET
    )


def test_values_nested_without_end_are_refused(tmp_path: Path) -> None:
    for depth in (200, 300, 400, 5000):
        text = "[" * depth + "]" * depth
        (said,) = mistakes(tmp_path, text)
        assert said.startswith(("w.yaml:1:1: the values are nested", "w.yaml:1:1: the file must"))


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(Path("none.yaml"), environ={}, cwd=tmp_path)
    assert caught.value.mistakes == (
        "none.yaml:1:1: no such file: write the right path after --config",
    )


def test_a_file_that_is_not_there_is_asked_for_where_it_was_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="write the right path into DB_WATCHDOG_CONFIG"):
        load(None, environ={"DB_WATCHDOG_CONFIG": "none.yaml"}, cwd=tmp_path)
    with pytest.raises(ConfigurationError, match="after --env-file"):
        load(None, environ={}, cwd=tmp_path, env_file=Path("none.env"))


def test_a_folder_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is a folder"):
        load(tmp_path, environ={}, cwd=tmp_path)


def test_a_file_that_is_no_configuration_by_its_size_is_a_mistake(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "a" * (1024 * 1024 + 1)) == [
        "w.yaml:1:1: is larger than 1 MiB: is this the configuration?"
    ]


def test_an_engine_that_is_not_installed_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(TARGET)
    with pytest.raises(ConfigurationError, match="the engine sqlite is not installed here"):
        load(Path("w.yaml"), environ={}, cwd=tmp_path, engines=["postgresql"])
