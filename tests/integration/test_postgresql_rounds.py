"""A whole round on a real server: what one probe may not ask costs that probe alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.clock import FakeClock
from tests.support.postgres import Cluster, with_probe
from tests.support.visits import ENGINE
from watchdog.model import Kind, Outcome, ProbeRun, Result, Target
from watchdog.rounds import ServerRound, TargetVisit


@pytest.fixture(scope="module")
def server(postgres_binaries: None) -> Iterator[Cluster]:
    with Cluster() as cluster:
        cluster.create_database("shop")
        # The held session is in postgres, and privileges on functions are of each database.
        cluster.sql("revoke execute on function pg_control_checkpoint() from public")
        cluster.sql("revoke execute on function pg_ls_waldir() from pg_monitor")
        yield cluster


@pytest.fixture
def target(server: Cluster) -> Target:
    return with_probe(server.target("shop", "shop"), interval=15.0, timeout=100.0)


@pytest.fixture
async def watching(target: Target) -> AsyncIterator[tuple[ServerRound, TargetVisit, FakeClock]]:
    clock = FakeClock()
    visit = TargetVisit(ENGINE, target, clock, shares_server=True)
    of_server = ENGINE.server_of(target)
    server_round = ServerRound(ENGINE, of_server, [visit], clock, lambda: None, lambda _: None)
    yield server_round, visit, clock
    await server_round.close()


def runs(result: Result | None) -> dict[str, ProbeRun]:
    assert result is not None
    assert result.outcome is Outcome.OK
    return {run.probe: run for run in result.probes}


def denials(server: Cluster) -> int:
    return server.log_text().count("ERROR:  permission denied")


async def test_a_denied_function_fails_its_probes_alone_and_is_left_in_peace(
    server: Cluster, watching: tuple[ServerRound, TargetVisit, FakeClock]
) -> None:
    server_round, _, clock = watching
    before = denials(server)
    first = runs(await server_round.work())
    denied = {name for name, run in first.items() if not run.success}
    assert denied == {"server_info", "checkpoints", "transaction_ids"}
    for name in denied:
        failure = first[name].failure
        assert failure is not None
        assert (failure.kind, failure.code) == (Kind.PRIVILEGE, "42501")
        assert first[name].interval == 600.0
    # It may not be listed either, but that is known without asking in vain.
    assert first["wal_directory"].success
    assert first["wal_directory"].answer.samples == ()
    for _ in range(10):
        clock.advance(15.0)
        assert not denied & set(runs(await server_round.work()))
    assert denials(server) - before == 3
    clock.advance(600.0)
    assert denied <= set(runs(await server_round.work()))


async def test_each_probe_is_asked_at_its_own_interval(
    watching: tuple[ServerRound, TargetVisit, FakeClock],
) -> None:
    server_round, visit, clock = watching
    assert "settings" in runs(await server_round.work())
    of_visit = runs(await visit.work())
    assert {"target", "tables", "sequences", "extensions"} <= set(of_visit)
    assert all(run.success for run in of_visit.values())
    clock.advance(60.0)
    second = runs(await server_round.work())
    assert {"connections", "activity", "databases"} <= set(second)
    assert not {"settings", "database_size", "superusers"} & set(second)
    assert set(runs(await visit.work())) == {"certificate", "target"}
    clock.advance(300.0)
    assert {"tables", "indexes"} <= set(runs(await visit.work()))
