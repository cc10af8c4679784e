"""The web configuration file while the server runs: what is taken, what is kept."""

import asyncio

import bcrypt
import pytest

from tests.support.certificates import make_certificates
from watchdog.config import WebFile, load_web_file
from watchdog.web import following as module
from watchdog.web.access import Access
from watchdog.web.following import Following

HASHES = {
    name: bcrypt.hashpw(name.encode(), bcrypt.gensalt(4)).decode() for name in ("alice", "bob")
}


def users(*names):
    return "basic_auth_users:\n" + "".join(f"  {name}: {HASHES[name]}\n" for name in names)


class Kept:
    """A file that is followed, and what holds."""

    def __init__(self, file):
        self.file = file
        self.access = Access()
        self.renewals = 0
        self.following = Following(self.access, self.renew)

    def renew(self):
        self.renewals += 1

    @property
    def good(self):
        found = {s.metric.name: s.value for s in self.following.samples()}
        return found["watchdog_web_config_last_reload_successful"]

    async def until(self, condition):
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.sleep(0.005)


@pytest.fixture
async def kept(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_PERIOD", 0.01)
    monkeypatch.setattr(module, "_SETTLING", 0.01)
    file = tmp_path / "web.yml"
    file.write_text(users("alice"))
    made = Kept(file)
    await made.following.take(load_web_file(file), trust_network=False)
    task = asyncio.create_task(made.following.follow())
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def names(kept):
    return set(kept.access.web.users)


async def test_a_new_user_holds_without_new_connections(kept):
    kept.file.write_text(users("alice", "bob"))
    await kept.until(lambda: names(kept) == {"alice", "bob"})
    assert kept.good == 1
    assert kept.renewals == 0


async def test_what_is_bad_or_gone_keeps_the_last_good_one_until_it_is_mended(kept):
    kept.file.write_text("basic_auth_users: {alice: plain}\n")
    await kept.until(lambda: kept.good == 0)
    assert names(kept) == {"alice"}
    kept.file.unlink()
    await asyncio.sleep(0.1)
    assert (names(kept), kept.good) == ({"alice"}, 0)
    kept.file.write_text(users("bob"))
    await kept.until(lambda: names(kept) == {"bob"})
    assert kept.good == 1


@pytest.mark.parametrize("text", ["", "# nothing\n", "rate_limit: {interval: 1s, burst: 9}\n"])
async def test_a_file_that_lost_its_content_opens_nothing(kept, text):
    kept.file.write_text(text)
    await kept.until(lambda: kept.good == 0)
    assert names(kept) == {"alice"}


async def test_a_certificate_that_comes_later_is_noticed(kept):
    """What a bad file names is followed, too: its repair may be elsewhere."""
    text = users("alice") + "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
    kept.file.write_text(text)
    await kept.until(lambda: kept.good == 0)
    assert kept.access.web.tls is None
    make_certificates(kept.file.parent)
    await kept.until(lambda: kept.access.web.tls is not None)
    assert kept.good == 1
    assert kept.renewals == 1


async def test_a_right_that_is_given_back_is_noticed_and_the_same_content_is_no_news(kept):
    kept.file.write_text(users("alice"))
    kept.file.chmod(0o640)
    await asyncio.sleep(0.1)
    assert (names(kept), kept.good, kept.renewals) == ({"alice"}, 1, 0)


async def test_a_file_that_changed_between_reading_and_following_is_read_again(kept):
    kept.file.write_text(users("bob"))
    stale = WebFile(kept.file, users=dict(kept.access.web.users), files=(kept.file,))
    await kept.following.take(stale, trust_network=False)
    await kept.until(lambda: names(kept) == {"bob"})
