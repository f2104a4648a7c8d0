"""Serve the app with gunicorn: many threads per worker, no secrets in its logs, a graceful stop."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from wsgiref.types import WSGIApplication

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from connector.config.settings import Settings
from connector.serving.addresses import RuleBook
from connector.serving.cores import Cores
from connector.serving.limits import Limits
from connector.serving.worker import BACKLOG, CollectingWorker
from connector.telemetry import logs, metrics

_OTHER_FILES = 100  # beside connections: logs, the database, what the worker pushes


@dataclass(frozen=True)
class Service:
    """What is served in one process: the app, whether upstream has accepted a key here lately,
    what to do when a stop begins, and what when the process ends."""

    app: WSGIApplication
    accepted: Callable[[str], bool] = lambda _key: False
    wind_down: Callable[[], None] = lambda: None
    stop: Callable[[], None] = lambda: None


def run(
    settings: Settings,
    begin: Callable[[Settings], Service],
    on_ready: Callable[[str], None] | None = None,
    limits: Limits | None = None,
) -> None:
    """Serve until SIGTERM (finishes what is in flight) or SIGINT; ends by SystemExit.

    `begin` is called once in every worker, after the fork, so that its threads and connections
    belong to that worker. `on_ready` gets the address, host:port, once it listens.
    """
    limits = limits or Limits()
    logs.configure_logging(settings.log_level, settings.log_format)
    logs.log_crashes()
    others = settings.threads * 2 + _OTHER_FILES
    connections = max(1, _open_files(limits.connections + others) - others)
    with _metrics_shared_by(settings.workers):
        _Server(settings, begin, on_ready, limits, min(connections, limits.connections)).run()


class _Server(BaseApplication):  # type: ignore[misc]
    """gunicorn's application, configured by ours."""

    def __init__(
        self,
        settings: Settings,
        begin: Callable[[Settings], Service],
        on_ready: Callable[[str], None] | None,
        limits: Limits,
        connections: int,
    ) -> None:
        self._settings, self._begin, self._on_ready = settings, begin, on_ready
        self.limits, self.connections = limits, connections
        self._service: Service | None = None
        super().__init__()

    def load_config(self) -> None:
        for name, value in gunicorn_settings(self._settings).items():
            self.cfg.set(name, value)
        self.cfg.set("when_ready", self._ready)
        self.cfg.set("worker_exit", self._ended)
        if self._settings.pin_workers:
            cores = Cores(self._settings.workers)
            self.cfg.set("pre_fork", cores.choose)
            self.cfg.set("post_fork", cores.keep)

    def load(self) -> WSGIApplication:
        self._service = self._begin(self._settings)
        return self._service.app

    def rules(self) -> RuleBook:
        """What the worker must know of the requests to what was loaded."""
        accepted = self._service.accepted if self._service else lambda _key: False
        settings = self._settings
        return RuleBook(settings.openai_body_max, settings.trusted_proxies, accepted)

    def wind_down(self) -> None:
        """Tell what was loaded that a stop has begun."""
        if self._service is not None:
            self._service.wind_down()

    def _ended(self, _arbiter: Any, _worker: Any) -> None:
        if self._service is not None:
            self._service.stop()

    def _ready(self, arbiter: Any) -> None:
        if self._on_ready:
            host, port = arbiter.LISTENERS[0].sock.getsockname()[:2]
            self._on_ready(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")


def gunicorn_settings(settings: Settings) -> dict[str, Any]:
    """Every gunicorn setting that differs from its default, or that we rely on."""
    return {
        "bind": settings.listen,
        "backlog": BACKLOG,
        "workers": settings.workers,
        "threads": settings.threads,
        "worker_class": CollectingWorker,
        "worker_tmp_dir": _memory_dir(),
        "preload_app": False,
        "http_parser": "auto",  # the C parser where it is installed (extra `fast`)
        "keepalive": 1,  # whether connections are kept; Limits says for how long
        "timeout": 60,
        "graceful_timeout": settings.graceful_seconds,
        "limit_request_line": 8190,
        "limit_request_fields": 100,
        "limit_request_field_size": 8190,
        # The app decides whom to believe about addresses and https: CONNECTOR_TRUSTED_PROXIES.
        "forwarded_allow_ips": "",
        "accesslog": None,
        "loglevel": settings.log_level,
        "logger_class": _JsonLogger,
        "control_socket_disable": True,
        "child_exit": _worker_ended,
    }


class _JsonLogger(Logger):  # type: ignore[misc]
    """gunicorn's log lines, through the root logger that telemetry has set up."""

    def setup(self, cfg: Any) -> None:
        self.cfg = cfg
        self.loglevel = self.LOG_LEVELS[cfg.loglevel]
        self.error_log.setLevel(self.loglevel)
        self.error_log.propagate = True


def _worker_ended(_arbiter: Any, worker: Any) -> None:
    metrics.worker_died(worker.pid)


def _memory_dir() -> str | None:
    """A folder that is never on a disk, for heartbeats and counters, or None for the default."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None  # noqa: S108


@contextlib.contextmanager
def _metrics_shared_by(workers: int) -> Iterator[None]:
    """A folder in which several workers add up their metrics; a single one needs none."""
    if workers == 1:
        yield
        return
    folder = tempfile.mkdtemp(prefix=f"connector-metrics-{os.getpid()}-", dir=_memory_dir())
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
    owner = os.getpid()
    try:
        yield
    finally:
        if os.getpid() == owner:  # workers leave through here as well
            shutil.rmtree(folder, ignore_errors=True)
            del os.environ["PROMETHEUS_MULTIPROC_DIR"]


def _open_files(wanted: int) -> int:
    """How many files may be open, after raising the soft limit as far as the hard one allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < enough:
        resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))
        soft = enough
    return wanted if soft == resource.RLIM_INFINITY else soft
