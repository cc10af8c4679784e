"""What PostgreSQL says in any language leads where its English leads."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from watchdog import hints
from watchdog.hints import Evidence, match
from watchdog.hints.facts import facts_of
from watchdog.hints.translations import english

TABLE = Path(hints.__file__).with_name("translations.txt")
LANGUAGES = {
    "ru": 'ВАЖНО:  база данных "app" не существует',
    "de": "FATAL:  Datenbank »app« existiert nicht",
    "fr": "FATAL:  la base de données « app » n'existe pas",
    "es": "FATAL:  no existe la base de datos «app»",
    "it": 'FATALE:  il database "app" non esiste',
    "pt": 'FATAL:  banco de dados "app" não existe',
    "pl": 'KATASTROFALNY:  baza danych "app" nie istnieje',
    "tr": 'ÖLÜMCÜL (FATAL):  "app" veritabanı mevcut değil',
    "sv": 'FATALT:  databasen "app" existerar inte',
    "uk": 'ФАТАЛЬНО:  бази даних "app" не існує',
    "ja": 'FATAL:  データベース"app"は存在しません',
    "zh_CN": '致命错误:  数据库 "app" 不存在',
    "zh_TW": '嚴重錯誤:  資料庫 "app" 不存在',
    "ko": '치명적오류:  "app" 데이터베이스 없음',
}


def filled(template: str) -> str:
    return re.sub(r"\{\w+\}", lambda hole: f"abc{hole.group()[1:-1]}", template)


def pairs() -> Iterator[tuple[str, str]]:
    meant = ""
    for line in TABLE.read_text("utf-8").splitlines():
        if not line.startswith("\t"):
            meant = line
        elif not (meant.endswith(":") and " " not in meant):
            yield filled(meant), filled(line.split("\t", 2)[2])


def first(text: str) -> str:
    found = match(Evidence(text=f"ERROR:  {text}"))
    return found[0].id if found else "none"


def test_a_translation_leads_where_the_english_leads(
    record_property: Callable[[str, object], None],
) -> None:
    # One in three: that is enough to see a defect of any kind.
    every = list(pairs())[::3]
    wrong = [(meant, said) for meant, said in every if first(meant) != first(said)]
    record_property("score", f"translations understood: {len(every) - len(wrong)} of {len(every)}")
    assert len(wrong) <= len(every) // 500, wrong


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_in_a_translation_are_read(language: str) -> None:
    text = LANGUAGES[language]
    assert match(Evidence(text=text))[0].id == "database_missing"
    assert facts_of(text)["database"] == "app"


def test_an_address_in_a_translation_is_read() -> None:
    text = 'подключиться к серверу "db1" (10.0.0.5), порту 5433 не удалось: В соединении отказано'
    assert english(text).endswith(": connection refused")
    assert facts_of(text) == {"host": "db1", "port": "5433"}


@pytest.mark.timeout(60)
def test_hostile_text_takes_bounded_time() -> None:
    many = [said for _, said in pairs() if said.count("abc") >= 2][::40]
    assert many
    for said in many:
        pieces = [piece.strip() for piece in re.split(r"abc\w", said) if piece.strip()]
        text = pieces[-1] + " " + " ".join(pieces[:-1]) * (4000 // len(said))
        started = time.process_time()
        english(text)
        assert time.process_time() - started < 2, said


def test_ordinary_text_stays_as_it_is() -> None:
    for text in ("LOG:  checkpoint complete", "Привет, мир", "Die Datenbank ist schön", ""):
        assert english(text) == text


def test_the_same_letter_written_in_two_ways_is_one() -> None:
    for word in ("прошёл", "прошел"):
        text = f'ВАЖНО:  пользователь "app" не {word} проверку подлинности (по паролю)'
        assert match(Evidence(text=text))[0].id == "auth_failed"
