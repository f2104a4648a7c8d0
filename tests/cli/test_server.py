"""gunicorn as we set it up: real processes, real sockets, a toy app in place of the connector's."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

# /hold answers once a byte comes in on stdin, whose other end the test has.
TOY = """
import os
from connector.config import settings as config
from connector.cli import server
from connector.telemetry import metrics
from connector.telemetry import logs

def app(environ, start_response):
    metrics.request_started()
    body = str(os.getpid()).encode()
    if environ["PATH_INFO"] == "/hold":
        print("holding", flush=True)
        body = os.read(0, 1)
    if environ["PATH_INFO"] == "/metrics":
        body = metrics.render_metrics()[0]
    if environ["PATH_INFO"] == "/crash":
        raise ValueError("no sk-paywalls-0123456789")
    metrics.request_finished("/toy", "GET", 200, 0.01)
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]

server.SILENT_CLIENT_SECONDS = int(os.environ["TOY_PATIENCE"])
server.run(config.load(), lambda settings: app, lambda address: print(address, flush=True))
"""


class Server:
    """A toy server in its own process."""

    def __init__(self, patience: int = 30, **settings: str) -> None:
        given = {f"CONNECTOR_{name}": value for name, value in settings.items()}
        self.process = subprocess.Popen(
            [sys.executable, "-c", TOY],
            env={
                "PATH": os.environ["PATH"],
                "TOY_PATIENCE": str(patience),
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
        self.connections: list[HTTPConnection] = []

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def connect(self) -> HTTPConnection:
        self.connections.append(HTTPConnection(*self.address, timeout=10))
        return self.connections[-1]

    def get(self, path: str) -> tuple[int, bytes]:
        connection = self.connect()
        connection.request("GET", path)
        response: HTTPResponse = connection.getresponse()
        return response.status, response.read()

    def send_raw(self, request: bytes) -> tuple[str, dict[str, object]]:
        """The status line and the JSON body of the answer to `request`."""
        with socket.create_connection(self.address, timeout=10) as sock:
            sock.sendall(request)
            answer = b"".join(iter(lambda: sock.recv(65536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        return head.decode().splitlines()[0], json.loads(body)

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("!")
        self.process.stdin.flush()

    def stop(self) -> list[dict[str, object]]:
        """Stop it like systemd and Docker do; its log lines."""
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def ended(self) -> list[dict[str, object]]:
        """Wait for its end; its log lines."""
        _, log = self.process.communicate(timeout=20)
        return [json.loads(line) for line in log.splitlines()]

    def end(self) -> None:
        """Let go of everything, whatever state it is in."""
        for connection in self.connections:
            connection.close()
        if self.process.poll() is None:
            self.stop()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts servers, and ends those that the test left running."""
    started: list[Server] = []

    def start(patience: int = 30, **settings: str) -> Server:
        started.append(Server(patience, **settings))
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


def wait_until_refused(address: tuple[str, int]) -> None:
    """Returns as soon as nobody listens at `address` any more."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(address, timeout=1) as taken:
                select.select([taken], [], [], 0.05)
        except ConnectionError:
            return
    pytest.fail("new connections are still taken")


def test_a_stop_finishes_what_is_in_flight_and_takes_nothing_new(
    serve: Callable[..., Server],
) -> None:
    toy = serve()
    held = toy.connect()
    held.request("GET", "/hold")
    assert toy.line() == "holding"
    toy.process.send_signal(signal.SIGTERM)
    wait_until_refused(toy.address)
    toy.go_on()
    answer = held.getresponse()
    assert (answer.status, answer.read()) == (200, b"!")
    toy.ended()
    assert toy.process.returncode == 0


def test_an_idle_connection_does_not_delay_the_stop(serve: Callable[..., Server]) -> None:
    toy = serve(GRACEFUL_SECONDS="60")
    idle = toy.connect()
    idle.request("GET", "/")
    assert idle.getresponse().read()
    began = time.monotonic()
    toy.stop()
    assert time.monotonic() - began < 10
    assert toy.process.returncode == 0


def test_a_request_that_never_ends_is_given_up_after_the_grace_time(
    serve: Callable[..., Server],
) -> None:
    toy = serve(GRACEFUL_SECONDS="1")
    held = toy.connect()
    held.request("GET", "/hold")
    assert toy.line() == "holding"
    toy.stop()
    assert toy.process.returncode == 0


def test_a_client_that_stops_sending_does_not_keep_a_thread(serve: Callable[..., Server]) -> None:
    toy = serve(patience=1)
    with socket.create_connection(toy.address, timeout=10) as silent:
        silent.sendall(b"POST / HTTP/1.1\r\nHos")
        assert silent.recv(1) == b""
    events = [line["event"] for line in toy.stop()]
    assert "Gave up a client that was silent for 1 s" in events


def test_connections_are_kept_alive(lasting: Server) -> None:
    connection = lasting.connect()
    connection.request("GET", "/")
    connection.getresponse().read()
    kept = connection.sock
    connection.request("GET", "/")
    assert connection.getresponse().status == 200
    assert connection.sock is kept


def test_log_lines_are_json_without_secrets(serve: Callable[..., Server]) -> None:
    toy = serve()
    assert toy.get("/crash?api_key=0123456789")[0] == 500
    log = toy.stop()
    assert "Listening at: http://127.0.0.1" in str([line["event"] for line in log])
    (crash,) = [line for line in log if line["level"] == "error"]
    assert crash["exception_type"] == "ValueError"
    assert str(crash["exception"]).endswith("ValueError: no [redacted]")
    assert "0123456789" not in json.dumps(log)


def test_requests_are_not_logged_by_gunicorn(serve: Callable[..., Server]) -> None:
    toy = serve(LOG_LEVEL="warning")
    toy.get("/anything?user=somebody")
    assert toy.stop() == []


@pytest.mark.parametrize(
    ("request_bytes", "status", "hint"),
    [
        (b"GARBAGE\r\n\r\n", 400, "not a valid HTTP request"),
        (b"GET / HTTP/1.1\r\nX-API-Key: a\0b\r\n\r\n", 400, "invisible characters"),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", 414, "in the body instead"),
        (b"GET / HTTP/1.1\r\nA: " + b"a" * 9000 + b"\r\n\r\n", 431, "fewer or shorter"),
        (b"GET /crash HTTP/1.1\r\nHost: x\r\n\r\n", 500, "wrong on our side"),
    ],
)
def test_what_never_reaches_the_app_is_answered_in_our_error_shape(
    lasting: Server, request_bytes: bytes, status: int, hint: str
) -> None:
    line, body = lasting.send_raw(request_bytes)
    assert line.startswith(f"HTTP/1.1 {status} ")
    assert body["status"] == status
    assert hint in str(body["message"])
    assert str(body["request_id"]).startswith("req_")
    assert body["retryable"] is False
    assert " ".join(body) == (
        "type title status detail message code field reference request_id retryable"
    )


def metric(shown: bytes, name: str) -> float:
    match = re.search(rf"^{re.escape(name)} (\S+)$", shown.decode(), re.MULTILINE)
    return float(match[1]) if match else 0.0


def test_the_metrics_of_all_workers_are_added_up(serve: Callable[..., Server]) -> None:
    toy = serve(WORKERS="2")
    first = int(toy.get("/")[1])
    os.kill(first, signal.SIGSTOP)
    second = int(toy.get("/")[1])
    shown = toy.get("/metrics")[1]
    os.kill(first, signal.SIGCONT)
    assert second != first
    assert metric(shown, 'connector_requests_total{method="GET",route="/toy",status="200"}') == 2


def test_a_worker_that_dies_is_replaced_and_has_nothing_in_flight(
    serve: Callable[..., Server],
) -> None:
    toy = serve(WORKERS="2")
    held = toy.connect()
    held.request("GET", "/hold")
    assert toy.line() == "holding"
    other = toy.get("/")[1]
    children = Path(f"/proc/{toy.process.pid}/task/{toy.process.pid}/children")
    if not children.exists():
        pytest.skip("needs Linux")
    for worker in children.read_text().split():
        os.kill(int(worker), signal.SIGKILL)
    with pytest.raises((ConnectionError, OSError)):
        held.getresponse()
    deadline = time.monotonic() + 10
    while metric(toy.get("/metrics")[1], "connector_in_flight") != 1:  # the one for the metrics
        assert time.monotonic() < deadline
    assert toy.get("/")[1] != other


def test_the_folder_of_the_metrics_is_gone_after_the_stop(serve: Callable[..., Server]) -> None:
    toy = serve(WORKERS="2")
    name = f"connector-metrics-{toy.process.pid}-*"
    made = [*Path("/dev/shm").glob(name), *Path(tempfile.gettempdir()).glob(name)]
    toy.stop()
    assert [folder.exists() for folder in made] == [False]


def test_many_requests_are_held_at_once_by_one_worker(lasting: Server) -> None:
    toy = lasting
    held = [toy.connect() for _ in range(64)]
    for connection in held:
        connection.request("GET", "/hold")
    assert [toy.line() for _ in held] == ["holding"] * 64
    for _ in held:
        toy.go_on()
    assert {connection.getresponse().status for connection in held} == {200}
