"""A connector that is told to stop begins nothing more, whatever else it waits for."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from connector.app import start_worker, stop, threads
from tests.support.connected_app import PUBLIC_URL, ConnectedApp
from tests.support.processes import PATIENCE, until
from tests.triggers.delivery.receiver import OK, Push, running_receiver
from tests.triggers.hooks.conftest import LOOPBACK
from tests.triggers.hooks.test_log import log
from tests.triggers.hooks.test_subscribing import subscribe


class Gate:
    """Before upstream: holds every request until `opened` is set; `came` tells of the first."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app, self.came, self.opened = app, threading.Event(), threading.Event()

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        self.came.set()
        assert self.opened.wait(PATIENCE)
        return self._app(environ, start)


@pytest.fixture
def connected_app(emptied: str) -> Iterator[ConnectedApp]:
    """A connected app whose hooks may lead to this machine."""
    connected_app = ConnectedApp(
        emptied, settings={"public_url": PUBLIC_URL, "allowed_targets": LOOPBACK}
    )
    yield connected_app
    connected_app.close()


def test_nothing_is_begun_while_the_worker_comes_to_its_end(connected_app: ConnectedApp) -> None:
    answer = threading.Event()

    def hesitates(connection: socket.socket, _: Push, over: threading.Event) -> None:
        until(lambda: answer.is_set() or over.is_set())
        connection.sendall(OK)

    owner = connected_app.owner().ready()
    app = connected_app.connector.app
    with running_receiver(hesitates) as target, ThreadPoolExecutor(1) as pool:
        subscribe(owner, target_url=target.url)
        assert owner.take(owner.event(id="evt_early")).status_code == 200
        late = owner.signed(owner.event(id="evt_late"))
        connected_app.idle()
        gate = Gate(connected_app.sandbox.wsgi_app)
        connected_app.sandbox.wsgi_app = gate  # type: ignore[assignment]
        try:
            start_worker(app)
            target.wait(1)
            assert gate.came.wait(PATIENCE)
            stopping = pool.submit(stop, app)
            answer.set()
            until(lambda: not threads(app).delivery._thread.is_alive())
            assert not stopping.done()
            assert connected_app.connector.post(*late).status_code == 200
            states = {d["event_id"]: d["status"] for d in log(owner)}
        finally:
            gate.opened.set()
        stopping.result(PATIENCE)
        assert states == {"evt_early": "sent", "evt_late": "pending"}
        assert len(target.pushes) == 1
