"""Which format a scraper gets, and that what is compressed is what was said."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.metrics import negotiation
from watchdog.metrics.exposition import Parts
from watchdog.metrics.negotiation import TEXT, Compressor, choose, gzip_accepted

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;"
    "q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT_1 = "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        ("text/html,application/xhtml+xml,*/*;q=0.8", TEXT),
        ("text/plain", TEXT),
        ("application/json", TEXT),
        (PROMETHEUS_2, f"{OPENMETRICS}; escaping=underscores"),
        (PROMETHEUS_3, f"{OPENMETRICS}; escaping=allow-utf-8"),
        ("application/openmetrics-text", OPENMETRICS),
        ("application/openmetrics-text;version=0.0.1", TEXT),
        # 2.0.0 is not final: what is served says 1.0.0
        ("application/openmetrics-text;version=2.0.0", f"{OPENMETRICS}; escaping=underscores"),
        ("text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;q=0.5", TEXT_1),
        # dots would have to rename our metrics
        (f"{OPENMETRICS};escaping=dots", f"{OPENMETRICS}; escaping=underscores"),
        ("text/plain;q=0.9,application/openmetrics-text;q=0.1", TEXT),
        ("application/openmetrics-text;q=0,text/plain", TEXT),
        ("application/openmetrics-text;q=nonsense", TEXT),
        (";;;,,,=;q=", TEXT),
    ],
)  # fmt: skip
def test_the_format_follows_accept(accept, content_type):
    chosen = choose(accept)
    assert chosen.content_type == content_type
    assert chosen.openmetrics is content_type.startswith("application/openmetrics-text")


@given(st.text())
def test_no_accept_header_breaks_it(accept):
    assert choose(accept).content_type


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("", False),
        ("gzip", True),
        ("deflate, GZIP;q=1.0, br", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0", False),
        ("identity", False),
        ("x-gzip-like", False),
    ],
)
def test_gzip_is_only_sent_to_who_takes_it(header, accepted):
    assert gzip_accepted(header) is accepted


async def test_a_compressed_page_is_one_gzip_member_of_both_parts():
    compressor = Compressor()
    settled = b"watchdog_up 1.0\n" * 1000
    for moving in (b"", b"watchdog_observed_seconds_total 1.5\n", b"x" * 100_000):
        packed = await compressor.compress(Parts(settled, moving), openmetrics=False)
        assert gzip.decompress(packed) == settled + moving
        # readers that stop after the first member (browsers, httpx) see all of it
        reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
        assert reader.decompress(packed) == settled + moving
        assert reader.eof
        assert not reader.unused_data


async def test_the_settled_part_is_compressed_once_while_it_stays(monkeypatch):
    seen = []
    deflate = negotiation._deflate
    monkeypatch.setattr(negotiation, "_deflate", lambda text: seen.append(text) or deflate(text))
    compressor = Compressor()
    settled = b"a" * 100
    for moving in (b"1", b"2"):
        await compressor.compress(Parts(settled, moving), openmetrics=False)
    assert len(seen) == 1
    await compressor.compress(Parts(b"b" * 100, b"3"), openmetrics=False)
    assert len(seen) == 2


async def test_the_formats_are_kept_apart():
    compressor = Compressor()
    one = await compressor.compress(Parts(b"text", b"1"), openmetrics=False)
    two = await compressor.compress(Parts(b"openmetrics", b"2"), openmetrics=True)
    assert gzip.decompress(one) == b"text1"
    assert gzip.decompress(two) == b"openmetrics2"


async def test_a_large_page_is_compressed_too():
    settled = bytes(range(256)) * 8192
    packed = await Compressor().compress(Parts(settled, b"end"), openmetrics=False)
    assert gzip.decompress(packed) == settled + b"end"
