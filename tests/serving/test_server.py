"""gunicorn as we set it up: real processes, real sockets, a toy app in place of the connector's."""

import json
import os
import re
import select
import signal
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.serving.toy import Server
from tests.support.processes import until


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
    toy = serve({"head_seconds": 0.1})
    with socket.create_connection(toy.address, timeout=10) as silent:
        silent.sendall(b"POST / HTTP/1.1\r\nHos")
        assert silent.recv(100).startswith(b"HTTP/1.1 408 ")


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
    toy.go_on(64)
    assert {connection.getresponse().status for connection in held} == {200}


def cores_of(pid: int) -> set[int]:
    """The cores that a process, with every one of its threads, may run on."""
    try:
        threads = [int(name) for name in os.listdir(f"/proc/{pid}/task")]
        return set().union(*(os.sched_getaffinity(thread) for thread in threads))
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return set()


def workers_of(toy: Server) -> list[int]:
    children = Path(f"/proc/{toy.process.pid}/task/{toy.process.pid}/children").read_text()
    return [int(pid) for pid in children.split()]


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is one core only")
def test_each_worker_keeps_to_a_core_of_its_own_also_one_that_replaces_another(
    serve: Callable[..., Server],
) -> None:
    toy = serve(WORKERS="2", PIN_WORKERS="true")
    until(lambda: len(workers_of(toy)) == 2 and all(len(cores_of(p)) == 1 for p in workers_of(toy)))
    first, second = workers_of(toy)
    assert cores_of(first) != cores_of(second)
    left = cores_of(first)
    os.kill(first, signal.SIGKILL)
    until(lambda: first not in workers_of(toy) and len(workers_of(toy)) == 2)
    until(lambda: {tuple(cores_of(pid)) for pid in workers_of(toy)} >= {tuple(left)})
    assert toy.get("/")[0] == 200


@pytest.mark.parametrize("given", [{}, {"WORKERS": "9", "PIN_WORKERS": "true"}])
def test_unasked_or_with_more_workers_than_cores_the_system_decides(
    serve: Callable[..., Server], given: dict[str, str]
) -> None:
    toy = serve(**given)
    assert toy.get("/")[0] == 200
    assert all(cores_of(pid) == os.sched_getaffinity(0) for pid in workers_of(toy))
