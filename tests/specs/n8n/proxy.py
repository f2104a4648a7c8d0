"""A proxy before a connector that fails now and then, as those on the internet do."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from tests.support.listening import listening
from tests.support.processes import PATIENCE

CUT = 0
"""Instead of a status: the connection ends without an answer."""


@dataclass
class Proxy:
    """`fails` says of each call in turn whether it is passed on (200), cut (CUT), or answered with
    another status by the proxy itself; calls behind the last one are passed on."""

    target: str
    fails: Sequence[int]
    address: str = ""
    calls: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self) -> int:
        """What happens to the next call."""
        with self._lock:
            self.calls += 1
            return self.fails[self.calls - 1] if self.calls <= len(self.fails) else 200


@contextlib.contextmanager
def running_proxy(target: str, fails: Sequence[int]) -> Iterator[Proxy]:
    """A proxy before the connector at `target`."""
    proxy = Proxy(target, fails)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = proxy.next()
            if status == CUT:
                self.connection.close()
                return
            text = b"<h1>Gateway</h1>"
            if status == 200:
                kept = {name: self.headers[name] for name in ("Authorization", "Content-Type")}
                answer = httpx.post(
                    proxy.target + self.path,
                    content=body,
                    headers=kept,
                    trust_env=False,
                    timeout=PATIENCE,
                )
                status, text = answer.status_code, answer.content
            self.send_response(status)
            self.send_header(
                "Content-Type", "application/json" if text[:1] == b"{" else "text/html"
            )
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with listening(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        proxy.address = f"http://127.0.0.1:{server.server_port}"
        yield proxy
