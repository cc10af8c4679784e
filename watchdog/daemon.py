"""The composition root: finds the plug-ins, builds everything, runs it, ends it in order.

Owns: one TaskGroup of infrastructure, signals, reload, readiness and the
shutdown order. Must not know: what any probe, page or backup says.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import structlog

from watchdog import log
from watchdog.backup_watch import BackupWatch
from watchdog.backups.destination import Destinations, state_folder
from watchdog.clock import Clock
from watchdog.config import Config
from watchdog.diagnosis_watch import DiagnosisWatch
from watchdog.engines import Engines
from watchdog.errors import ConfigurationError
from watchdog.incidents import Book
from watchdog.incidents.keeping import Keeping
from watchdog.metrics import names
from watchdog.metrics.exposition import Exposition
from watchdog.metrics.process import ProcessState, SystemView
from watchdog.model import Lane, Sample
from watchdog.proof_watch import ProofWatch
from watchdog.report import Report
from watchdog.results import ResultStore
from watchdog.scheduling.clock_guard import ClockGuard
from watchdog.scheduling.runner import Runner
from watchdog.scheduling.scheduler import Scheduler
from watchdog.secret import mask
from watchdog.systemd import Notifier
from watchdog.watch import Watch
from watchdog.web.access import Access
from watchdog.web.application import build
from watchdog.web.following import Following
from watchdog.web.server import HttpServer
from watchdog.web.services import FailedReload, Health, Services

_PROBE_GRACE: Final = 1.0  # seconds that probes get to end by themselves at a stop
_STOP_PATIENCE: Final = 6.0  # seconds for the clean-up of all that runs
_STATUS_PERIOD: Final = 5.0

_log = structlog.get_logger("watchdog.daemon")


class Daemon:
    """The daemon. ``run`` returns after a clean stop; whatever it raises is a reason to exit 1.

    *load* reads the configuration afresh; it raises ``ConfigurationError``.
    """

    def __init__(
        self,
        config: Config,
        load: Callable[[], Config],
        engines: Engines,
        environ: Mapping[str, str],
        clock: Clock,
    ) -> None:
        self._config = config
        self._load = load
        self._engines = engines
        self._clock = clock
        self._notifier = Notifier(environ)
        self._store = ResultStore(clock)
        self._report = Report(self._store, clock, config.log.language)
        self._runner = Runner(clock, self._report.take)
        self._scheduler = Scheduler(clock)
        self._watch = Watch(engines, clock, self._store, self._runner, self._scheduler)
        self._backups = BackupWatch(
            engines,
            clock,
            self._report,
            self._store,
            self._runner,
            self._scheduler,
            Destinations(state_folder(environ, config.state_directory)),
        )
        self._proofs = ProofWatch(
            engines, clock, self._store, self._runner, self._scheduler, self._backups.rescan
        )
        state = state_folder(environ, config.state_directory)
        engines.prepare = lambda engine: engine.use_scratch(state)
        self._incidents = Keeping(Book(state), clock)
        self._diagnoses = DiagnosisWatch(
            engines, clock, self._store, self._runner, self._watch.ask_server, self._incidents
        )
        self._process = ProcessState(clock)
        self._guard = ClockGuard(clock, self._clock_stepped)
        self._exposition = Exposition(
            self._store,
            clock,
            lambda target: engines[target.engine].description(target),
            [self._process.samples, self._own_samples],
            SystemView(),
        )
        self._report.listeners += [
            self._exposition.on_result,
            self._watch.on_result,
            self._diagnoses.on_result,
        ]
        self._report.backup_listeners += [
            self._exposition.on_backup,
            self._diagnoses.on_backup,
            self._proofs.on_backup,
        ]
        self._services = self._make_services()
        self._access = Access(config.web, trust_network=config.trust_network)
        self._web = HttpServer(build(self._services, self._access), self._access)
        self._following = Following(self._access, self._web.renew_connections)
        self._exposition.add_provider(self._web.samples)
        self._exposition.add_provider(self._following.samples)
        self._stop = asyncio.Event()
        self._reload_wanted = asyncio.Event()
        self._reload_lock = asyncio.Lock()
        self._ready = False

    # ------------------------------------------------------------------ life

    async def run(self) -> None:
        """Serve until a signal; then stop in order, within ten seconds."""
        self._take_signals()
        self._say_what_is_configured(self._config)
        await self._web.start(str(self._config.listen))
        self._scheduler.start()
        self._diagnoses.configure(self._config.targets)
        self._diagnoses.take_over(await self._incidents.open_records())
        await self._apply(self._config)
        infrastructure = {
            "web": self._web.run(),
            "clock guard": self._guard.watch(),
            "reloads": self._serve_reloads(),
            "status line": self._tell_status(),
            "keep-alive": self._keep_alive(),
            "backups": self._backups.rescan_regularly(),
            "incidents": self._incidents.write_on(),
            "web configuration": self._following.follow(),
        }
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work, name=name) for name, work in infrastructure.items()]
            self._watch.kick_all("start")
            self._notifier.ready(self._status_line())
            self._say_where_to_look()
            await self._stop.wait()
            await self._shut_down()
            for task in tasks[1:]:
                task.cancel()
        _log.info("stopped")

    async def _shut_down(self) -> None:
        self._notifier.stopping("stopping")
        _log.info("stopping", running=[t.action.key for t in self._runner.in_flight()])
        self._scheduler.stop()
        await self._runner.stop(_PROBE_GRACE, _STOP_PATIENCE)
        await self._watch.close()
        await self._incidents.flush(1.0)
        # The listener goes last, so that the last scrape sees how it ended.
        self._web.stop()

    def _take_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_stop_signal, number)
        loop.add_signal_handler(signal.SIGHUP, self._reload_wanted.set)

    def _on_stop_signal(self, number: signal.Signals) -> None:
        _log.info("signal received", signal=number.name)
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            # Who asks twice does not want to wait: the second ends us at once.
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)
        self._stop.set()

    # ------------------------------------------------------------------ configuration

    async def _apply(self, config: Config) -> None:
        self._config = config
        self._report.language = self._services.language = config.log.language
        self._access.language, self._access.by_variables = config.log.language, config.file is None
        self._services.configuration = config.source
        self._services.reload = self._reload_over_http if config.reload_over_http else None
        log.configure(config.log.format, config.log.level)
        await self._following.take(config.web, trust_network=config.trust_network)
        before = {status.target.name for status in self._store}
        await self._watch.configure(config.targets)
        self._diagnoses.configure(config.targets)
        self._report.forget(sorted(before - {target.name for target in config.targets}))
        await self._backups.configure(config.targets)
        await self._proofs.configure(config.targets)
        self._exposition.reconfigure()

    async def _serve_reloads(self) -> None:
        while True:
            await self._reload_wanted.wait()
            self._reload_wanted.clear()
            self._notifier.reloading()
            await self.reload()
            self._notifier.ready(self._status_line())

    async def reload(self) -> list[str]:
        """Read the configuration again; return its mistakes, none if it was taken.

        A bad file changes nothing but the gauge.
        """
        async with self._reload_lock:
            try:
                config = await asyncio.to_thread(self._load)
            except ConfigurationError as error:
                self._process.reloaded(successful=False)
                mistakes = [mask(line) for line in error.mistakes]
                self._services.failed_reload = FailedReload(self._clock.now(), tuple(mistakes))
                _log.error("configuration not reloaded, the last good one stays", mistakes=mistakes)
                return mistakes
            if config.listen != self._config.listen:
                _log.warning(
                    "a new listen address takes a restart: systemctl restart db-watchdog",
                    listen=self._web.addresses,
                )
            self._say_what_is_configured(config)
            await self._apply(config)
            self._watch.kick_all("reload")
            self._process.reloaded(successful=True)
            self._services.failed_reload = None
            self._following.say_who_may_enter(self._web.addresses)
            _log.info("configuration reloaded", targets=len(config.targets))
            return []

    def _say_what_is_configured(self, config: Config) -> None:
        _log.info("configuration read", source=config.source, targets=len(config.targets))
        for note in config.notes:
            _log.info("note", note=note)
        for target in config.targets:
            _log.info(
                f"database {target.name} configured",
                target=target.name,
                engine=target.engine,
                url=target.url.masked,
                backup=target.backup.schedule if target.backup else "off",
            )

    def _say_where_to_look(self) -> None:
        places = sorted({str(t.backup.directory) for t in self._config.targets if t.backup})
        self._following.say_who_may_enter(self._web.addresses)
        for base in self._web.base_urls:
            # A page that answers strangers with 403 is not offered.
            page = {} if self._access.for_strangers else {"page": f"{base}/"}
            _log.info("ready", **page, metrics=f"{base}/metrics", backups=places)

    # ------------------------------------------------------------------ what others read

    def _make_services(self) -> Services:
        return Services(
            store=self._store,
            exposition=self._exposition,
            clock=self._clock,
            probe_now=self._probe_now,
            catalogue=self._backups.documents,
            awaited=self.awaited,
            health=self._health,
            language=self._config.log.language,
            configuration=self._config.source,
            incidents=self._incidents,
        )

    async def _probe_now(self, name: str, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._watch.probe([name], "/probe")
        except TimeoutError:
            return False
        return True

    async def _reload_over_http(self) -> None:
        mistakes = await self.reload()
        if mistakes:
            raise ConfigurationError(mistakes)

    def _health(self) -> Health:
        statuses = self._store.statuses()
        return Health(
            ok=self.progressing(),
            details={
                "targets": len(statuses),
                "up": sum(status.up is True for status in statuses),
                "loop_lag_seconds": self._guard.loop_lag,
            },
        )

    def awaited(self) -> list[str]:
        """Return the initial targets that have not had their first round; none once ready."""
        if not self._ready:
            waiting = [s.target.name for s in self._store if s.up is None]
            if waiting:
                return waiting
            self._ready = True
        return []

    def progressing(self) -> bool:
        """Whether timers turn and no flight is far beyond its deadline."""
        if self._stop.is_set():
            return True
        return self._scheduler.turning() and not self._runner.stuck()

    def _own_samples(self) -> Iterable[Sample]:
        self._process.lagged(self._guard.loop_lag)
        yield names.CLOCK_STEPS.sample(self._guard.steps)
        for lane in Lane:
            yield names.OVERLAPS.sample(self._runner.overlaps[lane], lane.value)
            yield names.RUNS.sample(self._runner.runs[lane], lane.value)
            yield names.LANE_ACTIONS.sample(len(self._runner.in_flight(lane)), lane.value)

    # ------------------------------------------------------------------ regular duties

    def _clock_stepped(self, _seconds: float) -> None:
        self._scheduler.reanchor()
        self._backups.reschedule()
        self._proofs.reschedule()

    async def _tell_status(self) -> None:
        while True:
            self._notifier.status(self._status_line())
            await asyncio.sleep(_STATUS_PERIOD)

    async def _keep_alive(self) -> None:
        interval = self._notifier.keepalive_interval
        if interval is None:
            return
        while True:
            # Only while rounds progress: a loop that merely spins is not alive.
            if self.progressing():
                self._notifier.alive()
            await asyncio.sleep(interval)

    def _status_line(self) -> str:
        statuses = self._store.statuses()
        up = sum(status.up is True for status in statuses)
        down = [status.target.name for status in statuses if status.up is False]
        line = f"{up} of {len(statuses)} databases up"
        if down:
            line += f"; down: {', '.join(down[:5])}" + (" …" if len(down) > 5 else "")
        points = [s.backup.recovery_point for s in statuses if s.backup.recovery_point]
        if points:
            age = (self._clock.now() - min(points)).total_seconds()
            hours, minutes = divmod(max(0, round(age / 60)), 60)
            line += f"; oldest recovery point {hours}:{minutes:02} ago"
        return line
