"""What the way through the connector adds for a single caller: to a read, to a first token."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack
from statistics import median
from time import perf_counter

import click

from bench import calls
from bench.calls import Call
from bench.figures import Figure
from bench.processes import BenchError
from bench.servers import Bench, Running

AIM_READ = 0.5
"""The most that we may add, as a share of what the FastAPI peer adds in the same run."""
_TURNS = 20
_READS_PER_TURN = 25
_STREAMS_PER_TURN = 3
_WAIT_SECONDS = 10.0

Ways = dict[str, tuple[int, Call]]
Times = dict[str, list[float]]


def measure(bench: Bench, running: Running) -> list[Figure]:
    """All rows of this group."""
    ours, peer = running.ours.port, running.peer.port
    click.echo("One connection: a read directly, through the connector, through FastAPI")
    read = calls.balance()
    reads = _interleaved(
        {
            "direct": (bench.stub, calls.direct_balance()),
            "ours": (ours, read),
            "peer": (peer, read),
        },
        exchange,
        _READS_PER_TURN,
    )
    click.echo("One connection: the first token of a stream, the same three ways")
    through = calls.completion("/openai/v1/chat/completions", stream=True)
    tokens = _interleaved(
        {
            "direct": (bench.stub, calls.completion("/v1/chat/completions", stream=True)),
            "ours": (ours, through),
            "peer": (peer, through),
        },
        _first_token,
        _STREAMS_PER_TURN,
    )
    return [
        _row("added to a read at 1 connection, p50", reads, AIM_READ),
        _row("added to the first token of a stream, p50", tokens),
    ]


def _interleaved(ways: Ways, once: Callable[[socket.socket, Call], float], each: int) -> Times:
    """Seconds of every exchange, by way; the ways take turns of `each` exchanges."""
    times: Times = {name: [] for name in ways}
    with ExitStack() as stack:
        opened = {name: stack.enter_context(connected(port)) for name, (port, _) in ways.items()}
        for turn in range(_TURNS + 1):
            for name, (_, call) in ways.items():
                taken = [once(opened[name], call) for _ in range(each)]
                if turn:  # the first one warms up
                    times[name] += taken
    return times


def connected(port: int) -> socket.socket:
    """A connection to a port of this machine."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=_WAIT_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def exchange(connection: socket.socket, call: Call) -> float:
    """Ask once and wait for the right answer: the seconds that took. Raises BenchError for any
    other."""
    began = perf_counter()
    connection.sendall(call.request())
    answer = _until(connection, b"", lambda got: call.expect in got and got.endswith(b"}"))
    taken = perf_counter() - began
    _checked(answer)
    return taken


def _first_token(connection: socket.socket, call: Call) -> float:
    began = perf_counter()
    connection.sendall(call.request())
    answer = _until(connection, b"", lambda got: call.expect in got)
    taken = perf_counter() - began
    _checked(answer)
    _until(connection, answer, lambda got: got.endswith(b"0\r\n\r\n"))
    return taken


def _until(connection: socket.socket, answer: bytes, enough: Callable[[bytes], bool]) -> bytes:
    while not enough(answer):
        data = connection.recv(65536)
        if not data:
            raise BenchError(f"The server closed the connection after: {answer[:300]!r}")
        answer += data
        _checked(answer)
    return answer


def _checked(answer: bytes) -> None:
    if not answer.startswith(b"HTTP/1.1 200"):
        raise BenchError(f"Not the right answer: {answer[:300]!r}")


def _row(name: str, times: Times, aim: float | None = None) -> Figure:
    direct, ours, peer = (median(times[way]) * 1000 for way in ("direct", "ours", "peer"))
    added, peers = ours - direct, peer - direct
    click.echo(f"  directly {direct:.2f} ms; added: connector {added:.2f}, FastAPI {peers:.2f} ms")
    return Figure(
        name,
        f"{added:.2f} ms (directly {direct:.2f} ms)",
        f"FastAPI: {peers:.2f} ms",
        f"{peers / added:.2f} ×",
        aim=f"≤ {aim:g} × FastAPI" if aim else "",
        met=added <= aim * peers if aim else None,
    )
