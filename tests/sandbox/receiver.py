"""A webhook receiver on a real socket, which can change its mind about its answers."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.listening import listening

WAIT_SECONDS = 5.0


@dataclass
class Received:
    """One delivery as it came."""

    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        """The parsed body."""
        parsed: dict[str, Any] = json.loads(self.raw)
        return parsed

    @property
    def event(self) -> dict[str, Any]:
        """The event, with or without an envelope around it."""
        event: dict[str, Any] = self.body.get("event", self.body)
        return event


@dataclass
class Receiver:
    """What came in so far. `statuses` are the next answers; 200 when they are used up."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, count: int) -> list[Received]:
        """Return the deliveries once there are at least `count`."""
        with self.changed:
            arrived = self.changed.wait_for(lambda: len(self.received) >= count, WAIT_SECONDS)
            assert arrived, f"{len(self.received)} of {count} deliveries arrived"
            return list(self.received)

    def wait_for_types(self, *types: str) -> dict[str, Received]:
        """Return the first delivery of each of the event types once all have come."""
        with self.changed:
            arrived = self.changed.wait_for(lambda: set(types) <= self._types(), WAIT_SECONDS)
            assert arrived, f"missing: {sorted(set(types) - self._types())}"
            return {d.event["type"]: d for d in reversed(self.received)}

    def _types(self) -> set[str]:
        return {delivery.event["type"] for delivery in self.received}


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """Run a receiver on a free port of this machine."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            with receiver.changed:
                status = receiver.statuses.pop(0) if receiver.statuses else 200
                receiver.received.append(Received(dict(self.headers), raw))
                receiver.changed.notify_all()
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    with listening(server):
        yield receiver
