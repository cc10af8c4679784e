"""What the status page says of each state of affairs."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.demo import (
    PASSWORD,
    REFUSED,
    WRONG_PASSWORD,
    FakeClock,
    busy_day,
    calm_day,
    postgresql,
    services,
    sqlite,
    visit,
)
from watchdog.backups.status import judged
from watchdog.model import BackupSettings, Failure, Kind, Phase, Server
from watchdog.results import BackupStatus, ResultStore
from watchdog.web.page import StatusPage, code_spans
from watchdog.web.services import FailedReload
from watchdog.web.view import View
from watchdog.web.words import Words

SERVER = Server("postgres:5432", "postgresql")


def plain(text):
    return text.replace("\N{NO-BREAK SPACE}", " ")


def page_of(store, clock, language="en", **more):
    view = View(Words(language), clock.now(), clock.monotonic())
    return view.page(store.statuses(), store.servers(), **more)


def store_of(clock, *placed):
    store = ResultStore(clock)
    store.configure(placed)
    return store


def test_all_well_is_one_calm_sentence():
    clock = FakeClock()
    page = page_of(calm_day(clock), clock)
    assert (page.state, page.title) == ("up", "all up")
    assert page.headline == "All 12 databases answer"
    assert [plain(line) for line in page.sublines] == [
        "Every backup is in place; the oldest data is 7 h old"
    ]
    assert page.cards == ()


@pytest.mark.parametrize(
    ("language", "up", "down"),
    [
        ("en", "Both databases answer", "Both databases are down"),
        ("ru", "Обе базы данных отвечают", "Обе базы данных не отвечают"),
    ],
)
def test_of_two_databases_both_are_said(language, up, down):
    clock = FakeClock()
    pair = postgresql("auth-service"), sqlite("notes")
    store = store_of(clock, (pair[0], SERVER), (pair[1], None))
    for target in pair:
        store.put(visit(clock, target))
    assert page_of(store, clock, language).headline == up
    for target in pair:
        store.put(visit(clock, target, failure=WRONG_PASSWORD))
    assert page_of(store, clock, language).headline == down


def test_one_database_down_is_named_with_its_reason():
    clock = FakeClock()
    auth, notes = postgresql("auth-service"), sqlite("notes")
    store = store_of(clock, (auth, SERVER), (notes, None))
    store.put(visit(clock, notes))
    store.put(visit(clock, auth, failure=WRONG_PASSWORD))
    clock.advance(180)
    page = page_of(store, clock)
    assert (page.state, page.title) == ("down", "1 down")
    assert plain(page.headline) == "auth-service has been down for 3 min"
    assert page.sublines[0] == "Wrong password or user"
    assert page.sublines[1] == "The other one answers"
    (card,) = page.cards
    assert card.targets == "auth-service"
    assert card.open
    assert any("psql -h postgres" in step for step in card.hint.steps)


def test_one_trouble_of_a_server_is_one_card_however_many_targets():
    clock = FakeClock()
    targets = [postgresql(f"service-{number}") for number in range(6)]
    store = store_of(clock, *((target, SERVER) for target in targets))
    for target in targets:
        store.put(visit(clock, target, failure=REFUSED))
    page = page_of(store, clock)
    assert page.headline == "All 6 databases are down"
    (card,) = page.cards
    assert card.targets == "service-0, service-1, service-2 and 3 more"


def test_the_same_trouble_of_two_files_is_two_cards():
    clock = FakeClock()
    targets = [sqlite("one"), sqlite("two")]
    store = store_of(clock, *((target, None) for target in targets))
    for target in targets:
        store.put(visit(clock, target, failure=REFUSED))
    cards = page_of(store, clock).cards
    assert [card.targets for card in cards] == ["one", "two"]
    assert len({card.key for card in cards}) == 2


def test_the_same_trouble_in_many_places_is_one_card():
    clock = FakeClock()
    targets = [sqlite(f"file-{number}") for number in range(200)]
    store = store_of(clock, *((target, None) for target in targets))
    for target in targets:
        store.put(visit(clock, target, failure=REFUSED))
    (card,) = page_of(store, clock).cards
    assert card.targets == "file-0, file-1, file-2 and 197 more"


def lost(*names, language="en"):
    clock = FakeClock()
    targets = [postgresql(name) for name in names]
    store = store_of(clock, *((target, SERVER) for target in targets))
    for target in targets:
        known = BackupStatus(enabled=True, rpo=3600.0)
        store.put_backup(target.name, judged(known, target.name, clock.now()))
    return page_of(store, clock, language=language)


def test_a_target_without_any_backup_is_not_told_of_a_newest_one():
    for language, text in (
        ("en", "No proven backup of gone"),
        ("ru", "проверенной копии gone пока нет"),
    ):
        (card,) = lost("gone", language=language).cards
        assert text in card.hint.cause


def test_targets_share_a_card_only_where_the_same_is_said_of_them():
    cards = lost("wrongpw", "missing").cards
    assert [card.targets for card in cards] == ["wrongpw", "missing"]
    for card in cards:
        assert f"`db-watchdog backup {card.targets}`" in card.hint.steps[0]
    assert len({card.key for card in cards}) == 2
    (card,) = lost(*(f"service-{number}" for number in range(9))).cards
    assert "service-" not in card.hint.cause + "".join(card.hint.steps)


@pytest.mark.parametrize(("count", "told"), [(0, False), (1, True)])
def test_a_restore_is_offered_only_where_something_can_be_restored(count, told):
    clock = FakeClock()
    target = replace(sqlite("gone"), backup=BackupSettings("@daily", Path("/backups")))
    store = store_of(clock, (target, None))
    failure = Failure(Kind.SQLITE, "gone", Phase.OPEN, hint="sqlite_cantopen_missing_dir")
    store.put(visit(clock, target, failure=failure))
    store.put_backup("gone", BackupStatus(enabled=True, count=count))
    (card,) = page_of(store, clock).cards
    assert any("restore" in step for step in card.hint.steps) is told


def test_a_failure_without_a_hint_shows_its_message():
    clock = FakeClock()
    store = store_of(clock, (sqlite("notes"), None))
    odd = replace(REFUSED, hint="", message="something odd: password=hunter22 here")
    store.put(visit(clock, store.status("notes").target, failure=odd))
    (card,) = page_of(store, clock).cards
    assert card.hint is None
    assert card.title == "something odd: password=*** here"


def test_a_backup_that_missed_two_slots_is_not_in_place():
    clock = FakeClock()
    store = calm_day(clock)
    late = store.status("file-003").backup
    store.put_backup("file-003", replace(late, interval=3 * 3600.0))
    page = page_of(store, clock)
    assert page.sublines[-1] == "Backups overdue: file-003"
    rows = {row.name: row.recovery_state for group in page.groups for row in group.rows}
    assert (rows["file-003"], rows["file-004"]) == ("attention", "")


def test_a_backup_that_never_was_is_not_in_place():
    clock = FakeClock()
    store = calm_day(clock)
    store.put_backup("file-003", BackupStatus(enabled=True))
    page = page_of(store, clock)
    assert page.sublines[-1] == "No backup yet: file-003"


def test_nothing_known_yet_is_not_all_well():
    clock = FakeClock()
    store = store_of(clock, (sqlite("notes"), None), (sqlite("other"), None))
    page = page_of(store, clock)
    assert page.state == "unknown"
    assert page.headline == "Waiting for the first answer of 2 databases"
    store.put(visit(clock, store.status("notes").target))
    page = page_of(store, clock)
    assert page.state == "unknown"
    assert page.headline == "Waiting for the first answer of other"


def test_nothing_configured_says_so():
    page = page_of(ResultStore(FakeClock()), FakeClock())
    assert (page.state, page.headline, page.groups) == ("empty", "Nothing is watched yet", ())


def test_a_configuration_that_was_not_taken_is_told_at_the_top():
    clock = FakeClock()
    failed = FailedReload(clock.now(), ("w.yaml:3:5: listen: is <wrong>", "w.yaml:4:1: b: two"))
    for language, words in (
        ("en", ("mistakes in it: 2", "The one from before stands")),
        ("ru", ("ошибок в ней: 2", "Действует прежняя")),
    ):
        page = page_of(calm_day(clock), clock, language, failed_reload=failed)
        told = " ".join(page.notices)
        for word in (*words, "w.yaml:3:5: listen: is <wrong>", "check-config"):
            assert word in told
    assert page_of(calm_day(clock), clock).notices == ()


def test_a_stalled_watchdog_says_that_of_itself_first():
    clock = FakeClock()
    page = page_of(calm_day(clock), clock, stalled=True)
    assert page.state == "down"
    assert page.headline == "The watchdog itself has stalled"


def test_problems_come_first():
    clock = FakeClock()
    page = page_of(busy_day(clock), clock)
    assert [card.state for card in page.cards] == ["down", "down", "attention", "attention"]
    for group in page.groups:
        states = [row.state for row in group.rows]
        assert states == sorted(states, key=["down", "attention", "unknown", "up"].index)


def test_a_row_shows_what_is_known_and_nothing_else():
    clock = FakeClock()
    page = page_of(busy_day(clock), clock)
    rows = {row.name: row for group in page.groups for row in group.rows}
    auth, scratch, notes = rows["auth-service"], rows["scratch"], rows["notes"]
    assert auth.round_trip == ""
    assert auth.url == "postgresql://codelab:***@postgres:5432/auth_db"
    assert plain(auth.size) == "44.8 MiB"
    assert (scratch.verdict, scratch.size) == ("waiting for the first answer", "")
    assert scratch.recovery == "no backups"
    assert plain(notes.round_trip) == "1.2 ms"
    assert plain(notes.space) == "36.4 MiB and 3.9 MiB of WAL · 197 GiB free on its disk"
    assert sum(bar.width for bar in notes.phases) == pytest.approx(100)


def test_a_server_shows_its_connections_only_while_it_answers():
    clock = FakeClock()
    groups = {group.title: group for group in page_of(busy_day(clock), clock).groups}
    assert groups["postgres:5432"].share.text == "91 of 100 connections"
    assert groups["postgres:5432"].share.state == "attention"
    assert groups["10.0.4.17:5432"].silent
    assert groups["10.0.4.17:5432"].share is None


# ------------------------------------------------------------------ the HTML of it


class Outline(HTMLParser):
    """Checks nesting and collects ids and what needs a page that loads nothing foreign."""

    VOID = frozenset(["meta", "link", "use", "path", "rect", "circle", "br", "img", "input", "hr"])

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.addresses, self.headings, self.inline = [], [], [], [], []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag not in self.VOID:
            self.open.append(tag)
        if "id" in found:
            self.ids.append(found["id"])
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(tag)
        self.addresses += [found[name] for name in ("src", "href") if name in found]
        self.inline += [name for name in found if name.startswith("on") or name == "style"]
        if tag == "style" or (tag == "script" and "src" not in found):
            self.inline.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("scene", [busy_day, calm_day, ResultStore])
async def test_the_page_is_sound_html_without_secrets(scene, language):
    clock = FakeClock()
    html = await StatusPage(services(scene(clock), clock, language=language)).html()
    text = html.decode()
    assert text.startswith("<!doctype html>")
    outline = Outline()
    outline.feed(text)
    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))
    assert outline.inline == []
    assert outline.headings.count("h1") == 1
    assert PASSWORD not in text
    loaded = [a for a in outline.addresses if not a.startswith("#")]
    assert all(a.startswith(("/", "https://")) for a in loaded)
    assert f'<html lang="{language}">' in text


async def test_the_page_is_rendered_once_a_second_at_most():
    clock = FakeClock()
    page = StatusPage(services(calm_day(clock), clock))
    first = await page.html()
    assert await page.html() is first
    clock.advance(100)  # a slow machine may keep it for ten times as long as it took
    assert await page.html() is not first


@given(st.text())
def test_code_spans_lose_no_text_and_let_no_markup_in(text):
    html = str(code_spans(text))
    seen = HTMLText()
    seen.feed(html)
    seen.close()
    paired = text.count("`") // 2 * 2
    assert len(seen.text) == len(text) - paired
    assert set(seen.tags) <= {"code"}


class HTMLText(HTMLParser):
    def __init__(self):
        super().__init__()
        self.text, self.tags = "", []

    def handle_data(self, data):
        self.text += data

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
