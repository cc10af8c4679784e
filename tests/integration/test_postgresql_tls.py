"""TLS as libpq means it, on servers with and without it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.certificates import Certificates, make_certificates
from tests.support.postgres import Cluster
from tests.support.probing import asked
from tests.support.visits import ENGINE, visited
from watchdog.engines.postgresql.certificates import expiry
from watchdog.model import Failure, Kind, Phase


@dataclass(frozen=True)
class Tls:
    cluster: Cluster
    certificates: Certificates


@pytest.fixture(scope="module")
def tls(postgres_binaries: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tls]:
    certificates = make_certificates(tmp_path_factory.mktemp("certificates"))
    settings = {
        "ssl": True,
        "ssl_ca_file": certificates.ca_crt,
        "ssl_cert_file": certificates.server_crt,
        "ssl_key_file": certificates.server_key,
    }
    hba = (
        "hostssl certified all 127.0.0.1/32 cert",
        "hostssl only_tls all 127.0.0.1/32 scram-sha-256",
        "hostnossl only_plain all 127.0.0.1/32 scram-sha-256",
        "host postgres all 127.0.0.1/32 scram-sha-256",
    )
    with Cluster(hba=hba, **settings) as cluster:
        for name in ("certified", "only_tls", "only_plain"):
            cluster.create_database(name)
        yield Tls(cluster, certificates)


async def encrypted(tls: Tls, database: str = "postgres", **parameters: object) -> bool | Failure:
    texts = {name: str(value) for name, value in parameters.items()}
    target = tls.cluster.target("shop", database, **texts)
    failure = await visited(target)
    if failure is not None:
        return failure
    async with ENGINE.visit(target) as session:
        own = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"
        on_server = await session.fetchval(own)  # type: ignore[attr-defined]
        assert on_server == session.encrypted  # type: ignore[attr-defined]
        return bool(on_server)


async def test_each_mode_on_a_server_that_offers_both(tls: Tls) -> None:
    assert await encrypted(tls) is True
    assert await encrypted(tls, sslmode="disable") is False
    assert await encrypted(tls, sslmode="allow") is False
    assert await encrypted(tls, sslmode="prefer") is True
    assert await encrypted(tls, sslmode="require") is True
    root = tls.certificates.ca_crt
    assert await encrypted(tls, sslmode="verify-ca", sslrootcert=root) is True
    assert await encrypted(tls, sslmode="verify-full", sslrootcert=root) is True


async def test_prefer_and_allow_find_what_pg_hba_lets_in(tls: Tls) -> None:
    assert await encrypted(tls, "only_plain", sslmode="prefer") is False
    assert await encrypted(tls, "only_tls", sslmode="allow") is True


async def test_tls_is_required_by_pg_hba(tls: Tls) -> None:
    failure = await encrypted(tls, "only_tls", sslmode="disable")
    assert isinstance(failure, Failure)
    assert (failure.phase, failure.code) == (Phase.AUTHENTICATE, "28000")
    assert failure.hint in ("tls_required", "hba_rejected")


async def test_a_demand_that_the_server_does_not_meet(cluster: Cluster) -> None:
    failure = await visited(cluster.target("shop", sslmode="require"))
    assert failure is not None
    assert (failure.kind, failure.phase, failure.hint) == (
        Kind.TLS,
        Phase.TLS,
        "tls_not_supported",
    )
    assert await visited(cluster.target("shop", sslmode="prefer")) is None


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
async def test_a_certificate_of_another_authority(tls: Tls, mode: str) -> None:
    failure = await encrypted(tls, sslmode=mode, sslrootcert=tls.certificates.other_crt)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.phase, failure.hint) == (Kind.TLS, Phase.TLS, "tls_cert_invalid")


async def test_the_systems_authorities_do_not_know_it(tls: Tls) -> None:
    failure = await encrypted(tls, sslrootcert="system")
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.hint) == (Kind.TLS, "tls_cert_invalid")
    weak = await encrypted(tls, sslrootcert="system", sslmode="require")
    assert isinstance(weak, Failure)
    assert "verify-full" in weak.message


async def test_a_root_certificate_that_is_missing_or_none(tls: Tls, tmp_path: Path) -> None:
    missing = await encrypted(tls, sslmode="verify-full", sslrootcert=tmp_path / "root.crt")
    assert isinstance(missing, Failure)
    assert (missing.kind, missing.hint) == (Kind.TLS, "tls_cert_invalid")
    assert str(tmp_path / "root.crt") in missing.message
    (tmp_path / "root.crt").write_text("no certificate")
    broken = await encrypted(tls, sslmode="verify-full", sslrootcert=tmp_path / "root.crt")
    assert isinstance(broken, Failure)
    assert (broken.kind, broken.hint) == (Kind.TLS, "tls_cert_invalid")


async def test_the_name_in_the_certificate_counts_for_verify_full_alone(
    tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls.cluster, "host", "localhost")  # the certificate is for 127.0.0.1
    root = tls.certificates.ca_crt
    assert await encrypted(tls, sslmode="verify-ca", sslrootcert=root) is True
    failure = await encrypted(tls, sslmode="verify-full", sslrootcert=root)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.phase, failure.hint) == (Kind.TLS, Phase.TLS, "tls_cert_invalid")


async def test_a_login_by_the_clients_own_certificate(tls: Tls) -> None:
    mine = {"sslcert": tls.certificates.client_crt, "sslkey": tls.certificates.client_key}
    assert await encrypted(tls, "certified", sslmode="require", **mine) is True
    without = await encrypted(tls, "certified", sslmode="require")
    assert isinstance(without, Failure)
    assert (without.kind, without.phase, without.code) == (Kind.AUTH, Phase.AUTHENTICATE, "28000")


async def test_direct_tls_where_the_server_knows_it(tls: Tls) -> None:
    if int(tls.cluster.sql("show server_version_num")) < 170000:
        pytest.skip("direct TLS came with PostgreSQL 17")
    assert await encrypted(tls, sslmode="require", sslnegotiation="direct") is True


async def test_a_home_that_is_closed_or_missing_is_no_obstacle(
    tls: Tls, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    for home in ("/nowhere/at/all", "/proc/1/root/../../dev/null"):
        monkeypatch.setenv("HOME", home)
        assert await encrypted(tls, sslmode="require") is True
        assert await visited(cluster.target("shop", password="", user="nobody")) is not None


async def test_the_end_of_the_servers_certificate_and_encrypted_clients_are_told(tls: Tls) -> None:
    written = ssl._ssl._test_decode_cert(str(tls.certificates.server_crt))  # type: ignore[attr-defined]
    end = ssl.cert_time_to_seconds(written["notAfter"])
    for mode in ("require", "verify-ca"):  # verified or not
        target = tls.cluster.target("shop", sslmode=mode, sslrootcert=str(tls.certificates.ca_crt))
        found = await asked(target, "certificate", "encryption")
        assert found["certificate_expiry_timestamp_seconds"] == end
        assert found["network_connections", "yes"] >= 1
    plain = await asked(tls.cluster.target("shop", sslmode="disable"), "certificate")
    assert "certificate_expiry_timestamp_seconds" not in plain


@pytest.mark.parametrize("length", range(40))
def test_bytes_that_are_no_certificate_have_no_end(tls: Tls, length: int) -> None:
    whole = ssl.PEM_cert_to_DER_cert(tls.certificates.server_crt.read_text())
    assert expiry(whole) is not None
    assert expiry(whole[:length]) is None
    assert expiry(bytes(range(length))) is None
