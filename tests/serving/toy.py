"""gunicorn as we set it up: real processes, real sockets, a toy app in place of the connector's."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPResponse

import pytest

# /hold answers once a byte comes in on stdin, whose other end the test has.
TOY = """
import json
import os
from connector.config import settings as config
from connector.serving import server
from connector.serving.limits import Limits
from connector.telemetry import metrics
from connector.telemetry import logs

def say(word):
    os.write(1, word.encode() + b"\\n")

def stream():
    try:
        while True:
            yield b"a" * 65536
    finally:
        say("stream ended")

def drip():
    yield b"first"
    os.read(0, 1)
    yield b"last"

def app(environ, start_response):
    metrics.request_started()
    path = environ["PATH_INFO"]
    refused = environ.get("connector.refused")
    if refused is not None:
        start_response("429 Too Many Requests", [("Content-Length", "0")])
        return []
    body = str(os.getpid()).encode()
    if path == "/hold":
        say("holding")
        body = os.read(0, 1)
    if path == "/metrics":
        body = metrics.render_metrics()[0]
    if path == "/crash":
        raise ValueError("no sk-paywalls-0123456789")
    if path == "/echo":
        body = environ["wsgi.input"].read()
    if path == "/length":
        body = environ.get("CONTENT_LENGTH", "none").encode()
    if path == "/large":
        body = b"a" * 20_000_000
    if path == "/drip":
        start_response("200 OK", [])
        return drip()
    if path.startswith("/openai/"):
        say("stream began")
        start_response("200 OK", [])
        return stream()
    metrics.request_finished("/toy", "GET", 200, 0.01)
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]

server.run(
    config.load(),
    lambda settings: server.Service(app, accepted=lambda key: key.startswith("good")),
    lambda address: say(address),
    Limits(**json.loads(os.environ["TOY_LIMITS"])),
)
"""

Limited = dict[str, float]


class Server:
    """A toy server in its own process."""

    def __init__(self, limits: Limited | None = None, **settings: str) -> None:
        given = {f"CONNECTOR_{name}": value for name, value in settings.items()}
        self.process = subprocess.Popen(
            [sys.executable, "-c", TOY],
            env={
                "PATH": os.environ["PATH"],
                "TOY_LIMITS": json.dumps(limits or {}),
                "CONNECTOR_LISTEN": "127.0.0.1:0",
                **given,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        host, _, port = self.line().rpartition(":")
        self.address = (host, int(port))
        self._open = contextlib.ExitStack()

    def line(self) -> str:
        """The next word that the toy says."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def connect(self) -> HTTPConnection:
        """An HTTP client."""
        client = HTTPConnection(*self.address, timeout=10)
        self._open.callback(client.close)
        return client

    def socket(self, sent: bytes = b"") -> socket.socket:
        """A connection on which `sent` was sent; it is kept until the server ends."""
        client = self._open.enter_context(socket.create_connection(self.address, timeout=10))
        client.sendall(sent)
        return client

    def get(self, path: str, key: str = "") -> tuple[int, bytes]:
        """Status and body."""
        client = self.connect()
        client.request("GET", path, headers={"Authorization": f"Bearer {key}"} if key else {})
        response: HTTPResponse = client.getresponse()
        return response.status, response.read()

    def send_raw(self, request: bytes) -> tuple[str, dict[str, object]]:
        """The status line and the JSON body of the answer to `request`."""
        head, _, body = everything(self.socket(request)).partition(b"\r\n\r\n")
        return head.decode().splitlines()[0], json.loads(body)

    def go_on(self, times: int = 1) -> None:
        """Let as many of those who hold a thread go on."""
        assert self.process.stdin is not None
        self.process.stdin.write("!" * times)
        self.process.stdin.flush()

    def stop(self) -> list[dict[str, object]]:
        """Stop it like systemd and Docker do; its log lines."""
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def ended(self) -> list[dict[str, object]]:
        """Wait for its end; its log lines."""
        _, log = self.process.communicate(timeout=60)
        return [json.loads(line) for line in log.splitlines()]

    def end(self) -> None:
        """Let go of everything, whatever state it is in."""
        self._open.close()
        if self.process.poll() is None:
            self.stop()


def everything(client: socket.socket) -> bytes:
    """What comes on `client` until the server closes it."""
    return b"".join(iter(lambda: client.recv(65536), b""))


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts servers, and ends those that the test left running."""
    started: list[Server] = []

    def start(limits: Limited | None = None, **settings: str) -> Server:
        started.append(Server(limits, **settings))
        return started[-1]

    yield start
    for one in started:
        one.end()


@pytest.fixture(scope="module")
def lasting() -> Iterator[Server]:
    """One server for the tests that leave it as they found it."""
    server = Server()
    yield server
    server.end()
