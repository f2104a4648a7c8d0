"""Serve the app with gunicorn: many threads per worker, no secrets in its logs, a graceful stop."""

import contextlib
import os
import resource
import select
import shutil
import socket
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any
from wsgiref.types import WSGIApplication

from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]
from gunicorn.http.errors import (  # type: ignore[import-untyped]
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from connector import errors, jsontext
from connector.config.settings import Settings
from connector.telemetry import logs, metrics

KEEP_ALIVE_SECONDS = 75  # longer than Caddy and common load balancers keep an idle connection
BACKLOG = 2048  # connections that wait to be accepted; the kernel may allow fewer
IDLE_CONNECTIONS = 1000  # per worker, beside those whose requests are being answered
SILENT_CLIENT_SECONDS = 30
STAY_MILLISECONDS = 5
SWITCH_SECONDS = 0.02
"""Threads that wait for Python's lock ask for it this often; with hundreds of them, asking at the
default of 0.005 s costs more than what they do."""


def run(
    settings: Settings,
    app_factory: Callable[[Settings], WSGIApplication],
    on_ready: Callable[[str], None] | None = None,
    on_stop: Callable[[Any], None] | None = None,
) -> None:
    """Serve until SIGTERM (finishes what is in flight) or SIGINT; ends by SystemExit.

    `app_factory` is called once in every worker, after the fork, so that its threads and
    connections belong to that worker; `on_stop` gets it when that worker ends. `on_ready` gets the
    address, host:port, once it listens.
    """
    logs.configure_logging(settings.log_level)
    logs.log_crashes()
    _allow_open_files(settings.threads * 2 + IDLE_CONNECTIONS + 100)
    with _metrics_shared_by(settings.workers):
        _Server(settings, app_factory, on_ready, on_stop).run()


class _Server(BaseApplication):  # type: ignore[misc]
    """gunicorn's application, configured by ours."""

    def __init__(
        self,
        settings: Settings,
        app_factory: Callable[[Settings], WSGIApplication],
        on_ready: Callable[[str], None] | None,
        on_stop: Callable[[Any], None] | None,
    ) -> None:
        self._settings = settings
        self._on_stop = on_stop
        self._app_factory = app_factory
        self._on_ready = on_ready
        super().__init__()

    def load_config(self) -> None:
        for name, value in gunicorn_settings(self._settings).items():
            self.cfg.set(name, value)
        self.cfg.set("when_ready", self._ready)
        self.cfg.set("worker_exit", self._ended)

    def load(self) -> WSGIApplication:
        return self._app_factory(self._settings)

    def _ended(self, _arbiter: Any, worker: Any) -> None:
        app = getattr(worker, "wsgi", None)
        if self._on_stop and app is not None:
            self._on_stop(app)

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
        "worker_class": PatientWorker,
        "worker_connections": settings.threads + IDLE_CONNECTIONS,
        "worker_tmp_dir": _memory_dir(),
        "preload_app": False,
        "http_parser": "auto",  # the C parser where it is installed (extra `fast`)
        "keepalive": KEEP_ALIVE_SECONDS,
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


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker with a cleaner stop, errors in our shape, and less handing over.

    gunicorn's own keeps the door open while it stops, so that newcomers wait for an answer that
    never comes, and lets every idle connection delay the stop. It also hands a connection back to
    the main thread after every answer, which costs more than many an answer itself: here a thread
    stays with a busy connection, unless others wait for a thread.
    """

    def init_process(self) -> None:
        sys.setswitchinterval(SWITCH_SECONDS)
        super().init_process()

    def handle(self, conn: Any) -> Any:
        kept = super().handle(conn)
        while kept is True and self.alive and not self._queued() and _readable(conn.sock):
            kept = super().handle(conn)
        return kept

    def _queued(self) -> bool:
        return bool(self.tpool._work_queue.qsize())

    def set_accept_enabled(self, enabled: bool) -> None:
        stopping = not enabled and not self.alive
        if stopping and self._accepting:
            self._take_who_is_waiting()
        super().set_accept_enabled(enabled)
        if stopping:
            for listener in self.sockets:
                listener.close()
            self._let_idle_go()

    def _take_who_is_waiting(self) -> None:
        for listener in self.sockets:
            for _ in range(BACKLOG):
                before = self.nr_conns
                self.accept(listener)
                if self.nr_conns == before:
                    break

    def _let_idle_go(self) -> None:
        self.wait_for_and_dispatch_events(timeout=0)  # a request may have come just now
        for connection in (*self.keepalived_conns, *self.pending_conns):
            connection.timeout = 0
        self.murder_keepalived()
        self.murder_pending()

    def enqueue_req(self, conn: Any) -> None:
        if not conn.initialized:
            # Otherwise somebody who stops sending, or reading, keeps a thread for ever.
            limit = struct.pack("ll", SILENT_CLIENT_SECONDS, 0)
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        super().enqueue_req(conn)

    def handle_error(self, _request: Any, client: Any, _address: Any, exc: Exception) -> None:
        logs.new_request_id()
        status, reason, error = _told(exc)
        if isinstance(error, errors.InputError):
            self.log.warning("Unreadable request: %s", exc)
        else:
            self.log.error("Unhandled exception", exc_info=exc)
        body = jsontext.dumps(error.problem(logs.request_id(), status=status))
        head = (
            f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\n"
            f"Content-Type: application/problem+json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with contextlib.suppress(OSError):
            util.write_nonblock(client, head.encode() + body)


def _readable(connection: socket.socket) -> bool:
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(STAY_MILLISECONDS))


def _told(exc: Exception) -> tuple[int, str, errors.ConnectorError]:
    """Status, reason and error for what stopped a request outside the app."""
    if isinstance(exc, LimitRequestLine):
        text = "The address of this request is too long. Send the values in the body instead."
        return 414, "URI Too Long", errors.MalformedRequest(text)
    if isinstance(exc, LimitRequestHeaders):
        text = "The headers of this request are too large. Send fewer or shorter ones."
        return 431, "Request Header Fields Too Large", errors.MalformedRequest(text)
    if isinstance(exc, UnsupportedTransferCoding):
        text = "The request uses a transfer encoding that is not supported. Send it plain."
        return 501, "Not Implemented", errors.MalformedRequest(text)
    if isinstance(exc, ParseException):
        text = (
            "This is not a valid HTTP request. Check that no header, such as the one with the "
            "key, holds a line break or other invisible characters."
        )
        return 400, "Bad Request", errors.MalformedRequest(text)
    text = "Something went wrong on our side. The server's log has the details."
    return 500, "Internal Server Error", errors.InternalError(text)


class _JsonLogger(Logger):  # type: ignore[misc]
    """gunicorn's log lines, through the root logger that telemetry has set up."""

    def setup(self, cfg: Any) -> None:
        self.cfg = cfg
        self.loglevel = self.LOG_LEVELS[cfg.loglevel]
        self.error_log.setLevel(self.loglevel)
        self.error_log.propagate = True

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        if isinstance(sys.exception(), BlockingIOError):
            self.info("Gave up a client that was silent for %s s", SILENT_CLIENT_SECONDS)
        else:
            super().exception(msg, *args, **kwargs)


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


def _allow_open_files(wanted: int) -> None:
    """Raise the soft limit of open files where the hard one allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < enough:
        resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))
