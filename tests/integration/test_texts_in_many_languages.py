"""What a real server, psql, pg_dump and asyncpg say in each language leads to the right hint.

The text alone has to do: what ``explain`` is given is a line of somebody's log.
One language is of every run, the others of the lab's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support import languages
from tests.support.foreign_troubles import Speaker, Told
from watchdog.hints import Evidence, match

ALWAYS = "ru"
FEWEST = 70  # texts in each language


@pytest.fixture(scope="module")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Speaker]:
    speech = languages.spoken(tmp_path_factory.mktemp("locales"))
    with ExitStack() as stack:
        yield Speaker(speech, stack)


@pytest.mark.parametrize(
    "language",
    [
        pytest.param(each, marks=() if each == ALWAYS else pytest.mark.lab)
        for each in languages.LOCALES
    ],
)
async def test_the_first_hint_is_right_by_the_text_alone(
    speaker: Speaker, language: str, record_property: pytest.RecordProperty
) -> None:
    languages.require(language)
    speaker.speak(language)
    told = [
        *await speaker.logins(language),
        *await speaker.statements(language),
        *await speaker.crowded(language),
        *await speaker.going(language),
    ]
    assert len(told) >= FEWEST
    wrong = [line for each in told if (line := judged(each))]
    record_property("score", f"provoked in {language}: {len(told) - len(wrong)} of {len(told)}")
    assert not wrong, "\n".join(wrong)


def judged(told: Told) -> str:
    """Return what is wrong with the hint of a text, "" for nothing."""
    found = match(Evidence(text=told.text))
    first = found[0].id if found else ""
    if first in (told.hints or ("",)):
        return ""
    wanted = " or ".join(told.hints) or "none"
    return f"{told.trouble} by {told.source} gives {first or 'none'}, not {wanted}: {told.text!r}"
