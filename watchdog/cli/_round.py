"""One round by a command: what the daemon does, once, without announcing anything.

Owns: the smallest arrangement of rooms that a round needs. Must not know:
how it is shown.
"""

from __future__ import annotations

from collections.abc import Sequence

from watchdog.cli._configuration import Loading
from watchdog.clock import SystemClock
from watchdog.diagnosis_watch import DiagnosisWatch
from watchdog.model import Target
from watchdog.report import Report
from watchdog.results import ResultStore
from watchdog.scheduling.runner import Runner
from watchdog.watch import Watch


async def one_round(
    store: ResultStore, loading: Loading, targets: Sequence[Target], *, look_closer: bool = False
) -> None:
    """Probe *targets* once and put what was found into *store*.

    With *look_closer* every failure is looked into as the daemon does.
    """
    clock = SystemClock()
    # Nothing is announced: the lines are the command's own.
    report = Report(store, clock, announce=False)
    runner = Runner(clock, report.take)
    watch = Watch(loading.engines, clock, store, runner)
    diagnoses = DiagnosisWatch(loading.engines, clock, store, runner, watch.ask_server)
    if look_closer:
        report.listeners.append(diagnoses.on_result)
    try:
        await watch.configure(targets)
        diagnoses.configure(targets)
        await watch.probe([target.name for target in targets], "command")
        await diagnoses.finished()
    finally:
        await runner.stop(0)
        await watch.close()
