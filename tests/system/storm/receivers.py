"""Where hooks go during the storm: addresses that fail, hang, ask to wait, or want no more."""

from __future__ import annotations

import contextlib
import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.listening import listening

HANG_SECONDS = 3.0
FAULTY = {200: 40, 500: 5, 429: 2, 0: 1, -1: 2}
"""How often it answers what; 0 hangs, then breaks the connection, -1 breaks it at once."""
KIND = {200: 1}
GONE_AFTER = 25


class Receiver:
    """`taken` counts, by event id, how often a push was answered with 200."""

    def __init__(self, manners: dict[int, int], seed: int, gone_after: int = 0) -> None:
        self._manners, self._random = manners, random.Random(seed)
        self._gone_after = gone_after
        self._lock = threading.Lock()
        self.closing = threading.Event()
        self.url, self.pushes = "", 0
        self.taken: Counter[str] = Counter()

    def choose(self) -> int:
        """The next answer."""
        with self._lock:
            self.pushes += 1
            if self._gone_after and self.pushes > self._gone_after:
                return 410
            return self._random.choices([*self._manners], [*self._manners.values()])[0]

    def take(self, event_id: str) -> None:
        """Note an event that is about to be answered with 200."""
        with self._lock:
            self.taken[event_id] += 1


@contextlib.contextmanager
def running_receiver(receiver: Receiver) -> Iterator[Receiver]:
    """The receiver on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = receiver.choose()
            if status <= 0:
                receiver.closing.wait(HANG_SECONDS if status == 0 else 0)
                self.close_connection = True
                return
            if status == 200:
                receiver.take(json.loads(body)["id"])
            self.send_response(status)
            if status == 429:
                self.send_header("Retry-After", "1")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: object, client_address: object) -> None:
            """Who pushes may have been killed meanwhile."""

    server = Quiet(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    with listening(server):
        try:
            yield receiver
        finally:
            receiver.closing.set()
