"""A connector that answers as a test tells it: well, badly, late or not at all."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.listening import listening

Answer = tuple[int, bytes, dict[str, str]]
"""Status, body and headers."""


def problem(status: int, code: str, message: str, *, retryable: bool, after: str = "") -> Answer:
    """An error as a connector writes it."""
    body = {"code": code, "message": message, "retryable": retryable}
    return status, json.dumps(body).encode(), {"Retry-After": after} if after else {}


@dataclass
class FaultyConnector:
    """`plan`: for each path what to do with its next calls: an answer, or a word, in order; then
    all is well. Words: "drop" the connection, "hang" until the end, "drip" or
    "drip-headers", a byte at a time."""

    address: str = ""
    plan: dict[str, list[Answer | str]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any], str | None]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def references(self, path: str) -> list[str]:
        """The references with which a path was asked."""
        return [values["reference"] for asked, values, _ in self.asked if asked == path]


GOOD = {
    "/v1/use": {"success": True, "outcome": "charged", "message": "Charged."},
    "/v1/refund": {"success": True, "outcome": "refunded", "message": "Refunded."},
}


@contextlib.contextmanager
def running() -> Iterator[FaultyConnector]:
    """It on a free port."""
    faulty = FaultyConnector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            values = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            faulty.asked.append((self.path, values, self.headers["Authorization"]))
            planned = faulty.plan.get(self.path, [])
            todo = planned.pop(0) if planned else ""
            if todo == "drop":
                self.close_connection = True
                return
            if todo == "hang":
                faulty.ended.wait()
                return
            if todo == "drip-headers":
                self._drip(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 10_000)
                return
            if isinstance(todo, tuple):
                self._send(*todo)
                return
            told: Any = [] if self.path == "/v1/transactions" else dict(GOOD[self.path])
            if isinstance(told, dict):
                told["reference"] = values["reference"]
                if values.get("test"):
                    told |= {"success": False, "outcome": "would_use"}
            self._send(200, json.dumps(told).encode(), {}, drip=todo == "drip")

        def _send(
            self, status: int, body: bytes, headers: dict[str, str], drip: bool = False
        ) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if drip:
                self._drip(body)
            else:
                with contextlib.suppress(OSError):  # who asks may stop reading
                    self.wfile.write(body)

        def _drip(self, content: bytes) -> None:
            with contextlib.suppress(OSError):  # who asks may stop reading
                for byte in content:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    if faulty.ended.wait(0.1):
                        return

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with listening(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        faulty.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield faulty
        finally:
            faulty.ended.set()
